"""Faults in records."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from craton.backends.memory.driver import MemoryDriver
from craton.driver import Change, Create, Delete, Replace
from craton.models import Entity, Record
from tests.mutants.registry import FaultyState, fault


@fault("A long value is cut.", "RECORD-1")
class LongRecordsAreCut(FaultyState):
    def _store(self, entity: Entity, index: int) -> None:
        if isinstance(entity, Record):
            entity = dataclasses.replace(entity, value=entity.value[: 2**16])
        super()._store(entity, index)


@fault("Two records may have one name.", "RECORD-1")
class RecordsShareNames(FaultyState):
    def _check_name(self, entity: Entity) -> None:
        if not isinstance(entity, Record):
            super()._check_name(entity)


@fault("The revision of a record is not looked at.", "RECORD-1", "RECORD-2")
class RecordsAreOverwritten(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        super()._write(map(_unconditional, changes))


@fault("Records are written before the batch, and stay.", "RECORD-2")
class RecordsAreWrittenFirst(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        made = list(changes)
        alone = [change for change in made if _kind(change) is Record]
        if len(made) == 1 or not alone:
            super()._write(iter(made))
            return
        for change in alone:
            super()._write(iter((change,)))
        super()._write(change for change in made if _kind(change) is not Record)


def _kind(change: Change) -> type[Entity]:
    return change.kind if isinstance(change, Delete) else type(change.entity)


def _unconditional(change: Change) -> Change:
    if isinstance(change, Create) or _kind(change) is not Record:
        return change
    assert isinstance(change, Replace | Delete)
    return dataclasses.replace(change, if_revision=None)
