"""A driver that tries again when the store is away for a moment."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from tenacity import (
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from craton.backends.wrappers.delegation import WrappedReader, Wrapper
from craton.backends.wrappers.operations import taken
from craton.backends.wrappers.repeats import RepeatableWrite
from craton.capabilities import Capability
from craton.driver import Change, InventoryDriver, InventoryReader
from craton.errors import BackendFault, Unavailable
from craton.models import E, Entity
from craton.query import Predicate, Selection, position

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How often and how long something is tried.

    ``Unavailable.retry_after`` is not waited for: it is meant for clients, and longer than one of
    them should be kept waiting.

    Attributes:
        attempts: How often at most, the first time included.
        seconds: No attempt begins later than this after the first one began; so a failure is told
            of that much later than by the driver inside, at most.
        first_wait: About how many seconds pass before the second attempt; twice as many before the
            next one, and so on, each a random part of it.
        longest_wait: The bound of that, in seconds.
        changes: Writes of more changes are not repeated, for all of them would be held in memory.
        sleep: Waits for some seconds.
    """

    attempts: int = 5
    seconds: float = 3.0
    first_wait: float = 0.05
    longest_wait: float = 0.5
    changes: int = 10_000
    sleep: Callable[[float], None] = time.sleep

    def retrying(self) -> Retrying:
        """Return what calls a function until it does not raise ``Unavailable``."""
        return Retrying(
            sleep=self.sleep,
            stop=stop_after_attempt(self.attempts) | stop_before_delay(self.seconds),
            wait=wait_random_exponential(multiplier=self.first_wait, max=self.longest_wait),
            retry=retry_if_exception_type(Unavailable),
            reraise=True,
        )


class RetryingReader(WrappedReader):
    """Reads, and tries again.

    Args:
        inner: Where it reads.
        retrying: Calls a function until it succeeds, or patience is at its end.
    """

    def __init__(self, inner: InventoryReader, retrying: Retrying) -> None:
        super().__init__(inner)
        self._retrying = retrying

    def _get(self, kind: type[E], id: str) -> E | None:
        return self._read(lambda: self.inner._get(kind, id))

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        rest: Selection | None = selection
        while rest is not None:
            rest = yield from self._stretch(kind, rest)

    def _stretch(self, kind: type[E], selection: Selection) -> Generator[E, None, Selection | None]:
        """Yield rows up to the end or to a fault; then return what is still to be selected."""
        count = 0
        with closing(self._read(lambda: _begun(self.inner, kind, selection))) as rows:
            try:
                for row in rows:
                    count += 1
                    yield row
            except Unavailable:
                if Capability.STABLE_PAGING not in self.capabilities:
                    raise
                return _behind(selection, row, count)
        return None

    def _count(self, kind: type[Entity], where: Predicate) -> int:
        return self._read(lambda: self.inner._count(kind, where))

    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        return self._read(lambda: self.inner._digest(kind, where))

    def _read(self, read: Callable[[], T]) -> T:
        unavailable: Unavailable | None = None

        def attempt() -> T:
            nonlocal unavailable
            try:
                return read()
            except Unavailable as error:
                unavailable = error
                raise
            except BackendFault as error:
                # A snapshot whose connection broke has nothing better to say.
                if unavailable is None:
                    raise
                raise unavailable from error

        return self._retrying(attempt)


class RetryingDriver(RetryingReader, Wrapper):
    """Tries again when the driver inside says ``Unavailable``, as long as patience lasts.

    Reads are repeated. A stream that tears is taken up behind its last row by key, as the next page
    would be, so what stands throughout comes exactly once (PAGE-4); of a snapshot, it is the same
    state. Without STABLE_PAGING there is no such way, and a tear is raised. Patience begins anew
    with each row: a stream that gets on is not given up.

    Writes are repeated where it is certain that they take effect once;
    :class:`~craton.backends.wrappers.repeats.RepeatableWrite` has the reasons. Otherwise, and of
    more changes than patience allows, ``Unavailable`` is raised, and the write may have been done.
    Each write costs one read more, of one entity by its id.

    ``open`` and ``ping`` are not repeated: they are there to tell whether the store answers.

    Args:
        inner: The driver inside.
        patience: How often and how long it tries.
    """

    inner: InventoryDriver

    def __init__(self, inner: InventoryDriver, patience: Patience = Patience()) -> None:
        Wrapper.__init__(self, inner)
        self._patience = patience
        self._retrying = patience.retrying()

    def _write(self, changes: Iterator[Change]) -> None:
        kept, rest = taken(changes, self._patience.changes + 1)
        if rest is not None:
            self.inner._write(chain(kept, rest))
            return
        write = RepeatableWrite(self.inner, kept)
        self._retrying.copy(retry=retry_if_exception(write.may_repeat))(write.attempt)

    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        with ExitStack() as held:
            reader = self._read(lambda: held.enter_context(self.inner._snapshot()))
            yield RetryingReader(reader, self._retrying)


def _begun(
    reader: InventoryReader, kind: type[E], selection: Selection
) -> Generator[E, None, None]:
    """Return a stream that has its first row, so that it is known to have begun."""
    rows = reader._select(kind, selection)
    first = next(rows, None)
    return rows if first is None else _whole(first, rows)


def _whole(first: E, rows: Generator[E, None, None]) -> Generator[E, None, None]:
    with closing(rows):
        yield first
        yield from rows


def _behind(selection: Selection, last: Entity, count: int) -> Selection:
    """Return what is left of a selection behind a row, after so many of them."""
    left = None if selection.limit is None else selection.limit - count
    return dataclasses.replace(selection, after=position(last, selection.order), limit=left)
