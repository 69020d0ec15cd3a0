"""The floor of an import: the rows that it left, inserted by ``executemany`` in one transaction."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

_ROWS = 50_000


def insert_everything(source: Path, target: Path) -> float:
    """Copy a database by raw SQL and return the seconds that writing took.

    Tables and indexes are there before, as they are for an import. Rows are read in between, off
    the clock, and come in the order of their primary key, which is the cheapest to insert.
    """
    with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(target)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA foreign_keys = ON")
        schema = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
        for (statement,) in reader.execute(schema).fetchall():
            writer.execute(statement)
        writer.commit()
        return _insert(reader, writer)


def _insert(reader: sqlite3.Connection, writer: sqlite3.Connection) -> float:
    writer.execute("PRAGMA defer_foreign_keys = ON")
    spent = 0.0
    for (table,) in reader.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
    ).fetchall():
        columns = reader.execute(f"PRAGMA table_info('{table}')").fetchall()
        key = ", ".join(f'"{column[1]}"' for column in columns if column[5]) or "rowid"
        places = ", ".join("?" * len(columns))
        rows = reader.execute(f'SELECT * FROM "{table}" ORDER BY {key}')
        while chunk := rows.fetchmany(_ROWS):
            start = time.perf_counter()
            writer.executemany(f'INSERT INTO "{table}" VALUES ({places})', chunk)
            spent += time.perf_counter() - start
    start = time.perf_counter()
    writer.commit()
    return spent + time.perf_counter() - start
