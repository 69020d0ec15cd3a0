"""Faults of mirrors, planted in one that follows nobody: all that is made in it is another's."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from craton.backends.memory.driver import MemoryDriver
from craton.capabilities import Capability
from craton.driver import Change, Create, Delete, Replace, now
from craton.errors import ReadOnly
from craton.mirror import MirrorStatus, Origin, SyncReport
from craton.models import Entity, Host
from craton.variables import Variables
from tests.mutants.registry import fault

_ALL = MemoryDriver.capabilities


class MirrorDriver(MemoryDriver):
    """It is right, and only the base of the faults. Its users' variables begin with ``own``."""

    capabilities = dataclasses.replace(_ALL, supported=_ALL.supported | {Capability.MIRROR})

    synced_at: datetime | None = None

    def _write(self, changes: Iterator[Change]) -> None:
        super()._write(map(self.checked, changes))

    def checked(self, change: Change) -> Change:
        if not isinstance(change, Create):
            kind, id = (
                (change.kind, change.id)
                if isinstance(change, Delete)
                else (type(change.entity), change.entity.id)
            )
            host = self.state.get(kind, id)
            if isinstance(host, Host) and self.is_theirs(host, change):
                raise ReadOnly("Toy", f"toy:{id}")
        return change

    def is_theirs(self, host: Host, change: Change) -> bool:
        if not isinstance(change, Replace) or not isinstance(change.entity, Host):
            return True
        after = change.entity
        same = (host.name, host.active) == (after.name, after.active)
        return not same or theirs(host) != theirs(after)

    def _sync(self, everything: bool, confirm: bool, max_age: float, patience: float) -> SyncReport:
        if self.synced_at is None or (now() - self.synced_at).total_seconds() >= max_age:
            self.synced_at = now()
        return SyncReport(everything=everything)

    def _mirror_status(self, rejected: int) -> MirrorStatus:
        return MirrorStatus(adapter="toy", owner="Toy", max_age=60, synced_at=self.synced_at)

    def _origins(self, kind: type[Entity], ids: Collection[str]) -> Mapping[str, Origin]:
        found = {id: self.state.get(Host, id) for id in ids}
        return {
            id: Origin(owner="Toy", url=f"toy:{id}", variables=frozenset(theirs(host)))
            for id, host in found.items()
            if host is not None
        }


def theirs(host: Host) -> dict[str, str]:
    members = host.variables.members()
    return {name: text for name, text in members.items() if not name.startswith("own")}


@fault("Syncs without claiming it.", "MIRROR-1")
class SyncsUnclaimed(MirrorDriver):
    capabilities = _ALL

    def sync(self, **options: bool) -> SyncReport:  # type: ignore[override]
        return self._sync(False, False, 0, 0)


@fault("Writes every host again with each sync.", "MIRROR-1")
class SyncWritesAll(MirrorDriver):
    def _sync(self, *options: object) -> SyncReport:
        for host in list(self.scan(Host)):
            self.replace(host)
        return super()._sync(*options)  # type: ignore[arg-type]


@fault("Says of a mirror that it is as old as its first sync.", "MIRROR-2")
class SyncGetsOld(MirrorDriver):
    def _sync(self, *options: object) -> SyncReport:
        if self.synced_at is not None:
            return SyncReport(everything=False)
        return super()._sync(*options)  # type: ignore[arg-type]


@fault("Lets everybody change what is owned.", "MIRROR-3")
class OwnedIsWritable(MirrorDriver):
    def checked(self, change: Change) -> Change:
        return change


@fault("Forgets to say where something can be changed.", "MIRROR-3")
class OwnerWithoutPlace(MirrorDriver):
    def checked(self, change: Change) -> Change:
        try:
            return super().checked(change)
        except ReadOnly as error:
            raise ReadOnly(error.owner) from error


@fault("Overwrites what Craton has added.", "MIRROR-4")
class SyncOverwrites(MirrorDriver):
    def _sync(self, *options: object) -> SyncReport:
        for host in list(self.scan(Host)):
            kept = Variables.from_members(theirs(host))
            if kept != host.variables:
                self.replace(dataclasses.replace(host, variables=kept, templated=()))
        return super()._sync(*options)  # type: ignore[arg-type]
