"""Who has which name, as far as some changes ask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import TypeAlias

from craton.backends.mongo.store import Store
from craton.driver import parent_of
from craton.errors import AlreadyExists
from craton.models import Entity, Group, Host, parent_field
from craton.rules import rival_taken, rivals

#: The parent's id (a root has none) and the name.
Name: TypeAlias = tuple[str | None, str]


class Names:
    """The names that are taken.

    Args:
        store: In a transaction that holds the fences of the parents.
        kind: The kind that the changes are about.
        entities: The entities as the changes would store them.
    """

    def __init__(self, store: Store, kind: type[Entity], entities: Collection[Entity]) -> None:
        self._holders: dict[Name, type[Entity]] = {}
        wanted: dict[str | None, set[str]] = defaultdict(set)
        for entity in entities:
            wanted[parent_of(entity)].update(_wanted(entity))
        for other in (Group, Host) if kind in (Group, Host) else (kind,):
            field = parent_field(other)
            for parent, names in wanted.items():
                where = {field: parent} if field else {}
                for document in store.chosen(other, "name", names, ("name",), where):
                    self._holders[parent, document["name"]] = other

    def take(self, entity: Entity) -> None:
        """Give an entity its name.

        Raises:
            AlreadyExists: Another one has it, or one that Ansible would take for the same.
        """
        key = name_of(entity)
        holder = self._holders.get(key)
        if holder is not None:
            raise AlreadyExists(holder.kind, "name", key[1])
        for other in rivals(key[1]) if isinstance(entity, Host) else ():
            if self._holders.get((key[0], other)) is Host:
                raise rival_taken(key[1], other)
        self._holders[key] = type(entity)

    def release(self, entity: Entity) -> None:
        """Free the name of an entity that gets another one."""
        self._holders.pop(name_of(entity), None)


def name_of(entity: Entity) -> Name:
    """Return what must be unique among the entities of a kind."""
    return parent_of(entity), entity.name  # type: ignore[attr-defined]


def _wanted(entity: Entity) -> Iterable[str]:
    _, name = name_of(entity)
    yield name
    if isinstance(entity, Host):
        yield from rivals(name)
