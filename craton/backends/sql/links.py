"""Links between entities, some of which can only be stored when all changes are made.

A link whose target is there already becomes a row at once. The others wait until the end, because
a later change may create what they name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from craton.backends.sql import bulk
from craton.backends.sql.namespace import RegionLocks
from craton.backends.sql.schema import TABLES, KindTables
from craton.driver import at, parent_of
from craton.errors import Cycle, InvalidReference
from craton.models import Entity, Group, links
from craton.rules import find_cycle


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An entity that was just written.

    Attributes:
        index: The position of the change that wrote it.
        entity: What was written.
        key: The key of its row.
    """

    index: int
    entity: Entity
    key: int


@dataclass(kw_only=True)
class _Pending:
    """What must be looked at when all changes are made."""

    stored: Stored
    missing: dict[str, list[str]]


class LinkWriter:
    """Stores the links of what one transaction writes.

    Args:
        connection: In a transaction that writes.
        locks: The locks of the regions.
    """

    def __init__(self, connection: Connection, locks: RegionLocks) -> None:
        self._connection = connection
        self._locks = locks
        # In the order of the changes, so that the error is the first one's.
        self._pending: dict[tuple[type[Entity], str], _Pending] = {}
        self._reshaped: set[str] = set()

    def store(self, tables: KindTables, written: Sequence[Stored], *, new: bool) -> None:
        """Store the links of entities; ``new`` ones have none yet."""
        missing: dict[int, dict[str, list[str]]] = defaultdict(dict)
        for field, _ in links(tables.kind):
            before = {} if new else self._before(tables, field, written)
            self._store_field(tables, field, written, before, missing)
        for stored in written:
            self._pending.pop((tables.kind, stored.entity.id), None)
            if stored.key in missing or self._may_close_cycle(stored.entity):
                pending = _Pending(stored=stored, missing=missing[stored.key])
                self._pending[tables.kind, stored.entity.id] = pending

    def removing(self, kind: type[Entity], ids: Iterable[str]) -> None:
        """Take note that entities are about to be removed, and drop what waits because of them.

        Who loses a link here was written in this transaction, and needs no other revision.
        """
        gone = set(ids)
        for id in gone:
            self._pending.pop((kind, id), None)
        for (owner, _), pending in self._pending.items():
            for field, spec in links(owner):
                if spec.kind == kind.kind and field in pending.missing:
                    waiting = pending.missing[field]
                    pending.missing[field] = [target for target in waiting if target not in gone]

    @property
    def has_pending(self) -> bool:
        """Whether anything waits for the end."""
        return bool(self._pending)

    def settle(self) -> None:
        """Check what had to wait, and store it.

        Raises:
            InvalidReference: A link names nothing in the region.
            Cycle: A group would be its own ancestor.
        """
        if not self._pending:
            return
        wanted = {id for pending in self._pending.values() for id in _targets(pending)}
        regions = self._regions_of(wanted)
        parents = self._parents_in({*self._reshaped, *regions.values()})
        for pending in self._pending.values():
            with at(pending.stored.index):
                self._check(pending, regions, parents)
        for pending in self._pending.values():
            for field, missing in pending.missing.items():
                rows = [(pending.stored.key, target) for target in missing]
                self._insert(TABLES[type(pending.stored.entity)], field, rows)

    def _store_field(
        self,
        tables: KindTables,
        field: str,
        written: Sequence[Stored],
        before: dict[int, set[str]],
        missing: dict[int, dict[str, list[str]]],
    ) -> None:
        regions = self._regions_of({t for s in written for t in getattr(s.entity, field)})
        come: list[tuple[int, str]] = []
        go: list[tuple[int, str]] = []
        for stored in written:
            region, had = parent_of(stored.entity), before.get(stored.key, set())
            wanted = getattr(stored.entity, field)
            there = {target for target in wanted if regions.get(target) == region}
            if len(there) < len(wanted):
                missing[stored.key][field] = [target for target in wanted if target not in there]
            come.extend((stored.key, target) for target in sorted(there - had))
            go.extend((stored.key, target) for target in sorted(had - there))
            if tables.kind is Group and had != set(wanted):
                self._locks.take((str(region),))
                self._reshaped.add(str(region))
        bulk.delete(self._connection, tables.links[field], ("owner", "target"), go)
        self._insert(tables, field, come)

    def _may_close_cycle(self, entity: Entity) -> bool:
        return isinstance(entity, Group) and bool(entity.parents)

    def _check(
        self, pending: _Pending, regions: dict[str, str], parents: dict[str, set[str]]
    ) -> None:
        entity = pending.stored.entity
        for field, missing in pending.missing.items():
            for id in missing:
                if regions.get(id) != parent_of(entity):
                    raise InvalidReference(field, id, "names no group of this region")
        if isinstance(entity, Group):
            cycle = find_cycle(entity.id, lambda id: sorted(parents.get(id, ())))
            if cycle is not None:
                names = self._names_of(cycle)
                raise Cycle(names[id] for id in cycle)

    def _before(
        self, tables: KindTables, field: str, written: Sequence[Stored]
    ) -> dict[int, set[str]]:
        columns = tables.links[field].c
        statement = select(columns.owner, columns.target)
        found: dict[int, set[str]] = defaultdict(set)
        keys = [stored.key for stored in written]
        for owner, target in bulk.chosen(self._connection, statement, columns.owner, keys):
            found[owner].add(target)
        return found

    def _regions_of(self, groups: set[str]) -> dict[str, str]:
        columns = TABLES[Group].entities.c
        statement = select(columns.id, columns.region_id)
        return dict(bulk.chosen(self._connection, statement, columns.id, groups))

    def _parents_in(self, regions: set[str]) -> dict[str, set[str]]:
        """Return the parents of each group of the regions, those that wait included."""
        if not self._reshaped:
            return {}
        groups, edges = TABLES[Group].entities, TABLES[Group].links["parents"]
        statement = select(groups.c.id, edges.c.target).join(edges, edges.c.owner == groups.c.key)
        parents: dict[str, set[str]] = defaultdict(set)
        rows = bulk.chosen(self._connection, statement, groups.c.region_id, regions)
        for group, parent in rows:
            parents[group].add(parent)
        for (kind, id), pending in self._pending.items():
            if kind is Group:
                parents[id].update(_targets(pending))
        return parents

    def _names_of(self, groups: Iterable[str]) -> dict[str, str]:
        columns = TABLES[Group].entities.c
        statement = select(columns.id, columns.name)
        rows = bulk.chosen(self._connection, statement, columns.id, set(groups))
        return dict(rows)

    def _insert(self, tables: KindTables, field: str, rows: list[tuple[int, str]]) -> None:
        bulk.insert(self._connection, tables.links[field], ("owner", "target"), rows)


def _targets(pending: _Pending) -> list[str]:
    return [target for missing in pending.missing.values() for target in missing]
