"""Many rows with one statement, in the form that the database's module takes without copying."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Column, Connection, Select, Table, select
from sqlalchemy.engine.interfaces import Dialect

from craton.backends.sql.rows import is_bindable

#: How many values stand in one ``IN``.
_IN: Final = 500


def insert(connection: Connection, table: Table, columns: Sequence[str], rows: list[Any]) -> None:
    """Insert rows, each a tuple with a value for each column."""
    if rows:
        statement = _insert(table, tuple(columns), connection.dialect)
        connection.exec_driver_sql(statement, rows)


def delete(connection: Connection, table: Table, columns: Sequence[str], rows: list[Any]) -> None:
    """Delete the rows whose columns hold the values of one of the tuples."""
    if rows:
        connection.exec_driver_sql(_delete(table, tuple(columns), connection.dialect), rows)


def update(
    connection: Connection, table: Table, columns: Sequence[str], where: Sequence[str], rows: Any
) -> int:
    """Set columns of single rows.

    Args:
        connection: In a transaction.
        table: The table.
        columns: What is set.
        where: The columns that say which row.
        rows: Tuples with the values of ``columns``, then those of ``where``.

    Returns:
        How many rows there were.
    """
    statement = _update(table, tuple(columns), tuple(where), connection.dialect)
    return connection.exec_driver_sql(statement, rows).rowcount


def chosen(
    connection: Connection, statement: Select[Any], column: Column[Any], values: Collection[Any]
) -> Iterator[Any]:
    """Yield the rows of a statement whose column holds one of the values, however many."""
    wanted = [value for value in values if not isinstance(value, str) or is_bindable(value)]
    for start in range(0, len(wanted), _IN):
        part = wanted[start : start + _IN]
        yield from connection.execute(statement.where(column.in_(part)))


def lock(table: Table, *columns: Column[Any]) -> Select[Any]:
    """Return a statement that reads columns and keeps others from writing the rows meanwhile."""
    # SQLite has no such thing, and no need: it has one writer at a time.
    return select(*columns).select_from(table).with_for_update()


@lru_cache(maxsize=256)
def _insert(table: Table, columns: tuple[str, ...], dialect: Dialect) -> str:
    names, marks = _names(table, columns, dialect), [_mark(dialect)] * len(columns)
    return f"INSERT INTO {_name(table, dialect)} ({', '.join(names)}) VALUES ({', '.join(marks)})"


@lru_cache(maxsize=256)
def _delete(table: Table, columns: tuple[str, ...], dialect: Dialect) -> str:
    return f"DELETE FROM {_name(table, dialect)} WHERE {_equal(table, columns, dialect, ' AND ')}"


@lru_cache(maxsize=256)
def _update(
    table: Table, columns: tuple[str, ...], where: tuple[str, ...], dialect: Dialect
) -> str:
    values = _equal(table, columns, dialect, ", ")
    condition = _equal(table, where, dialect, " AND ")
    return f"UPDATE {_name(table, dialect)} SET {values} WHERE {condition}"


def _equal(table: Table, columns: tuple[str, ...], dialect: Dialect, between: str) -> str:
    mark = _mark(dialect)
    return between.join(f"{name} = {mark}" for name in _names(table, columns, dialect))


def _name(table: Table, dialect: Dialect) -> str:
    return dialect.identifier_preparer.format_table(table)


def _names(table: Table, columns: tuple[str, ...], dialect: Dialect) -> list[str]:
    return [dialect.identifier_preparer.format_column(table.c[name]) for name in columns]


def _mark(dialect: Dialect) -> str:
    """Return what stands for a value, in the way that takes values by position."""
    return "?" if dialect.paramstyle == "qmark" else "%s"
