"""Faults in what is stored verbatim."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime

from craton.backends.memory.driver import MemoryDriver
from craton.driver import Change, Create, Delete, new_id, new_revision, now
from craton.models import E
from tests.mutants.registry import fault


@fault("A driver makes the revision of each write itself.", "VERBATIM-1")
class OwnRevisions(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        super()._write(
            change
            if isinstance(change, Delete) or not change.verbatim
            else dataclasses.replace(
                change, entity=dataclasses.replace(change.entity, revision=new_revision())
            )
            for change in changes
        )


@fault("A driver notes by its own clock when it stored something.", "VERBATIM-1")
class OwnClock(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        super()._write(
            change
            if isinstance(change, Delete)
            else dataclasses.replace(
                change, entity=dataclasses.replace(change.entity, updated_at=now())
            )
            for change in changes
        )


@fault("What is replaced verbatim was created when the other store says.", "VERBATIM-1")
class CreatedElsewhere(MemoryDriver):
    def replace(self, entity: E, *, if_revision: str | None = None, verbatim: bool = False) -> E:
        stored = super().replace(entity, if_revision=if_revision, verbatim=verbatim)
        return dataclasses.replace(stored, created_at=entity.created_at)


@fault("What a verbatim entity lacks is made up.", "VERBATIM-2")
class MadeUpStamps(MemoryDriver):
    def create(self, entity: E, *, verbatim: bool = False) -> E:
        if verbatim:
            entity = dataclasses.replace(
                entity, id=entity.id or new_id(), revision=entity.revision or new_revision()
            )
        return super().create(entity, verbatim=verbatim)


@fault("What is verbatim is not checked.", "VERBATIM-2")
class VerbatimUnchecked(MemoryDriver):
    def _prepare(self, change: Change, moment: datetime, revision: str) -> Change:
        if isinstance(change, Create) and change.verbatim:
            return change
        return super()._prepare(change, moment, revision)
