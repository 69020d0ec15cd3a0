"""Faults in apply."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator
from itertools import islice

from craton.backends.memory.driver import MemoryDriver, _make
from craton.driver import Change, Create, Delete, Replace, Stamp, at, new_revision
from craton.errors import AlreadyExists, BackendFault, Conflict, CratonError
from craton.models import Entity
from tests.mutants.registry import FaultyState, fault


@fault("Every change is a write of its own.", "BATCH-1", "BATCH-5")
class ChangesOneByOne(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        for index, change in enumerate(changes):
            with at(index):
                super()._write(iter((change,)))


@fault("What came before the error stays.", "BATCH-1", "BATCH-4", "BATCH-5")
class StaysUpToTheError(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        made: list[Change] = []

        def noted() -> Iterator[Change]:
            for change in changes:
                yield change
                made.append(change)

        try:
            super()._write(noted())
        except Exception:
            with contextlib.suppress(CratonError):
                super()._write(iter(made))
            raise


@fault("Changes can be seen before all are made, and are undone after an error.", "BATCH-1")
class SeenBeforeAllAreMade(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        with self._writing:
            before = self.state
            state = before.copy()
            self.state = state
            try:
                for index, change in enumerate(changes):
                    with at(index):
                        _make(change, state, index)
                state.check_links()
            except BaseException:
                self.state = before
                raise


@fault("A long batch is written by the thousand.", "BATCH-4", "BATCH-5")
class WrittenByTheThousand(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        done = 0
        while part := list(islice(changes, 1000)):
            try:
                super()._write(iter(part))
            except CratonError as error:
                error.change = done + (error.change or 0)
                raise
            done += len(part)


@fault("Links are looked at after each change.", "BATCH-2")
class LinksLookedAtEachTime(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        with self._writing:
            state = self.state.copy()
            for index, change in enumerate(changes):
                with at(index):
                    _make(change, state, index)
                state.check_links()
            self.state = state


@fault("Changes are sorted: first what is created, then what is replaced or deleted.", "BATCH-2")
class CreatesFirst(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        made = list(enumerate(changes))
        made.sort(key=lambda item: not isinstance(item[1], Create))
        with self._writing:
            state = self.state.copy()
            for index, change in made:
                with at(index):
                    _make(change, state, index)
            state.check_links()
            self.state = state


@fault("Parents are looked up when all changes are done.", "BATCH-2")
class ParentsLookedUpAtTheEnd(FaultyState):
    def add(self, entity: Entity, index: int) -> None:
        if entity.id in self._entities[type(entity)]:
            raise AlreadyExists(entity.kind, "id", entity.id)
        self._store(entity, index)
        self._linking[type(entity), entity.id] = index

    def _check_links_of(self, entity: Entity) -> None:
        if entity.created_at == entity.updated_at and entity.parent is not None:
            present = self._entities[type(entity)].pop(entity.id)
            name = self._names.pop(next(k for k, v in self._names.items() if v is present))
            super().add(present, 0)
            assert name is present
            del self._linking[type(entity), entity.id]
        super()._check_links_of(entity)

    def check_links(self) -> None:
        for (kind, id), index in list(self._linking.items()):
            entity = self.get(kind, id)
            if entity is not None:
                with at(index):
                    self._check_links_of(entity)


@fault("A link to a group that the batch deletes later is an error.", "BATCH-2")
class LinksToWhatGoesRefused(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        made = list(changes)
        gone = {change.id for change in made if isinstance(change, Delete)}
        before = self.state
        super()._write(iter(made))
        for index, change in enumerate(made):
            links = getattr(getattr(change, "entity", None), "groups", ())
            if gone & set(links):
                self.state = before
                error = BackendFault("a foreign key is violated")
                error.change = index
                raise error


class Stamping(MemoryDriver):
    """Base of the faults in what apply returns."""

    def stamped(self, stamps: list[Stamp]) -> list[Stamp]:
        raise NotImplementedError

    def apply(self, changes: Iterable[Change]) -> list[Stamp]:
        return self.stamped(super().apply(changes))


@fault("The stamps are sorted by id.", "BATCH-3")
class StampsSorted(Stamping):
    def stamped(self, stamps: list[Stamp]) -> list[Stamp]:
        return sorted(stamps, key=lambda stamp: stamp.id)


@fault("Deletes have no stamp.", "BATCH-3")
class NoStampForDeletes(Stamping):
    def stamped(self, stamps: list[Stamp]) -> list[Stamp]:
        return [stamp for stamp in stamps if stamp.revision]


@fault("The stamp of a delete has a revision.", "BATCH-3")
class RevisionForDeletes(Stamping):
    def stamped(self, stamps: list[Stamp]) -> list[Stamp]:
        return [dataclasses.replace(s, revision=s.revision or new_revision()) for s in stamps]


@fault("The revisions of the stamps are not those that were stored.", "BATCH-3")
class OtherRevisionsStamped(Stamping):
    def stamped(self, stamps: list[Stamp]) -> list[Stamp]:
        return [dataclasses.replace(s, revision=s.revision and new_revision()) for s in stamps]


@fault("A batch without changes is an error.", "BATCH-3")
class EmptyBatchRefused(MemoryDriver):
    def apply(self, changes: Iterable[Change]) -> list[Stamp]:
        stamps = super().apply(changes)
        if not stamps:
            raise BackendFault("nothing to do")
        return stamps


class Blaming(MemoryDriver):
    """Base of the faults in what the error of a batch says."""

    def blamed(self, error: CratonError) -> CratonError:
        raise NotImplementedError

    def apply(self, changes: Iterable[Change]) -> list[Stamp]:
        try:
            return super().apply(changes)
        except CratonError as error:
            raise self.blamed(error) from error


@fault("The error of a batch does not say which change it was.", "BATCH-4")
class NoPosition(Blaming):
    def blamed(self, error: CratonError) -> CratonError:
        error.change = None
        return error


@fault("Positions are counted from one.", "BATCH-4", "BATCH-1")
class PositionsFromOne(Blaming):
    def blamed(self, error: CratonError) -> CratonError:
        error.change = (error.change or 0) + 1
        return error


@fault("The error of a batch is always a plain conflict.", "BATCH-4")
class AnyErrorIsAConflict(Blaming):
    def blamed(self, error: CratonError) -> CratonError:
        conflict = Conflict(str(error))
        conflict.change = error.change
        return conflict


@fault("A broken link is blamed on the last change.", "BATCH-4")
class LastChangeBlamed(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        made = list(changes)
        try:
            super()._write(iter(made))
        except CratonError as error:
            if error.code in ("invalid_reference", "cycle"):
                error.change = len(made) - 1
            raise


@fault("What the iterator raises is taken for the end of the changes.", "BATCH-5")
class BrokenIteratorEnds(MemoryDriver):
    def apply(self, changes: Iterable[Change]) -> list[Stamp]:
        def unbroken() -> Iterator[Change]:
            try:
                yield from changes
            except RuntimeError:
                return

        return super().apply(unbroken())


@fault("What the iterator raises becomes a fault of the store.", "BATCH-5")
class BrokenIteratorIsAFault(MemoryDriver):
    def apply(self, changes: Iterable[Change]) -> list[Stamp]:
        try:
            return super().apply(changes)
        except RuntimeError as error:
            raise BackendFault("the batch broke") from error


@fault("The changes are gone through twice, first to check them.", "BATCH-5")
class GoneThroughTwice(MemoryDriver):
    def apply(self, changes: Iterable[Change]) -> list[Stamp]:
        for change in changes:
            if isinstance(change, Replace | Create):
                self.capabilities.require_writable(type(change.entity))
        return super().apply(changes)


@fault("A batch ends after five hundred changes.", "BATCH-5")
class BatchCutOff(MemoryDriver):
    def apply(self, changes: Iterable[Change]) -> list[Stamp]:
        return super().apply(islice(changes, 500))
