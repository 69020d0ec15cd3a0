"""The floor of an import: the rows that it left, inserted by ``executemany`` in one transaction."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

from bench.measure import Cost, Work, cost

_ROWS = 50_000
#: As much as Craton gives to a connection that writes; SQLite's own default takes twice as long.
_CACHE_KIB = 65_536


def insert_everything(source: Path, target: Path) -> Cost:
    """Copy a database by raw SQL and return what writing cost.

    Tables and indexes are there before, as they are for an import. Rows are read in between, off
    the clock, and come in the order of their primary key, which is the cheapest to insert.
    """
    with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(target)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA foreign_keys = ON")
        writer.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        schema = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
        for (statement,) in reader.execute(schema).fetchall():
            writer.execute(statement)
        writer.commit()
        return _insert(reader, writer)


def _insert(reader: sqlite3.Connection, writer: sqlite3.Connection) -> Cost:
    writer.execute("PRAGMA defer_foreign_keys = ON")
    costs = []
    for (table,) in reader.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
    ).fetchall():
        columns = reader.execute(f"PRAGMA table_info('{table}')").fetchall()
        key = ", ".join(f'"{column[1]}"' for column in columns if column[5]) or "rowid"
        places = ", ".join("?" * len(columns))
        rows = reader.execute(f'SELECT * FROM "{table}" ORDER BY {key}')
        while chunk := rows.fetchmany(_ROWS):
            insert = partial(writer.executemany, f'INSERT INTO "{table}" VALUES ({places})', chunk)
            costs.append(cost(Work(action=insert)))
    costs.append(cost(Work(action=writer.commit)))
    return Cost(wall=sum(cost.wall for cost in costs), cpu=sum(cost.cpu for cost in costs))
