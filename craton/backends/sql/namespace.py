"""The row of a region that keeps two writers from taking one name."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from craton.backends.sql import bulk
from craton.backends.sql.schema import REGION_STRUCTURES
from craton.models import Entity, Group, Host


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
