"""Faults in snapshots."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from craton.backends.memory.driver import MemoryDriver, MemoryReader
from craton.backends.memory.state import State
from craton.driver import InventoryReader
from craton.errors import Unavailable
from craton.models import E, Entity, Group
from craton.query import Predicate
from tests.mutants.registry import fault


@fault("A snapshot moves with the store.", "SNAPSHOT-1")
class SnapshotMoves(MemoryDriver):
    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        yield self


class Mixed(MemoryReader):
    """A reader of one state that asks the store for groups."""

    def __init__(self, driver: MemoryDriver) -> None:
        super().__init__(driver.state)
        self.driver = driver

    def _get(self, kind: type[E], id: str) -> E | None:
        return self.driver._get(kind, id) if kind is Group else super()._get(kind, id)


@fault("A snapshot does not hold the groups.", "SNAPSHOT-1")
class SnapshotWithoutGroups(MemoryDriver):
    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        yield Mixed(self)


class LiveCount(MemoryReader):
    """A reader of one state that asks the store to count."""

    def __init__(self, driver: MemoryDriver) -> None:
        super().__init__(driver.state)
        self.driver = driver

    def _count(self, kind: type[Entity], where: Predicate) -> int:
        return self.driver._count(kind, where)


@fault("A snapshot counts what the store holds now.", "SNAPSHOT-1")
class SnapshotCountsTheStore(MemoryDriver):
    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        yield LiveCount(self)


class LiveDigest(LiveCount):
    """A reader of one state that asks the store for the digest."""

    def _count(self, kind: type[Entity], where: Predicate) -> int:
        return MemoryReader._count(self, kind, where)

    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        return self.driver._digest(kind, where)


@fault("A snapshot digests what the store holds now.", "SNAPSHOT-1")
class SnapshotDigestsTheStore(MemoryDriver):
    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        yield LiveDigest(self)


class Lazy(MemoryReader):
    """A reader of the state that it meets when it is first asked."""

    def __init__(self, driver: MemoryDriver) -> None:
        self.driver = driver
        self.found: State | None = None

    @property
    def state(self) -> State:  # type: ignore[override]
        self.found = self.found or self.driver.state
        return self.found


@fault("A snapshot is taken with its first read.", "SNAPSHOT-1")
class SnapshotTakenLate(MemoryDriver):
    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        yield Lazy(self)


@fault("A snapshot inside of another one has its state.", "SNAPSHOT-1")
class SnapshotsShared(MemoryDriver):
    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        open_: list[Any] = self.__dict__.setdefault("snapshots", [])
        open_.append(open_[-1] if open_ else self.state)
        try:
            yield MemoryReader(open_[-1])
        finally:
            open_.pop()


class Locking(MemoryDriver):
    """Base of the faults in which a snapshot has a lock that writers need."""

    held = 0

    def _write(self, changes: Any) -> None:
        if self.held:
            raise Unavailable("the store is locked")
        super()._write(changes)


@fault("Nobody can write while there is a snapshot.", "SNAPSHOT-1", "SNAPSHOT-2")
class SnapshotLocks(Locking):
    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        self.held += 1
        try:
            yield MemoryReader(self.state)
        finally:
            self.held -= 1


@fault("A snapshot that ends in an error is never let go.", "SNAPSHOT-2")
class SnapshotKeptAfterAnError(Locking):
    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        try:
            yield MemoryReader(self.state)
        except ArithmeticError:
            self.held += 1
            raise


@fault("The connection of a snapshot is never closed.", "SNAPSHOT-2")
class SnapshotLeaksAConnection(MemoryDriver):
    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        os.open(os.devnull, os.O_RDONLY)
        yield MemoryReader(self.state)


@fault("The old state of a snapshot comes back when it is left.", "SNAPSHOT-1")
class SnapshotComesBack(MemoryDriver):
    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        state = self.state
        yield MemoryReader(state)
        self.state = state
