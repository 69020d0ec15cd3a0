"""A driver that tells how long everything took and how it ended."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import TracebackType
from typing import Final, Protocol, Self

from craton.backends.wrappers.delegation import WrappedReader, Wrapper
from craton.backends.wrappers.operations import Operation, described
from craton.driver import Change, InventoryDriver, InventoryReader
from craton.errors import CratonError, NotFound
from craton.models import E, Entity
from craton.query import Predicate, Selection

#: The outcome of what went well.
OK: Final = "ok"


class Observer(Protocol):
    """Takes what was measured. It is called by the thread that did the work, and must not raise."""

    def __call__(
        self, operation: Operation, kind: type[Entity] | None, seconds: float, outcome: str
    ) -> None:
        """Take one measurement.

        Args:
            operation: What was done.
            kind: With which kind of entity; ``None`` where it is several, or none.
            seconds: How long it took. For a stream, from its first row being asked for to its
                end, with the time that its reader took; for a snapshot, as long as it was held.
            outcome: ``ok``, or the code of the error; of an error that is none of Craton's,
                ``error``. A stream that is closed early is ``ok``.
        """


class TimedReader(WrappedReader):
    """Reads, and tells an observer.

    Args:
        inner: Where it reads.
        observer: Whom it tells.
    """

    def __init__(self, inner: InventoryReader, observer: Observer) -> None:
        super().__init__(inner)
        self._observer = observer

    def _get(self, kind: type[E], id: str) -> E | None:
        with self._timed(Operation.GET, kind) as timing:
            entity = self.inner._get(kind, id)
            if entity is None:
                timing.outcome = NotFound.code
            return entity

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        with self._timed(Operation.SCAN, kind):
            # Delegated by the interpreter, so a row costs next to nothing more.
            yield from self.inner._select(kind, selection)

    def _count(self, kind: type[Entity], where: Predicate) -> int:
        with self._timed(Operation.COUNT, kind):
            return self.inner._count(kind, where)

    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        with self._timed(Operation.DIGEST, kind):
            return self.inner._digest(kind, where)

    def _timed(self, operation: Operation, kind: type[Entity] | None = None) -> Timing:
        return Timing(self._observer, operation, kind)


class TimedDriver(TimedReader, Wrapper):
    """Does what the driver inside does, and tells an observer of each use of the store.

    Reads of a snapshot are told of one by one, and the snapshot as a whole.

    Args:
        inner: The driver inside.
        observer: Whom it tells.
    """

    inner: InventoryDriver

    def __init__(self, inner: InventoryDriver, observer: Observer) -> None:
        Wrapper.__init__(self, inner)
        self._observer = observer

    def _open(self) -> None:
        with self._timed(Operation.OPEN):
            super()._open()

    def _ping(self) -> None:
        with self._timed(Operation.PING):
            super()._ping()

    def _write(self, changes: Iterator[Change]) -> None:
        with self._timed(Operation.APPLY) as timing:
            timing.operation, timing.kind, changes = described(changes)
            self.inner._write(changes)

    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        with self._timed(Operation.SNAPSHOT), self.inner._snapshot() as reader:
            yield TimedReader(reader, self._observer)


class Timing:
    """One measurement, as a context.

    Attributes:
        operation: What is done in the block.
        kind: With which kind of entity.
        outcome: How it ends, unless an error ends it.
    """

    def __init__(self, observer: Observer, operation: Operation, kind: type[Entity] | None) -> None:
        self.operation = operation
        self.kind = kind
        self.outcome = OK
        self._observer = observer
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Closing a generator early is no failure.
        if error is not None and not isinstance(error, GeneratorExit):
            self.outcome = error.code if isinstance(error, CratonError) else CratonError.code
        self._observer(self.operation, self.kind, perf_counter() - self._began, self.outcome)
