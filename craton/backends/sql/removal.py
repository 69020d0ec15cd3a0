"""Deleting entities with all that hangs on them, by a few statements for any number of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, Table, select

from craton.backends.sql import bulk
from craton.backends.sql.links import LinkWriter
from craton.backends.sql.rows import to_milliseconds
from craton.backends.sql.schema import TABLES, KindTables
from craton.driver import Delete, at, new_revision, now
from craton.errors import InUse, NotFound, RevisionConflict
from craton.models import KINDS, Entity, children, links


class Remover:
    """Deletes entities in one transaction.

    Args:
        connection: In a transaction that writes.
        links: Knows the links that are not stored yet.
    """

    def __init__(self, connection: Connection, links: LinkWriter) -> None:
        self._connection = connection
        self._links = links

    def remove(self, kind: type[Entity], changes: Sequence[tuple[int, Delete]]) -> None:
        """Delete entities of one kind.

        Raises:
            NotFound, RevisionConflict, InUse: One of them cannot be deleted.
        """
        self._check(kind, changes)
        ids = [change.id for _, change in changes]
        entities = TABLES[kind].entities
        self._unlink(kind, ids)
        if any(change.cascade for _, change in changes):
            for child in children(kind):
                parent = TABLES[child].parent
                assert parent is not None
                self._remove_where(child, parent.in_(ids))
        self._remove_rows(kind, entities.c.id.in_(ids))

    def _check(self, kind: type[Entity], changes: Sequence[tuple[int, Delete]]) -> None:
        columns = TABLES[kind].entities.c
        statement = bulk.lock(TABLES[kind].entities, columns.id, columns.revision)
        ids = [change.id for _, change in changes]
        there = dict(bulk.chosen(self._connection, statement, columns.id, set(ids)))
        parents = self._parents(kind, [change.id for _, change in changes if not change.cascade])
        for index, change in changes:
            with at(index):
                revision = there.pop(change.id, None)
                if revision is None:
                    raise NotFound(kind.kind, change.id)
                if change.if_revision not in (None, revision):
                    raise RevisionConflict(kind.kind, change.id)
                if not change.cascade and change.id in parents:
                    raise InUse(kind.kind, change.id, parents[change.id])

    def _parents(self, kind: type[Entity], ids: Sequence[str]) -> dict[str, str]:
        """Return which of the entities have children, and what the first kind of them is called."""
        found: dict[str, str] = {}
        for child in children(kind):
            parent = TABLES[child].parent
            assert parent is not None
            for (id,) in bulk.chosen(self._connection, select(parent).distinct(), parent, ids):
                found.setdefault(id, child.collection)
        return found

    def _unlink(self, kind: type[Entity], ids: Sequence[str]) -> None:
        """Remove the links to entities; those that had one get another revision."""
        self._links.removing(kind, ids)
        stamp = {"revision": new_revision(), "updated_at": to_milliseconds(now())}
        for tables, table in _linking(kind):
            linked = table.c.target.in_(ids)
            owners = select(table.c.owner).where(linked)
            entities = tables.entities
            update = entities.update().where(entities.c.key.in_(owners)).values(stamp)
            self._connection.execute(update)
            self._connection.execute(table.delete().where(linked))

    def _remove_where(self, kind: type[Entity], condition: ColumnElement[bool]) -> None:
        """Remove entities, whose parents go too, and so all that may have links to them."""
        columns = TABLES[kind].entities.c
        ids = select(columns.id).where(condition)
        if self._links.has_pending:
            self._links.removing(kind, self._connection.execute(ids).scalars())
        for child in children(kind):
            parent = TABLES[child].parent
            assert parent is not None
            self._remove_where(child, parent.in_(ids))
        for _, table in _linking(kind):
            self._connection.execute(table.delete().where(table.c.target.in_(ids)))
        self._remove_rows(kind, condition)

    def _remove_rows(self, kind: type[Entity], condition: ColumnElement[bool]) -> None:
        tables = TABLES[kind]
        keys = select(tables.entities.c.key).where(condition)
        for table in tables.owned:
            self._connection.execute(table.delete().where(table.c.owner.in_(keys)))
        self._connection.execute(tables.entities.delete().where(condition))


def _linking(kind: type[Entity]) -> Iterator[tuple[KindTables, Table]]:
    """Yield the tables with links to a kind, and the kind that has them."""
    for owner in KINDS:
        for field, spec in links(owner):
            if spec.kind == kind.kind:
                yield TABLES[owner], TABLES[owner].links[field]
