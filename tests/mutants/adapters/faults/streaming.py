"""Faults in streams while the CMDB changes, and in large ones."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from craton.cmdb import End, Item
from craton.errors import Unavailable
from tests.mutants.adapters.reference import ReferenceAdapter
from tests.mutants.adapters.registry import fault
from tests.mutants.adapters.store import PAGE, Row


@fault("A token stands for the end of the stream, not for its beginning.", "ADAPTER-9")
class TokenOfTheEnd(ReferenceAdapter):
    def end(self, state: Row, begin: int | None) -> End:
        return super().end(self.ask("state"), begin)


@fault("Pages are found by counting, so that a deletion moves the next one.", "ADAPTER-9")
class PagesCounted(ReferenceAdapter):
    def rows(self) -> Iterator[Row]:
        start = 0
        while page := self.ask("rows", after="", limit=start + PAGE)[start:]:
            yield from page
            start += len(page)


@fault("A change ends a stream.", "ADAPTER-9")
class ChangeEndsAStream(ReferenceAdapter):
    def end(self, state: Row, begin: int | None) -> End:
        if self.ask("state") != state:
            raise Unavailable("the CMDB has changed")
        return super().end(state, begin)


@fault("Everything is read before anything is yielded.", "ADAPTER-15")
class AllAtOnce(ReferenceAdapter):
    def everything(self) -> Iterator[Item]:
        return iter(list(super().everything()))


@fault("What was yielded is kept.", "ADAPTER-15")
class YieldedIsKept(ReferenceAdapter):
    def _changes(self, since: str | None) -> Generator[Item, None, None]:
        kept = []
        for item in super()._changes(since):
            kept.append(item)
            yield item
