"""Faults in what is claimed: what is not must be refused, and what is must work."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from contextlib import AbstractContextManager

from craton.backends.memory.driver import MemoryDriver
from craton.capabilities import Capabilities, Capability
from craton.driver import Change, InventoryReader, Migrations, Stamp
from craton.errors import Unsupported
from craton.models import KINDS, E, Entity, Group, Host
from craton.query import EVERYTHING, Predicate, Query, check, check_where
from tests.mutants.registry import fault
from tests.mutants.remote import RemoteDriver, Store, Versions

_ALL = MemoryDriver.capabilities


def without(capability: Capability) -> Capabilities:
    return dataclasses.replace(_ALL, supported=_ALL.supported - {capability})


@fault("Sorts without claiming it.", "PAGE-2", "PAGE-1")
class SortsUnclaimed(MemoryDriver):
    capabilities = without(Capability.SORT)

    def _check(self, kind: type[E], query: Query) -> None:
        check(kind, query)


@fault("Claims to sort, and refuses to.", "PAGE-1", "PAGE-2")
class SortsNotAsClaimed(MemoryDriver):
    def _check(self, kind: type[E], query: Query) -> None:
        super()._check(kind, query)
        if query.order.descending:
            raise Unsupported(Capability.SORT.value)


@fault("Takes page tokens without claiming stable paging.", "PAGE-4")
class PagesUnclaimed(MemoryDriver):
    capabilities = without(Capability.STABLE_PAGING)

    def _check(self, kind: type[E], query: Query) -> None:
        check(kind, query)


@fault("Counts without claiming it.", "SCAN-4")
class CountsUnclaimed(MemoryDriver):
    capabilities = without(Capability.COUNT)

    def count(self, kind: type[Entity], where: Predicate = EVERYTHING) -> int:
        check_where(kind, where)
        return self._count(kind, where)


@fault("Does not claim to compare and set, and writes whatever the revision.", "REPLACE-3")
class RevisionIgnoredUnclaimed(MemoryDriver):
    capabilities = without(Capability.CAS)

    def replace(self, entity: E, *, if_revision: str | None = None, verbatim: bool = False) -> E:
        return super().replace(entity, verbatim=verbatim)


@fault("Does not claim batches, and makes their changes one by one.", "BATCH-1")
class BatchesUnclaimed(MemoryDriver):
    capabilities = without(Capability.ATOMIC_BATCH)

    def apply(self, changes: Iterable[Change]) -> list[Stamp]:
        stamps: list[Stamp] = []
        for change in self._prepared(changes, stamps):
            self._write(iter((change,)))
        return stamps


@fault("Does not claim snapshots, and gives the present state instead.", "SNAPSHOT-1")
class SnapshotsUnclaimed(MemoryDriver):
    capabilities = without(Capability.SNAPSHOT)

    def snapshot(self) -> AbstractContextManager[InventoryReader]:
        return self._snapshot()


@fault("Names another capability than the one that is missing.", "SCAN-4")
class AnotherCapabilityNamed(MemoryDriver):
    capabilities = without(Capability.COUNT)

    def count(self, kind: type[Entity], where: Predicate = EVERYTHING) -> int:
        raise Unsupported("counting")


@fault("Has versions of a schema without claiming them.", "LIFE-3")
class MigratesUnclaimed(MemoryDriver):
    def migrations(self) -> Migrations:
        return Versions(Store())


@fault("Writes a kind that it does not claim to write.", "ERROR-3", "LINK-2")
class WritesUnclaimed(MemoryDriver):
    capabilities = Capabilities(supported=_ALL.supported, writable=frozenset(KINDS) - {Group})

    def _require_write(self, kind: type[Entity], if_revision: str | None) -> None:
        self.capabilities.require(Capability.WRITE)

    def create(self, entity: E, *, verbatim: bool = False) -> E:
        honest, self.capabilities = self.capabilities, _ALL
        try:
            return super().create(entity, verbatim=verbatim)
        finally:
            self.capabilities = honest


@fault("Claims to write a kind that it refuses.", "ERROR-3")
class RefusesWhatItClaims(RemoteDriver):
    def delete(self, kind: type[Entity], id: str, **options: object) -> None:
        if kind is Host:
            raise Unsupported("write:host")
        super().delete(kind, id, **options)  # type: ignore[arg-type]
