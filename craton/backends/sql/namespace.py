"""What must be unique, and the row of a region that keeps two writers from taking one name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeAlias

from sqlalchemy import Connection, select

from craton.backends.sql import bulk
from craton.backends.sql.schema import REGION_STRUCTURES, TABLES
from craton.driver import parent_of
from craton.errors import AlreadyExists
from craton.models import Entity, Group, Host
from craton.rules import rival_taken, rivals

#: The parent's id (a root has none) and the name.
Name: TypeAlias = tuple[str | None, str]


class RegionLocks:
    """The regions whose structure no other writer changes before this transaction ends.

    Args:
        connection: In a transaction that writes.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._held: set[str] = set()

    def take(self, regions: Iterable[str]) -> set[str]:
        """Lock regions, and return those of them that exist."""
        wanted = set(regions)
        # In one order everywhere, so that two writers do not wait for each other.
        for region in sorted(wanted - self._held):
            if self._touch(region):
                self._held.add(region)
        return wanted & self._held

    def add(self, regions: Iterable[str]) -> None:
        """Begin to keep regions that are new."""
        rows = [(region, 0) for region in regions]
        bulk.insert(self._connection, REGION_STRUCTURES, ("region_id", "version"), rows)

    def forget(self) -> None:
        """Ask again for each region, because some were deleted."""
        self._held.clear()

    def _touch(self, region: str) -> bool:
        columns = REGION_STRUCTURES.c
        statement = (
            REGION_STRUCTURES.update()
            .where(columns.region_id == region)
            .values(version=columns.version + 1)
        )
        return self._connection.execute(statement).rowcount == 1


def is_structural(kind: type[Entity]) -> bool:
    """Tell whether a kind shares its names with another one: hosts and groups of a region do."""
    return kind in (Group, Host)


class Names:
    """Who has which name, as far as a chunk of changes asks.

    Args:
        connection: In a transaction that holds the locks of the regions.
        kind: The kind that the changes are about.
        entities: The entities as the changes would store them.
    """

    def __init__(
        self, connection: Connection, kind: type[Entity], entities: Collection[Entity]
    ) -> None:
        self._holders: dict[Name, type[Entity]] = {}
        wanted = {name for entity in entities for name in _wanted(entity)}
        parents = {parent_of(entity) for entity in entities}
        for other in (Group, Host) if is_structural(kind) else (kind,):
            tables = TABLES[other]
            columns = tables.entities.c
            if tables.parent is None:
                statement = select(columns.name)
                for (name,) in bulk.chosen(connection, statement, columns.name, wanted):
                    self._holders[None, name] = other
            else:
                statement = select(tables.parent, columns.name)
                for parent in parents:
                    own = statement.where(tables.parent == parent)
                    for row in bulk.chosen(connection, own, columns.name, wanted):
                        self._holders[row[0], row[1]] = other

    def take(self, entity: Entity) -> None:
        """Give an entity its name.

        Raises:
            AlreadyExists: Another one has it, or one that Ansible would take for the same.
        """
        key = _name_of(entity)
        holder = self._holders.get(key)
        if holder is not None:
            raise AlreadyExists(holder.kind, "name", key[1])
        for other in rivals(key[1]) if isinstance(entity, Host) else ():
            if self._holders.get((key[0], other)) is Host:
                raise rival_taken(key[1], other)
        self._holders[key] = type(entity)

    def release(self, entity: Entity) -> None:
        """Free the name of an entity that gets another one."""
        self._holders.pop(_name_of(entity), None)


def _name_of(entity: Entity) -> Name:
    return parent_of(entity), entity.name  # type: ignore[attr-defined]


def _wanted(entity: Entity) -> Iterable[str]:
    name = _name_of(entity)[1]
    yield name
    if isinstance(entity, Host):
        yield from rivals(name)
