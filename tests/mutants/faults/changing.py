"""Faults in records of changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from craton.backends.memory.driver import MemoryDriver
from craton.driver import Change, Create
from craton.models import ChangeRecord, Entity
from tests.mutants.registry import FaultyState, fault


@fault("Only the first names of fields are kept.", "CHANGE-1")
class FieldsAreCut(FaultyState):
    def _store(self, entity: Entity, index: int) -> None:
        if isinstance(entity, ChangeRecord):
            entity = dataclasses.replace(entity, fields=entity.fields[:100])
        super()._store(entity, index)


@fault("That there was nothing before is stored as an empty text.", "CHANGE-1")
class NothingIsText(FaultyState):
    def _store(self, entity: Entity, index: int) -> None:
        if isinstance(entity, ChangeRecord):
            entity = dataclasses.replace(entity, tenant_id=entity.tenant_id or "")
        super()._store(entity, index)


@fault("Records of changes are written before the batch, and stay.", "CHANGE-2")
class ChangeRecordsAreWrittenFirst(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        made = list(changes)
        first = [change for change in made if _is_record(change)]
        if len(made) > 1 and first:
            super()._write(iter(first))
            made = [change for change in made if not _is_record(change)]
        super()._write(iter(made))


def _is_record(change: Change) -> bool:
    return isinstance(change, Create) and isinstance(change.entity, ChangeRecord)
