"""The statements that read: one for a page or a stream, whatever an entity is put together from."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)

from craton.backends.sql.dialects import DatabaseDialect
from craton.backends.sql.predicates import Translator
from craton.backends.sql.rows import ID_SEPARATOR, MEMBER_SEPARATOR, is_bindable, to_milliseconds
from craton.backends.sql.schema import TABLES
from craton.errors import InvalidPageToken
from craton.models import Entity, specs
from craton.pushdown import has_one_parent
from craton.query import Order, Position, Predicate, Selection

_QUOTE: Final[ColumnElement[str]] = literal_column("'\"'")
_QUOTE_COLON: Final[ColumnElement[str]] = literal_column("'\":'")


class Statements:
    """Makes the statements for one kind on one engine.

    Args:
        kind: The kind to read.
        dialect: The engine.
    """

    def __init__(self, kind: type[Entity], dialect: DatabaseDialect) -> None:
        self.tables = TABLES[kind]
        self._dialect = dialect
        self._entities = select(*(self._column(name) for name in specs(kind)))
        id = self.tables.entities.c.id
        #: Reads the entity with the id ``id``.
        self.by_id: Select[Any] = self._entities.where(id == bindparam("id"))

    def page(self, selection: Selection) -> Select[Any]:
        """Read the entities of a selection, in its order."""
        return self._arranged(self._entities, selection)

    def count(self, where: Predicate) -> Select[int]:
        """Count what matches."""
        condition = Translator(self.tables).translate(where).filter
        return select(func.count()).select_from(self.tables.entities).where(condition)

    def revisions(self, where: Predicate) -> Select[Any]:
        """Read one string for each entity that matches: its id and its revision."""
        columns = self.tables.entities.c
        both = columns.id + literal_column("' '") + columns.revision
        condition = Translator(self.tables).translate(where).filter
        parent = self.tables.parent
        # The order of the index that holds all of it.
        order = [columns.id] if parent is None else [parent, columns.id]
        return select(both).where(condition).order_by(*order)

    def _arranged(self, statement: Select[Any], selection: Selection) -> Select[Any]:
        order = selection.order
        statement = statement.where(Translator(self.tables).translate(selection.where).filter)
        if selection.after is not None:
            statement = statement.where(self._behind(selection.after, order))
        columns = self._order(selection)
        statement = statement.order_by(*(c.desc() if order.descending else c for c in columns))
        return statement.limit(selection.limit)

    def _order(self, selection: Selection) -> list[ColumnElement[Any]]:
        entities = self.tables.entities
        field, id = entities.c[selection.order.field], entities.c.id
        if selection.order.field == "id":
            return [id]
        if selection.order.field == "name" and has_one_parent(self.tables.kind, selection.where):
            # No two have one name, so the index on both needs no help in finding the order.
            return [field]
        return [field, id]

    def _behind(self, after: Position, order: Order) -> ColumnElement[bool]:
        value, id = after
        if not is_bindable(id):
            raise InvalidPageToken
        columns = self.tables.entities.c
        field: ColumnElement[Any] = columns[order.field]
        bound = to_milliseconds(value) if isinstance(value, datetime) else value
        if order.descending:
            return and_(field <= bound, or_(field < bound, columns.id < id))
        return and_(field >= bound, or_(field > bound, columns.id > id))

    def _column(self, name: str) -> ColumnElement[Any]:
        if name in self.tables.links:
            links = self.tables.links[name]
            targets = links.c.target
            return self._joined(name, links, targets, ID_SEPARATOR, targets)
        if name in self.tables.variables:
            variables = self.tables.variables[name]
            names, values = variables.c.name, variables.c.value
            member = _QUOTE + names + _QUOTE_COLON + values
            return self._joined(name, variables, member, MEMBER_SEPARATOR, names)
        return self.tables.entities.c[name]

    def _joined(
        self,
        name: str,
        table: Table,
        item: ColumnElement[str],
        separator: str,
        order: ColumnElement[str],
    ) -> ColumnElement[str]:
        entities = self.tables.entities
        owned = table.c.owner == entities.c.key
        items = select(item.label("item")).select_from(table).where(owned).correlate(entities)
        return self._dialect.joined(items, separator, order).label(name)
