"""The tables that the fields' descriptions lead to, on each engine."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import UniqueConstraint
from sqlalchemy.dialects import mysql
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.schema import CreateTable, Table

from craton.backends.sql.schema import METADATA, TABLES
from craton.fields import Links, VariableMap
from craton.models import KINDS, Entity, specs

#: What InnoDB takes for one index, in bytes; a character of utf8mb4 may need four.
MAX_INDEX_BYTES = 3072

MARIADB = mysql.dialect(is_mariadb=True)
MARIADB.is_mariadb = True


def ddl(table: Table, dialect: Dialect) -> str:
    return str(CreateTable(table).compile(dialect=dialect))


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_one_place(kind: type[Entity]) -> None:
    tables = TABLES[kind]
    for name, spec in specs(kind).items():
        places = [name in tables.scalars, name in tables.links, name in tables.variables]
        assert places == [
            not isinstance(spec, Links | VariableMap),
            isinstance(spec, Links),
            isinstance(spec, VariableMap),
        ]
        if name in tables.scalars:
            assert tables.entities.c[name].nullable == spec.optional


def indexed(table: Table) -> list[list[str]]:
    found = [list(index.columns.keys()) for index in table.indexes]
    found.append(list(table.primary_key.columns.keys()))
    unique = (c for c in table.constraints if isinstance(c, UniqueConstraint))
    return found + [list(constraint.columns.keys()) for constraint in unique]


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=lambda table: table.name)
def test_innodb_takes_every_index(table: Table) -> None:
    for columns in indexed(table):
        # A long text has no length, which is an error here: it needs a prefix.
        types = [table.c[name].type for name in columns]
        lengths = [
            4 * type.impl_instance.length if hasattr(type, "impl_instance") else 8 for type in types
        ]
        assert sum(lengths) <= MAX_INDEX_BYTES


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=lambda table: table.name)
@pytest.mark.parametrize(
    ("dialect", "collation"),
    [(MARIADB, "utf8mb4_nopad_bin"), (mysql.dialect(), "utf8mb4_0900_bin")],
)
def test_strings_compare_by_code_point_on_mysql(
    table: Table, dialect: Dialect, collation: str
) -> None:
    for line in ddl(table, dialect).splitlines():
        if re.search(r"\b(VARCHAR|TEXT|LONGTEXT)\b", line):
            assert f"CHARACTER SET utf8mb4 COLLATE {collation}" in line
