"""What changes make of a state, by the rules that only a store can check."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from craton.driver import (
    Change,
    Create,
    Delete,
    Replace,
    at,
    check_replaceable,
    new_revision,
    now,
    parent_of,
)
from craton.errors import AlreadyExists, Cycle, InUse, InvalidReference, NotFound, RevisionConflict
from craton.models import KINDS, Entity, Group, Host, children, links, parent_field
from craton.rules import find_cycle, rival_taken, rivals
from craton_driver_directory.state import Entities, State, name_key


class Draft:
    """A copy of a state's entities that may be changed.

    Attributes:
        entities: Every entity by kind and id.
    """

    def __init__(self, state: State) -> None:
        self.entities: Entities = {kind: dict(found) for kind, found in state.entities.items()}
        self._names = {
            name_key(entity): entity
            for found in self.entities.values()
            for entity in found.values()
        }
        self._linking: dict[tuple[type[Entity], str], int] = {}

    def make(self, changes: Iterator[Change]) -> None:
        """Make changes in their order; links are looked at when all are done.

        Raises:
            CratonError: A change breaks a rule; ``error.change`` is its position.
        """
        for index, change in enumerate(changes):
            with at(index):
                self._make(change, index)
        for (kind, id), index in self._linking.items():
            entity = self.entities[kind].get(id)
            if entity is not None:
                with at(index):
                    self._check_links(entity)

    def _make(self, change: Change, index: int) -> None:
        match change:
            case Create(entity=entity):
                self._check_new(entity)
                self._store(entity, index)
            case Replace(entity=entity, if_revision=if_revision):
                stored = self.entities[type(entity)].get(entity.id)
                stored = check_replaceable(stored, entity, if_revision)
                del self._names[name_key(stored)]
                self._store(dataclasses.replace(entity, created_at=stored.created_at), index)
            case Delete(kind=kind, id=id, if_revision=if_revision, cascade=cascade):
                self._remove(kind, id, if_revision, cascade)

    def _check_new(self, entity: Entity) -> None:
        if entity.id in self.entities[type(entity)]:
            raise AlreadyExists(entity.kind, "id", entity.id)
        if entity.parent is not None and parent_of(entity) not in self.entities[entity.parent]:
            raise InvalidReference(str(parent_field(type(entity))), str(parent_of(entity)))

    def _store(self, entity: Entity, index: int) -> None:
        key = name_key(entity)
        holder = self._names.get(key)
        if holder is not None:
            raise AlreadyExists(holder.kind, "name", key[2])
        for other in rivals(key[2]) if isinstance(entity, Host) else ():
            if isinstance(self._names.get((*key[:2], other)), Host):
                raise rival_taken(key[2], other)
        self._put(entity)
        # In the order of the changes, so that the first one at fault is named.
        self._linking.pop((type(entity), entity.id), None)
        self._linking[type(entity), entity.id] = index

    def _put(self, entity: Entity) -> None:
        self.entities[type(entity)][entity.id] = entity
        self._names[name_key(entity)] = entity

    def _remove(self, kind: type[Entity], id: str, if_revision: str | None, cascade: bool) -> None:
        stored = self.entities[kind].get(id)
        if stored is None:
            raise NotFound(kind.kind, id)
        if if_revision is not None and if_revision != stored.revision:
            raise RevisionConflict(kind.kind, id)
        gone = list(self._below(stored))
        if gone and not cascade:
            raise InUse(kind.kind, id, gone[0].collection)
        for entity in (*gone, stored):
            del self.entities[type(entity)][entity.id]
            del self._names[name_key(entity)]
        groups = {entity.id for entity in (*gone, stored) if isinstance(entity, Group)}
        if groups:
            self._unlink(groups)

    def _below(self, parent: Entity) -> Iterator[Entity]:
        for kind in children(type(parent)):
            for child in list(self.entities[kind].values()):
                if parent_of(child) == parent.id:
                    yield from self._below(child)
                    yield child

    def _unlink(self, gone: set[str]) -> None:
        for kind in KINDS:
            for field, _ in links(kind):
                for entity in list(self.entities[kind].values()):
                    ids = getattr(entity, field)
                    if not gone.isdisjoint(ids):
                        left = tuple(id for id in ids if id not in gone)
                        self._put(_relinked(entity, field, left))

    def _check_links(self, entity: Entity) -> None:
        groups: dict[str, Group] = self.entities[Group]  # type: ignore[assignment]
        for field, _ in links(type(entity)):
            for id in getattr(entity, field):
                if id not in groups or groups[id].region_id != parent_of(entity):
                    raise InvalidReference(field, id, "names no group of this region")
        if isinstance(entity, Group):
            cycle = find_cycle(entity.id, lambda id: groups[id].parents if id in groups else ())
            if cycle is not None:
                raise Cycle(groups[id].name for id in cycle)


def _relinked(entity: Entity, field: str, ids: tuple[str, ...]) -> Entity:
    changes: dict[str, Any] = {field: ids, "revision": new_revision(), "updated_at": now()}
    return dataclasses.replace(entity, **changes)
