"""Faults in replace and update."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable
from datetime import datetime

from craton.backends.memory import state
from craton.backends.memory.driver import MemoryDriver
from craton.driver import check_replaceable, parent_of
from craton.errors import AlreadyExists, NotFound, RevisionConflict
from craton.models import NEVER, E, Entity, Group, Host, Region
from tests.mutants.faults.creating import Restamping
from tests.mutants.registry import FaultyState, fault


@fault("replace takes created_at from the caller.", "REPLACE-1")
class CreatedAtFromTheCaller(FaultyState):
    given: datetime = NEVER

    def put(self, entity: Entity, if_revision: str | None, index: int) -> None:
        super().put(entity, if_revision, index)
        stored = dataclasses.replace(entity, created_at=self.given)
        self._entities[type(entity)][entity.id] = stored


@fault("apply makes created_at anew when it replaces.", "BATCH-3")
class CreatedAtMadeAnew(FaultyState):
    def put(self, entity: Entity, if_revision: str | None, index: int) -> None:
        super().put(entity, if_revision, index)
        self._entities[type(entity)][entity.id] = entity


@fault("replace leaves updated_at as it is.", "REPLACE-1")
class UpdatedAtNotChanged(Restamping):
    def replace(self, entity: E, *, if_revision: str | None = None, verbatim: bool = False) -> E:
        before = self.get(type(entity), entity.id)
        stored = super().replace(entity, if_revision=if_revision, verbatim=verbatim)
        return self.stored_as(stored, updated_at=before.updated_at)


@fault("replace leaves the revision as it is.", "REPLACE-1")
class RevisionNotChanged(Restamping):
    def replace(self, entity: E, *, if_revision: str | None = None, verbatim: bool = False) -> E:
        before = self.get(type(entity), entity.id)
        stored = super().replace(entity, if_revision=if_revision, verbatim=verbatim)
        return self.stored_as(stored, revision=before.revision)


@fault("The revision is a digest of the content, which may come back.", "REPLACE-1")
class RevisionOfTheContent(Restamping):
    def create(self, entity: E, *, verbatim: bool = False) -> E:
        stored = super().create(entity, verbatim=verbatim)
        return self.stored_as(stored, revision=_digest(stored))

    def replace(self, entity: E, *, if_revision: str | None = None, verbatim: bool = False) -> E:
        stored = super().replace(entity, if_revision=if_revision, verbatim=verbatim)
        return self.stored_as(stored, revision=_digest(stored))


def _digest(entity: Entity) -> str:
    content = dataclasses.replace(entity, revision="", created_at=NEVER, updated_at=NEVER)
    return hashlib.blake2b(repr(content).encode(), digest_size=8).hexdigest()


@fault("The revision of a replaced entity is counted, from one again after a delete.", "REPLACE-1")
class RevisionCounted(Restamping):
    def create(self, entity: E, *, verbatim: bool = False) -> E:
        return self.stored_as(super().create(entity, verbatim=verbatim), revision="1")

    def replace(self, entity: E, *, if_revision: str | None = None, verbatim: bool = False) -> E:
        before = self.get(type(entity), entity.id)
        stored = super().replace(entity, if_revision=if_revision, verbatim=verbatim)
        return self.stored_as(stored, revision=str(int(before.revision, 16) + 1))


@fault("Fields that are null in the new state keep their old value.", "REPLACE-1")
class NullKeepsTheOldValue(MemoryDriver):
    def replace(self, entity: E, *, if_revision: str | None = None, verbatim: bool = False) -> E:
        if isinstance(entity, Host) and entity.ssh_port is None:
            before = self.get(Host, entity.id)
            entity = dataclasses.replace(entity, ssh_port=before.ssh_port)
        return super().replace(entity, if_revision=if_revision, verbatim=verbatim)


@fault("replace creates what is not there.", "REPLACE-2")
class ReplaceCreates(MemoryDriver):
    def replace(self, entity: E, *, if_revision: str | None = None, verbatim: bool = False) -> E:
        try:
            return super().replace(entity, if_revision=if_revision, verbatim=verbatim)
        except NotFound:
            return self.create(entity, verbatim=verbatim)


@fault("replace moves an entity to another parent.", "REPLACE-2")
class ParentChanges(FaultyState):
    def put(self, entity: Entity, if_revision: str | None, index: int) -> None:
        stored = self.get(type(entity), entity.id)
        if stored is not None and parent_of(stored) != parent_of(entity):
            check_replaceable(stored, stored, if_revision)
            del self._names[state._name_key(stored)]
            self._store(dataclasses.replace(entity, created_at=stored.created_at), index)
        else:
            super().put(entity, if_revision, index)


@fault("Another parent in the new state is ignored without a word.", "REPLACE-2")
class AnotherParentIgnored(MemoryDriver):
    def replace(self, entity: E, *, if_revision: str | None = None, verbatim: bool = False) -> E:
        if isinstance(entity, Host):
            before = self.get(Host, entity.id)
            entity = dataclasses.replace(entity, region_id=before.region_id)
        return super().replace(entity, if_revision=if_revision, verbatim=verbatim)


@fault("replace ignores if_revision.", "REPLACE-3", "REPLACE-6", "BATCH-4")
class RevisionIgnored(FaultyState):
    def put(self, entity: Entity, if_revision: str | None, index: int) -> None:
        super().put(entity, None, index)


@fault("An empty if_revision is taken for none.", "REPLACE-3")
class EmptyRevisionIsNone(FaultyState):
    def put(self, entity: Entity, if_revision: str | None, index: int) -> None:
        super().put(entity, if_revision or None, index)


@fault("if_revision is compared first, and the write is another step.", "REPLACE-3", "REPLACE-6")
class ComparedThenWritten(MemoryDriver):
    def replace(self, entity: E, *, if_revision: str | None = None, verbatim: bool = False) -> E:
        before = self.get(type(entity), entity.id)
        if if_revision is not None and before.revision != if_revision:
            raise RevisionConflict(entity.kind, entity.id)
        time.sleep(0.002)
        return super().replace(entity, verbatim=verbatim)


@fault("An entity stands in its own way when it keeps its name.", "REPLACE-4")
class InItsOwnWay(FaultyState):
    def put(self, entity: Entity, if_revision: str | None, index: int) -> None:
        check_replaceable(self.get(type(entity), entity.id), entity, if_revision)
        self._check_name(entity)
        super().put(entity, if_revision, index)


@fault("replace does not look whether the new name is free.", "REPLACE-4")
class RenamedToATakenName(FaultyState):
    def put(self, entity: Entity, if_revision: str | None, index: int) -> None:
        stored = check_replaceable(self.get(type(entity), entity.id), entity, if_revision)
        self._names.pop(state._name_key(stored), None)
        self._names.pop(state._name_key(entity), None)
        self._store(dataclasses.replace(entity, created_at=stored.created_at), index)

    def remove(self, kind: type[Entity], id: str, if_revision: str | None, cascade: bool) -> None:
        stored = self.get(kind, id)
        if stored is not None:
            self._names.setdefault(state._name_key(stored), stored)
        super().remove(kind, id, if_revision, cascade)


@fault("The old name of a renamed entity stays taken.", "REPLACE-4")
class OldNameStaysTaken(FaultyState):
    def put(self, entity: Entity, if_revision: str | None, index: int) -> None:
        stored = self.get(type(entity), entity.id)
        super().put(entity, if_revision, index)
        if stored is not None:
            self._names.setdefault(state._name_key(stored), entity)


@fault("replace does not look whether the links name groups.", "REPLACE-4", "LINK-1")
class LinksUncheckedWhenReplaced(FaultyState):
    def put(self, entity: Entity, if_revision: str | None, index: int) -> None:
        super().put(entity, if_revision, index)
        if isinstance(entity, Host):
            del self._linking[Host, entity.id]


@fault("Variables are merged into the old ones.", "REPLACE-1", "REPLACE-5")
class VariablesMerged(MemoryDriver):
    def replace(self, entity: E, *, if_revision: str | None = None, verbatim: bool = False) -> E:
        before = self.get(type(entity), entity.id)
        variables = before.variables.merged(entity.variables)  # type: ignore[attr-defined]
        merged = dataclasses.replace(entity, variables=variables)  # type: ignore[call-arg]
        return super().replace(merged, if_revision=if_revision, verbatim=verbatim)


@fault("Links are added to the old ones.", "REPLACE-5")
class LinksAdded(MemoryDriver):
    def replace(self, entity: E, *, if_revision: str | None = None, verbatim: bool = False) -> E:
        before = self.get(type(entity), entity.id)
        if isinstance(entity, Host) and isinstance(before, Host):
            entity = dataclasses.replace(entity, groups=entity.groups + before.groups)
        if isinstance(entity, Group) and isinstance(before, Group) and not entity.parents:
            entity = dataclasses.replace(entity, parents=before.parents)
        return super().replace(entity, if_revision=if_revision, verbatim=verbatim)


@fault("update writes although nothing has changed.", "REPLACE-6")
class EqualResultWritten(MemoryDriver):
    def update(self, kind: type[E], id: str, change: Callable[[E], E]) -> E:
        found = super().update(kind, id, change)
        return self.replace(found, if_revision=found.revision)


@fault("update reads, changes and writes, whatever happened in between.", "REPLACE-6")
class UpdateLost(MemoryDriver):
    def update(self, kind: type[E], id: str, change: Callable[[E], E]) -> E:
        before = self.get(kind, id)
        after = change(before)
        return before if after == before else self.replace(after)


@fault("update gives up when somebody else was faster.", "REPLACE-6")
class UpdateGivesUp(MemoryDriver):
    def update(self, kind: type[E], id: str, change: Callable[[E], E]) -> E:
        before = self.get(kind, id)
        after = change(before)
        return before if after == before else self.replace(after, if_revision=before.revision)


@fault("replace does not compare names of regions.", "REPLACE-4")
class RegionRenamedToATakenName(FaultyState):
    def _check_name(self, entity: Entity) -> None:
        try:
            super()._check_name(entity)
        except AlreadyExists:
            if not isinstance(entity, Region) or self.get(Region, entity.id) is None:
                raise
