"""Makes the changes of one transaction, in their order, a portion at a time."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from craton.backends.sql import bulk
from craton.backends.sql.dialects import LONGEST_TEXT
from craton.backends.sql.errors import OvertakenError
from craton.backends.sql.links import LinkWriter, Stored
from craton.backends.sql.namespace import RegionLocks, is_structural
from craton.backends.sql.removal import Remover
from craton.backends.sql.rows import changed_members, value_checksum, writer_of
from craton.backends.sql.schema import TABLES, KindTables
from craton.chunks import chunked, kind_of
from craton.driver import Change, Create, Delete, Replace, at, check_replaceable, parent_of
from craton.errors import AlreadyExists, InvalidReference, InvalidValue
from craton.models import Entity, Region, parent_field
from craton.rules import TakenNames

_WRITERS: Final = {kind: writer_of(tables) for kind, tables in TABLES.items()}

_VARIABLE_COLUMNS: Final = ("owner", "name", "value", "checksum")


class Writer:
    """Writes in one transaction.

    Args:
        connection: In a transaction that writes and has read nothing yet.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._locks = RegionLocks(connection)
        self._links = LinkWriter(connection, self._locks)
        self._remover = Remover(connection, self._links)

    def make(self, changes: Iterator[Change]) -> None:
        """Make the changes.

        Raises:
            CratonError: As ``InventoryDriver._write``.
        """
        for chunk in chunked(changes):
            kind = kind_of(chunk[0][1])
            creates = [(index, c.entity) for index, c in chunk if isinstance(c, Create)]
            replaces = [(index, c) for index, c in chunk if isinstance(c, Replace)]
            deletes = [(index, c) for index, c in chunk if isinstance(c, Delete)]
            if creates:
                self._create(TABLES[kind], creates)
            elif replaces:
                self._replace(TABLES[kind], replaces)
            else:
                self._remover.remove(kind, deletes)
            if not is_structural(kind):
                self._locks.forget()
        self._links.settle()

    # -- new entities --------------------------------------------------------------------------

    def _create(self, tables: KindTables, changes: Sequence[tuple[int, Entity]]) -> None:
        entities = [entity for _, entity in changes]
        self._check_new(tables, changes)
        rows = [_WRITERS[tables.kind](entity) for entity in entities]
        bulk.insert(self._connection, tables.entities, tables.scalars, rows)
        if tables.kind is Region:
            self._locks.add(entity.id for entity in entities)
        if not tables.links and not tables.variables:
            return
        keys = self._keys(tables, entities)
        written = [Stored(index=i, entity=e, key=keys[e.id]) for i, e in changes]
        self._check_lengths(tables, written)
        for field, table in tables.variables.items():
            members = [
                (stored.key, name, text, value_checksum(text))
                for stored in written
                for name, text in getattr(stored.entity, field).members().items()
            ]
            bulk.insert(self._connection, table, _VARIABLE_COLUMNS, members)
        self._links.store(tables, written, new=True)

    def _check_new(self, tables: KindTables, changes: Sequence[tuple[int, Entity]]) -> None:
        entities = [entity for _, entity in changes]
        parents = self._parents(tables, entities)
        taken = set(self._keys(tables, entities))
        names = TakenNames(tables.kind, entities, self._names)
        for index, entity in changes:
            with at(index):
                if entity.id in taken:
                    raise AlreadyExists(entity.kind, "id", entity.id)
                parent = parent_of(entity)
                if parent is not None and parent not in parents:
                    raise InvalidReference(str(parent_field(tables.kind)), parent)
                names.take(entity)
                taken.add(entity.id)

    def _parents(self, tables: KindTables, entities: Sequence[Entity]) -> set[str]:
        """Return the parents of entities, as far as they exist; locked, where names need it."""
        parent = tables.kind.parent
        wanted = {str(parent_of(entity)) for entity in entities}
        if parent is None:
            return set()
        if is_structural(tables.kind):
            return self._locks.take(wanted)
        id = TABLES[parent].entities.c.id
        return {row[0] for row in bulk.chosen(self._connection, select(id), id, wanted)}

    def _keys(self, tables: KindTables, entities: Sequence[Entity]) -> dict[str, int]:
        columns = tables.entities.c
        statement = select(columns.id, columns.key)
        ids = {entity.id for entity in entities}
        return dict(bulk.chosen(self._connection, statement, columns.id, ids))

    def _names(
        self, kind: type[Entity], parent: str | None, names: Collection[str]
    ) -> Iterator[str]:
        """Yield those of the names that a parent's entities of a kind have."""
        tables = TABLES[kind]
        column = tables.entities.c.name
        statement = select(column)
        if tables.parent is not None:
            statement = statement.where(tables.parent == parent)
        for (name,) in bulk.chosen(self._connection, statement, column, names):
            yield name

    # -- other states of entities that are there -------------------------------------------------

    def _replace(self, tables: KindTables, changes: Sequence[tuple[int, Replace]]) -> None:
        rows = self._rows(tables, [change.entity.id for _, change in changes])
        before = {
            id: _as_it_was(change.entity, rows[id])
            for _, change in changes
            if (id := change.entity.id) in rows
        }
        self._check_replaced(tables, changes, before)
        set_columns = [name for name in tables.scalars if name not in ("id", "created_at")]
        values = []
        for _, change in changes:
            new = dict(zip(tables.scalars, _WRITERS[tables.kind](change.entity), strict=True))
            row = rows[change.entity.id]
            values.append((*(new[name] for name in set_columns), row["key"], row["revision"]))
        table, where = tables.entities, ("key", "revision")
        if bulk.update(self._connection, table, set_columns, where, values) != len(changes):
            # Somebody wrote one of them after it was read. To say what is wrong, begin again.
            raise OvertakenError
        written = [
            Stored(index=i, entity=c.entity, key=rows[c.entity.id]["key"]) for i, c in changes
        ]
        self._check_lengths(tables, written)
        for field in tables.variables:
            self._replace_variables(tables, field, written)
        self._links.store(tables, written, new=False)

    def _check_replaced(
        self,
        tables: KindTables,
        changes: Sequence[tuple[int, Replace]],
        before: dict[str, Entity],
    ) -> None:
        renamed = [
            change.entity
            for _, change in changes
            if (old := before.get(change.entity.id)) is not None
            and _name(old) != _name(change.entity)
        ]
        if is_structural(tables.kind):
            self._locks.take(str(parent_of(entity)) for entity in renamed)
        names = TakenNames(tables.kind, renamed, self._names)
        for index, change in changes:
            entity = change.entity
            with at(index):
                old = check_replaceable(before.get(entity.id), entity, change.if_revision)
                if _name(old) != _name(entity):
                    names.release(old)
                    names.take(entity)

    def _rows(self, tables: KindTables, ids: Sequence[str]) -> dict[str, Any]:
        columns = tables.entities.c
        wanted = [columns.id, columns.key, columns.revision, columns.name]
        if tables.parent is not None:
            wanted.append(tables.parent)
        statement = bulk.lock(tables.entities, *wanted)
        rows = bulk.chosen(self._connection, statement, columns.id, ids)
        return {row.id: row._mapping for row in rows}

    def _check_lengths(self, tables: KindTables, written: Sequence[Stored]) -> None:
        """Refuse what a database would cut off, or break the connection about."""
        longest: int | None = self._connection.info.get(LONGEST_TEXT)
        if longest is None:
            return
        for field in tables.variables:
            for stored in written:
                members = getattr(stored.entity, field).members()
                if 4 * sum(map(len, members.values())) <= longest:
                    continue
                length = sum(len(text.encode()) for text in members.values())
                if length > longest:
                    with at(stored.index):
                        raise InvalidValue(
                            field,
                            f"take {length} bytes; this database has room for {longest}, "
                            "half of its max_allowed_packet",
                        )

    def _replace_variables(self, tables: KindTables, field: str, written: Sequence[Stored]) -> None:
        table = tables.variables[field]
        statement = select(table.c.owner, table.c.name, table.c.value)
        before: dict[int, dict[str, str]] = defaultdict(dict)
        keys = [stored.key for stored in written]
        for owner, name, text in bulk.chosen(self._connection, statement, table.c.owner, keys):
            before[owner][name] = text
        go: list[tuple[int, str]] = []
        come: list[tuple[int, str, str, int]] = []
        for stored in written:
            after = getattr(stored.entity, field).members()
            gone, new = changed_members(before[stored.key], after)
            go.extend((stored.key, name) for name in gone)
            come.extend((stored.key, name, t, value_checksum(t)) for name, t in new.items())
        bulk.delete(self._connection, table, ("owner", "name"), go)
        bulk.insert(self._connection, table, _VARIABLE_COLUMNS, come)


def _as_it_was(entity: Entity, row: Any) -> Entity:
    """Return an entity that has what decides whether it may be replaced as the row has it."""
    parent = parent_field(type(entity))
    stored = {name: row[name] for name in ("revision", "name", parent) if name}
    return dataclasses.replace(entity, **stored)


def _name(entity: Entity) -> str:
    return entity.name  # type: ignore[attr-defined,no-any-return]
