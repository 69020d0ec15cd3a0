"""Faults in errors: which leave a driver, what they say, and what was done all the same."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from craton.backends.memory.driver import MemoryDriver
from craton.driver import Change
from craton.errors import BackendFault, InvalidValue, Unavailable
from craton.models import E
from craton.query import Compare, Prefix, Selection
from tests.mutants.registry import fault
from tests.mutants.remote import RemoteDriver, VendorError


class Binding(MemoryDriver):
    """Base of the faults in how the value of a filter reaches the store."""

    def bind(self, value: Any) -> None:
        raise NotImplementedError

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        match selection.where:
            case Compare(value=value) | Prefix(prefix=value):
                self.bind(value)
        return super()._select(kind, selection)


@fault("OverflowError escapes when an integer has more than 64 bits.", "ERROR-1")
class OverflowEscapes(Binding):
    def bind(self, value: Any) -> None:
        if type(value) is int:
            value.to_bytes(8, signed=True)


@fault("A filter with a string that no store holds is a fault.", "ERROR-1")
class NulIsAFault(Binding):
    def bind(self, value: Any) -> None:
        if isinstance(value, str) and "\0" in value:
            raise BackendFault("the statement cannot be made")


@fault("UnicodeEncodeError escapes for half of a surrogate pair.", "ERROR-1")
class EncodingErrorEscapes(Binding):
    def bind(self, value: Any) -> None:
        if isinstance(value, str):
            value.encode()


@fault("An error has a message, and no facts.", "ERROR-1")
class ErrorsWithoutFacts(MemoryDriver):
    def create(self, entity: E, *, verbatim: bool = False) -> E:
        try:
            return super().create(entity, verbatim=verbatim)
        except InvalidValue as error:
            error.fields = {}
            raise


@fault("The message repeats what the vendor's library said.", "ERROR-1")
class VendorsWordsRepeated(RemoteDriver):
    def reach(self) -> None:
        try:
            self.call()
        except VendorError as error:
            raise Unavailable(f"the store does not answer: {error}") from error


@fault("The cause of an error is lost.", "ERROR-1")
class CauseLost(RemoteDriver):
    def reach(self) -> None:
        try:
            self.call()
        except VendorError:
            raise Unavailable("the store does not answer") from None


@fault("The vendor's own error escapes.", "ERROR-1", "ERROR-2", "LIFE-4")
class VendorErrorEscapes(RemoteDriver):
    def reach(self) -> None:
        self.call()


@fault("A vendor's error escapes in mid-stream.", "SCAN-3", "ERROR-2")
class VendorErrorInStreams(RemoteDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        for entity in MemoryDriver._select(self, kind, selection):
            self.call()
            yield entity


@fault("A store that is away is a fault of the store.", "ERROR-2")
class AwayIsAFault(RemoteDriver):
    def reach(self) -> None:
        try:
            self.call()
        except VendorError as error:
            raise BackendFault("the store does not answer") from error


@fault("A store that is away does not say when to try again.", "ERROR-2", "LIFE-4")
class NoTimeToTryAgain(RemoteDriver):
    def reach(self) -> None:
        try:
            self.call()
        except VendorError as error:
            raise Unavailable("the store does not answer", retry_after=0) from error


@fault("An entity is read from a cache while the store is away.", "ERROR-2")
class ReadFromACache(RemoteDriver):
    def _get(self, kind: type[E], id: str) -> E | None:
        return MemoryDriver._get(self, kind, id)


@fault("A list is empty while the store is away.", "ERROR-2")
class EmptyWhileAway(RemoteDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        yield from () if self.store.away else super()._select(kind, selection)


@fault("A write that was refused because the store is away is made later.", "ERROR-2")
class WrittenLater(RemoteDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        made = list(changes)
        try:
            self.reach()
        except Unavailable:
            MemoryDriver._write(self, iter(made))
            raise
        super()._write(iter(made))


@fault("ping does not ask the store.", "LIFE-4")
class PingAsksNobody(RemoteDriver):
    def _ping(self) -> None:
        pass


@fault("After an outage the driver stays away.", "ERROR-2", "LIFE-4")
class NeverBack(RemoteDriver):
    lost = False

    def reach(self) -> None:
        self.lost = self.lost or self.store.away
        if self.lost:
            raise Unavailable("the store does not answer") from VendorError("gone")
