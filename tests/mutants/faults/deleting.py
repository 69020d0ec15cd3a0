"""Faults in delete."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

from craton.backends.memory import state
from craton.backends.memory.driver import MemoryDriver
from craton.driver import parent_of
from craton.errors import InUse, NotFound
from craton.models import Entity, Group, Host, children, links
from tests.mutants.registry import FaultyState, fault


@fault("A deleted entity is only marked, and get still finds it.", "DELETE-1")
class DeletedIsOnlyMarked(FaultyState):
    def get(self, kind: type[Any], id: str) -> Any:
        return super().get(kind, id) or self.graves().get((kind, id))

    def graves(self) -> dict[tuple[type[Entity], str], Entity]:
        marked: dict[tuple[type[Entity], str], Entity] = self.__dict__.setdefault("marked", {})
        return marked

    def copy(self) -> state.State:
        other = super().copy()
        other.__dict__["marked"] = dict(self.graves())
        return other

    def add(self, entity: Entity, index: int) -> None:
        self.graves().pop((type(entity), entity.id), None)
        super().add(entity, index)

    def remove(self, kind: type[Entity], id: str, if_revision: str | None, cascade: bool) -> None:
        if (kind, id) in self.graves():
            raise NotFound(kind.kind, id)
        stored = self.get(kind, id)
        super().remove(kind, id, if_revision, cascade)
        self.graves()[kind, id] = stored


@fault("The name of a deleted entity stays taken.", "DELETE-1")
class DeletedNameStaysTaken(FaultyState):
    def remove(self, kind: type[Entity], id: str, if_revision: str | None, cascade: bool) -> None:
        stored = self.get(kind, id)
        super().remove(kind, id, if_revision, cascade)
        if stored is not None:
            self._names[state._name_key(stored)] = stored


@fault("Deleting what is not there is a success.", "DELETE-2", "BATCH-4")
class DeletingNothingSucceeds(FaultyState):
    def remove(self, kind: type[Entity], id: str, if_revision: str | None, cascade: bool) -> None:
        with contextlib.suppress(NotFound):
            super().remove(kind, id, if_revision, cascade)


@fault("delete ignores if_revision.", "DELETE-2", "BATCH-4")
class DeletedWhateverTheRevision(FaultyState):
    def remove(self, kind: type[Entity], id: str, if_revision: str | None, cascade: bool) -> None:
        super().remove(kind, id, None, cascade)


@fault("An empty if_revision is taken for none by delete.", "DELETE-2")
class DeletedAtAnEmptyRevision(FaultyState):
    def remove(self, kind: type[Entity], id: str, if_revision: str | None, cascade: bool) -> None:
        super().remove(kind, id, if_revision or None, cascade)


@fault("delete finds an entity of another kind by its id.", "DELETE-2")
class DeletesAnotherKind(FaultyState):
    def remove(self, kind: type[Entity], id: str, if_revision: str | None, cascade: bool) -> None:
        kinds = (other for other in self._entities if id in self._entities[other])
        found = kind if id in self._entities[kind] else next(kinds, kind)
        super().remove(found, id, if_revision, cascade)


@fault("delete always cascades.", "DELETE-3")
class AlwaysCascades(FaultyState):
    def remove(self, kind: type[Entity], id: str, if_revision: str | None, cascade: bool) -> None:
        super().remove(kind, id, if_revision, True)


@fault("delete never cascades.", "DELETE-3")
class NeverCascades(FaultyState):
    def remove(self, kind: type[Entity], id: str, if_revision: str | None, cascade: bool) -> None:
        super().remove(kind, id, if_revision, False)


@fault("A cascade stops after one level.", "DELETE-3")
class CascadesOneLevel(FaultyState):
    def remove(self, kind: type[Entity], id: str, if_revision: str | None, cascade: bool) -> None:
        stored = self.get(kind, id)
        if stored is None or not cascade:
            super().remove(kind, id, if_revision, cascade)
            return
        for child in list(self._children(stored)):
            for grandchild in list(self._children(child)):
                raise InUse(child.kind, child.id, grandchild.collection)
        super().remove(kind, id, if_revision, cascade)


@fault("A cascade takes the children of a neighbour of the same name.", "DELETE-3")
class CascadeTakesTheNeighbours(FaultyState):
    def _children(self, parent: Entity) -> Iterator[Entity]:
        names = {
            entity.id
            for entity in self.all(type(parent))
            if entity.name == parent.name  # type: ignore[attr-defined]
        }
        for kind in children(type(parent)):
            yield from (child for child in self.all(kind) if parent_of(child) in names)


@fault("Groups do not count as children of their region.", "DELETE-3")
class GroupsAreNoChildren(FaultyState):
    def _children(self, parent: Entity) -> Iterator[Entity]:
        return (child for child in super()._children(parent) if not isinstance(child, Group))


@fault("InUse does not name what stands in the way.", "DELETE-3")
class ChildrenMisnamed(FaultyState):
    def remove(self, kind: type[Entity], id: str, if_revision: str | None, cascade: bool) -> None:
        try:
            super().remove(kind, id, if_revision, cascade)
        except InUse as error:
            raise InUse(kind.kind, id, "children") from error


@fault("Links to a deleted group stay.", "DELETE-4")
class LinksLeftDangling(FaultyState):
    def _unlink(self, gone: Entity) -> None:
        pass


@fault("Links of subgroups to a deleted group stay.", "DELETE-4")
class OnlyHostsUnlinked(FaultyState):
    def _unlink(self, gone: Entity) -> None:
        groups = dict(self._entities[Group])
        super()._unlink(gone)
        self._entities[Group] = groups


@fault("What loses a link to a deleted group keeps its revision.", "DELETE-4")
class UnlinkedWithoutANewRevision(FaultyState):
    def _relink(self, entity: Entity, field: str, ids: tuple[str, ...]) -> None:
        super()._relink(entity, field, ids)
        changed = self._entities[type(entity)][entity.id]
        kept = dataclasses.replace(changed, revision=entity.revision)
        self._entities[type(entity)][entity.id] = kept


@fault("What loses a link to a deleted group keeps its updated_at.", "DELETE-4")
class UnlinkedWithoutANewTime(FaultyState):
    def _relink(self, entity: Entity, field: str, ids: tuple[str, ...]) -> None:
        super()._relink(entity, field, ids)
        changed = self._entities[type(entity)][entity.id]
        kept = dataclasses.replace(changed, updated_at=entity.updated_at)
        self._entities[type(entity)][entity.id] = kept


@fault("What loses a link to a deleted group loses all others, too.", "DELETE-4")
class UnlinkedFromAll(FaultyState):
    def _relink(self, entity: Entity, field: str, ids: tuple[str, ...]) -> None:
        super()._relink(entity, field, ())


@fault("The hosts of a deleted group go with it.", "DELETE-4")
class HostsGoWithTheirGroup(FaultyState):
    def _unlink(self, gone: Entity) -> None:
        for host in list(self.all(Host)):
            if gone.id in host.groups:
                self.remove(Host, host.id, None, False)
        super()._unlink(gone)


@fault("Deleting a group gives a new revision to entities that had no link to it.", "DELETE-4")
class BystandersTouched(FaultyState):
    def _unlink(self, gone: Entity) -> None:
        super()._unlink(gone)
        if isinstance(gone, Group):
            for host in list(self.all(Host)):
                for field, _ in links(Host):
                    self._relink(host, field, getattr(host, field))


@fault("delete is done behind the caller's back, when something is read next.", "DELETE-1")
class DeletedLater(MemoryDriver):
    def delete(self, kind: type[Entity], id: str, **options: Any) -> None:
        before = self.state
        super().delete(kind, id, **options)
        self.late = self.state
        self.state = before

    def _get(self, kind: type[Any], id: str) -> Any:
        found = super()._get(kind, id)
        self.state, self.late = self.__dict__.get("late") or self.state, None  # type: ignore[assignment]
        return found
