"""All entities at one moment, and the changes that lead to the next one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from craton.driver import at, check_replaceable, new_revision, now, parent_of
from craton.errors import AlreadyExists, Cycle, InUse, InvalidReference, NotFound, RevisionConflict
from craton.models import KINDS, E, Entity, Group, Host, children, links, parent_field
from craton.rules import find_cycle, rival_taken, rivals


class State:
    """Entities by kind and id, and the names that are taken.

    A state that a reader may have is never changed: a writer works on a :meth:`copy`.
    """

    def __init__(self) -> None:
        self._entities: dict[type[Entity], dict[str, Entity]] = {kind: {} for kind in KINDS}
        self._names: dict[tuple[str | None, str, str], Entity] = {}
        self._linking: dict[tuple[type[Entity], str], int] = {}

    def copy(self) -> State:
        """Return another state with the same entities, to be changed."""
        other = State()
        other._entities = {kind: dict(entities) for kind, entities in self._entities.items()}
        other._names = dict(self._names)
        return other

    def get(self, kind: type[E], id: str) -> E | None:
        """Return an entity, or ``None``."""
        return self._entities[kind].get(id)  # type: ignore[return-value]

    def all(self, kind: type[E]) -> Iterable[E]:
        """Return all entities of a kind."""
        return self._entities[kind].values()  # type: ignore[return-value]

    def add(self, entity: Entity, index: int) -> None:
        """Store a new entity; ``index`` is the position of the change, for ``check_links``."""
        if entity.id in self._entities[type(entity)]:
            raise AlreadyExists(entity.kind, "id", entity.id)
        if entity.parent is not None and self.get(entity.parent, parent_of(entity) or "") is None:
            raise InvalidReference(parent_field(type(entity)) or "", parent_of(entity) or "")
        self._store(entity, index)

    def put(self, entity: Entity, if_revision: str | None, index: int) -> None:
        """Store another state of an entity."""
        stored = check_replaceable(self.get(type(entity), entity.id), entity, if_revision)
        del self._names[_name_key(stored)]
        self._store(dataclasses.replace(entity, created_at=stored.created_at), index)

    def remove(self, kind: type[Entity], id: str, if_revision: str | None, cascade: bool) -> None:
        """Remove an entity, with its children if ``cascade`` is set, and every link to it."""
        stored = self.get(kind, id)
        if stored is None:
            raise NotFound(kind.kind, id)
        if if_revision is not None and stored.revision != if_revision:
            raise RevisionConflict(kind.kind, id)
        for child in list(self._children(stored)):
            if not cascade:
                raise InUse(kind.kind, id, child.collection)
            self.remove(type(child), child.id, None, cascade)
        del self._entities[kind][id]
        del self._names[_name_key(stored)]
        self._unlink(stored)

    def check_links(self) -> None:
        """Check the links of everything that was stored since the copy was made."""
        for (kind, id), index in self._linking.items():
            entity = self.get(kind, id)
            if entity is not None:
                with at(index):
                    self._check_links_of(entity)

    def _store(self, entity: Entity, index: int) -> None:
        self._check_name(entity)
        self._entities[type(entity)][entity.id] = entity
        self._names[_name_key(entity)] = entity
        # In the order of the changes, so that the first one at fault is named.
        self._linking.pop((type(entity), entity.id), None)
        self._linking[type(entity), entity.id] = index

    def _check_name(self, entity: Entity) -> None:
        key = _name_key(entity)
        holder = self._names.get(key)
        if holder is not None:
            raise AlreadyExists(holder.kind, "name", key[2])
        for other in rivals(key[2]) if isinstance(entity, Host) else ():
            if isinstance(self._names.get((*key[:2], other)), Host):
                raise rival_taken(key[2], other)

    def _check_links_of(self, entity: Entity) -> None:
        for field, _ in links(type(entity)):
            for id in getattr(entity, field):
                group = self.get(Group, id)
                if group is None or group.region_id != parent_of(entity):
                    raise InvalidReference(field, id, "names no group of this region")
        if isinstance(entity, Group):
            cycle = find_cycle(entity.id, self._parents)
            if cycle is not None:
                raise Cycle(self._entities[Group][id].name for id in cycle)  # type: ignore[attr-defined]

    def _parents(self, group: str) -> tuple[str, ...]:
        found = self.get(Group, group)
        return found.parents if found else ()

    def _children(self, parent: Entity) -> Iterator[Entity]:
        for kind in children(type(parent)):
            yield from (child for child in self.all(kind) if parent_of(child) == parent.id)

    def _unlink(self, gone: Entity) -> None:
        if not isinstance(gone, Group):
            return
        for kind in (Group, Host):
            for entity in list(self.all(kind)):
                for field, _ in links(kind):
                    ids = getattr(entity, field)
                    if gone.id in ids:
                        self._relink(entity, field, tuple(id for id in ids if id != gone.id))

    def _relink(self, entity: Entity, field: str, ids: tuple[str, ...]) -> None:
        changes: dict[str, Any] = {field: ids, "revision": new_revision(), "updated_at": now()}
        changed = dataclasses.replace(entity, **changes)
        self._entities[type(entity)][entity.id] = changed
        self._names[_name_key(entity)] = changed


def _name_key(entity: Entity) -> tuple[str | None, str, str]:
    """Return what must be unique: hosts and groups share one namespace in their region."""
    namespace = "inventory" if isinstance(entity, Host | Group) else entity.kind
    return parent_of(entity), namespace, entity.name  # type: ignore[attr-defined]
