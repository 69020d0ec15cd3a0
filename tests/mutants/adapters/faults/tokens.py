"""Faults in tokens, and in what a stream since one has."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from craton.cmdb import End, Gone, Item, Present
from craton.errors import InvalidPageToken, Unavailable
from craton.models import Host
from tests.mutants.adapters.reference import ReferenceAdapter
from tests.mutants.adapters.registry import fault
from tests.mutants.adapters.store import Row


@fault("The end is not last.", "ADAPTER-5")
class EndIsNotLast(ReferenceAdapter):
    def _changes(self, since: str | None) -> Generator[Item, None, None]:
        yield from super()._changes(since)
        yield from self.places()


@fault("There is no end.", "ADAPTER-5")
class NoEnd(ReferenceAdapter):
    def _changes(self, since: str | None) -> Generator[Item, None, None]:
        yield from list(super()._changes(since))[:-1]


@fault("A token is too long.", "ADAPTER-5")
class TokenTooLong(ReferenceAdapter):
    def token(self, state: Row) -> str:
        return super().token(state) + " " * 100_000


@fault("A token is a number.", "ADAPTER-5")
class TokenIsANumber(ReferenceAdapter):
    def end(self, state: Row, begin: int | None) -> End:
        end = super().end(state, begin)

        class Number(str):
            """Passes for a text."""

        return End(token=Number(end.token), everything=end.everything)


@fault("A token holds half of a surrogate pair.", "ADAPTER-5")
class TokenIsNoText(ReferenceAdapter):
    def token(self, state: Row) -> str:
        return super().token(state) + "\ud800"


@fault("A full stream says that it has a part.", "ADAPTER-5")
class FullStreamSaysPart(ReferenceAdapter):
    def end(self, state: Row, begin: int | None) -> End:
        return End(token=self.token(state), everything=False)


@fault("What is deleted is in no stream since a token.", "ADAPTER-6")
class DeletedForgotten(ReferenceAdapter):
    def gone(self, id: str) -> Iterator[Item]:
        yield from ()


@fault("The first change behind a token is lost.", "ADAPTER-6")
class FirstChangeLost(ReferenceAdapter):
    def log(self, begin: int, until: int) -> Iterator[Item]:
        return super().log(begin + 1, until)


@fault("Only the first page of what changed is read.", "ADAPTER-6")
class FirstPageOfChanges(ReferenceAdapter):
    def log(self, begin: int, until: int) -> Iterator[Item]:
        return super().log(begin, min(until, begin + 1))


@fault("Changes come in the wrong order, and an old one counts.", "ADAPTER-6")
class OldestStateCounts(ReferenceAdapter):
    def log(self, begin: int, until: int) -> Iterator[Item]:
        known: dict[str, Item] = self.__dict__.setdefault("seen", {})
        for item in super().log(begin, until):
            if isinstance(item, Present) and isinstance(item.entity, Host):
                yield known.setdefault(item.entity.id, item)
            else:
                yield item


@fault("An object that was gone once stays gone.", "ADAPTER-6")
class GoneForEver(ReferenceAdapter):
    def log(self, begin: int, until: int) -> Iterator[Item]:
        gone = self.__dict__.setdefault("buried", set())
        for item in super().log(begin, until):
            if isinstance(item, Gone):
                row = self.store.made
                gone.add(row)
            if not (gone and isinstance(item, Present) and isinstance(item.entity, Host)):
                yield item


@fault("Tokens are known to the adapter that made them alone.", "ADAPTER-6")
class TokensOfOneAdapter(ReferenceAdapter):
    def known(self, since: str | None, state: Row) -> int | None:
        begin = super().known(since, state)
        mine = self.__dict__.setdefault("mine", set())
        if begin is not None and since not in mine:
            return int(state["serial"])
        return begin

    def token(self, state: Row) -> str:
        token = super().token(state)
        self.__dict__.setdefault("mine", set()).add(token)
        return token


@fault("A token can be used once.", "ADAPTER-6")
class TokenUsedUp(ReferenceAdapter):
    def _changes(self, since: str | None) -> Generator[Item, None, None]:
        yield from super()._changes(since)
        if since is not None:
            self.store.log.clear()
            self.store.log += [
                (n + 1, "nothing") for n in range(self.store.oldest, self.store.serial)
            ]


@fault("A part of everything is called everything.", "ADAPTER-7", "ADAPTER-6")
class PartCalledEverything(ReferenceAdapter):
    def end(self, state: Row, begin: int | None) -> End:
        return End(token=self.token(state), everything=True)


@fault("Only the first page of everything is read.", "ADAPTER-7")
class FirstPageOnly(ReferenceAdapter):
    def rows(self) -> Iterator[Row]:
        yield from self.ask("rows", after="")


@fault("A CMDB without objects is taken for one that is away.", "ADAPTER-7")
class EmptyIsAway(ReferenceAdapter):
    def rows(self) -> Iterator[Row]:
        row: Any = None
        for row in super().rows():
            yield row
        if row is None:
            raise Unavailable("the CMDB is empty")


@fault("An unknown token is an error.", "ADAPTER-8")
class UnknownTokenRefused(ReferenceAdapter):
    def known(self, since: str | None, state: Row) -> int | None:
        begin = super().known(since, state)
        if begin is None and since is not None:
            raise InvalidPageToken
        return begin


@fault("Since an unknown token nothing has changed.", "ADAPTER-8")
class UnknownTokenIsNow(ReferenceAdapter):
    def known(self, since: str | None, state: Row) -> int | None:
        begin = super().known(since, state)
        return int(state["serial"]) if begin is None and since is not None else begin


@fault("A token is taken for known although the log does not go back so far.", "ADAPTER-8")
class OldTokenTrusted(ReferenceAdapter):
    def known(self, since: str | None, state: Row) -> int | None:
        return super().known(since, {**state, "oldest": 0})
