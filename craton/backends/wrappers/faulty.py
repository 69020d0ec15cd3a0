"""A driver whose store fails as planned, for tests of what stands on a driver."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from itertools import islice

from craton.backends.wrappers.delegation import WrappedReader, Wrapper
from craton.backends.wrappers.faults import Fault, Plan
from craton.backends.wrappers.operations import Operation, described
from craton.driver import Change, InventoryDriver, InventoryReader
from craton.models import E, Entity
from craton.query import Predicate, Selection

Sleep = Callable[[float], None]


class FaultyReader(WrappedReader):
    """Reads, unless the plan is against it.

    Args:
        inner: Where it reads.
        plan: Which faults come when.
        sleep: Waits for some seconds.
    """

    def __init__(self, inner: InventoryReader, plan: Plan, sleep: Sleep) -> None:
        super().__init__(inner)
        self._plan = plan
        self._sleep = sleep

    def _get(self, kind: type[E], id: str) -> E | None:
        self._suffer(Operation.GET, kind)
        return self.inner._get(kind, id)

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        fault = self._planned(Operation.SCAN, kind)
        with closing(self.inner._select(kind, selection)) as rows:
            if fault is None or fault.error is None:
                yield from rows
            else:
                yield from islice(rows, fault.rows)
                fault.strike()

    def _count(self, kind: type[Entity], where: Predicate) -> int:
        self._suffer(Operation.COUNT, kind)
        return self.inner._count(kind, where)

    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        self._suffer(Operation.DIGEST, kind)
        return self.inner._digest(kind, where)

    def _planned(self, operation: Operation, kind: type[Entity] | None = None) -> Fault | None:
        fault = self._plan.fault(operation, kind)
        if fault is not None and fault.seconds:
            self._sleep(fault.seconds)
        return fault

    def _suffer(self, operation: Operation, kind: type[Entity] | None = None) -> None:
        fault = self._planned(operation, kind)
        if fault is not None:
            fault.strike()


class FaultyDriver(FaultyReader, Wrapper):
    """Does what the driver inside does, with the faults of a plan.

    A fault of a write comes before its commit, and then nothing is written, or behind it, and then
    all is, but nobody is told. That is how a store looks whose connection breaks.

    Args:
        inner: The driver inside.
        plan: Which faults come when; also in snapshots.
        sleep: Waits for some seconds.
    """

    inner: InventoryDriver

    def __init__(self, inner: InventoryDriver, plan: Plan, sleep: Sleep = time.sleep) -> None:
        Wrapper.__init__(self, inner)
        self._plan = plan
        self._sleep = sleep

    def _open(self) -> None:
        self._suffer(Operation.OPEN)
        super()._open()

    def _ping(self) -> None:
        self._suffer(Operation.PING)
        super()._ping()

    def _write(self, changes: Iterator[Change]) -> None:
        operation, kind, changes = described(changes)
        fault = self._planned(operation, kind)
        if fault is None:
            self.inner._write(changes)
        elif fault.committed:
            self.inner._write(changes)
            fault.strike()
        else:
            self.inner._write(_torn(changes, fault))

    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        self._suffer(Operation.SNAPSHOT)
        with self.inner._snapshot() as reader:
            yield FaultyReader(reader, self._plan, self._sleep)


def _torn(changes: Iterator[Change], fault: Fault) -> Iterator[Change]:
    """Yield the changes and then fail: what the iterator raises undoes the write (BATCH-5)."""
    yield from changes
    fault.strike()
