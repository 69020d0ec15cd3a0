"""The tables, derived from the descriptions of the entities' fields.

A kind has one table for its entities, one for each field of links, and one for its variables.
Inside, rows are joined by ``key``, a small number; what other entities name is the public ``id``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

from craton import models
from craton.backends.sql.dialects import LongText, Number, Varchar
from craton.fields import ID, Flag, Links, Moment, Spec, Text, VariableMap
from craton.fields import Integer as WholeNumber
from craton.models import KINDS, Entity, parent_field, specs
from craton.names import MAX_BYTES

#: The longest string, in characters, that has a column which can be part of an index: four bytes
#: each, and InnoDB takes 3072 in all.
_LONGEST_INDEXED: Final = 250

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


@dataclass(frozen=True, kw_only=True)
class KindTables:
    """Where the entities of one kind are.

    Attributes:
        kind: The kind.
        entities: A row for each entity.
        scalars: The fields that are columns of it, in the order of declaration.
        links: For each field of links, the table with ``owner`` (a key) and ``target`` (an id).
        variables: For a field of variables, the table with ``owner``, ``name``, ``value`` (its JSON
            text) and ``checksum`` (see :func:`craton.backends.sql.rows.checksum`).
    """

    kind: type[Entity]
    entities: Table
    scalars: tuple[str, ...]
    links: dict[str, Table] = field(default_factory=dict)
    variables: dict[str, Table] = field(default_factory=dict)

    @property
    def owned(self) -> Iterator[Table]:
        """Yield the tables whose rows belong to a row of ``entities``."""
        yield from self.links.values()
        yield from self.variables.values()

    @property
    def parent(self) -> Column[Any] | None:
        """The column with the parent's id; a root has none."""
        name = parent_field(self.kind)
        return self.entities.c[name] if name else None


def _column_type(spec: Spec) -> TypeEngine[Any]:
    if isinstance(spec, Text):
        return Varchar(spec.max_length) if spec.max_length <= _LONGEST_INDEXED else LongText()
    if isinstance(spec, WholeNumber):
        return Integer()
    if isinstance(spec, Flag):
        return Boolean()
    if isinstance(spec, Moment):
        return BigInteger()
    return LongText()  # names of variables, with a space between two


def _columns(kind: type[Entity]) -> Iterator[Column[Any]]:
    yield Column("key", Number(), primary_key=True, autoincrement=True)
    for name, spec in specs(kind).items():
        if isinstance(spec, Links | VariableMap):
            continue
        references = []
        if kind.parent is not None and name == parent_field(kind):
            references = [ForeignKey(f"{kind.parent.collection}.id")]
        yield Column(name, _column_type(spec), *references, nullable=spec.optional)


def _indexes(kind: type[Entity]) -> Iterator[UniqueConstraint | Index]:
    """What must be unique, and what makes filters and orders of the children of one parent cheap.

    Inside of one parent a name is unique, so the index on both is in the order by name and id, too.
    The index for a filter goes on with the name, because what it finds is listed by name, and the
    one for the order by id holds all that a digest reads.
    """
    parent = parent_field(kind)
    prefix = [parent] if parent else []
    yield UniqueConstraint("id")
    yield UniqueConstraint(*prefix, "name")
    for name, spec in specs(kind).items():
        if name == "name":
            continue
        if name == "id":
            yield from (Index(None, parent, "id", "revision") for parent in prefix)
        elif name == "region_id" and prefix and parent != name:
            yield Index(None, name, "id", "revision")
        elif spec.sortable:
            yield Index(None, *prefix, name, "id")
        elif isinstance(spec, Text) and spec.filterable and spec.selective:
            yield Index(None, *prefix, name, "name")


def _link_table(kind: type[Entity], name: str, target: str) -> Table:
    collection = next(other.collection for other in KINDS if other.kind == target)
    return Table(
        f"{kind.kind}_{name}",
        METADATA,
        _owner(kind),
        Column("target", Varchar(ID.max_length), ForeignKey(f"{collection}.id"), primary_key=True),
        Index(None, "target", "owner"),
        sqlite_with_rowid=False,
    )


def _variable_table(kind: type[Entity], name: str) -> Table:
    return Table(
        f"{kind.kind}_{name}",
        METADATA,
        _owner(kind),
        Column("name", Varchar(MAX_BYTES), primary_key=True),
        Column("value", LongText(), nullable=False),
        Column("checksum", BigInteger(), nullable=False),
        Index(None, "name", "checksum", "owner"),
        sqlite_with_rowid=False,
    )


def _owner(kind: type[Entity]) -> Column[Any]:
    owner = ForeignKey(f"{kind.collection}.key", ondelete="CASCADE")
    return Column("owner", Number(), owner, primary_key=True, autoincrement=False)


def _tables(kind: type[Entity]) -> KindTables:
    entities = Table(kind.collection, METADATA, *_columns(kind), *_indexes(kind))
    scalars = tuple(name for name in specs(kind) if name in entities.c)
    tables = KindTables(kind=kind, entities=entities, scalars=scalars)
    for name, spec in specs(kind).items():
        if isinstance(spec, Links):
            tables.links[name] = _link_table(kind, name, spec.kind)
        elif isinstance(spec, VariableMap):
            tables.variables[name] = _variable_table(kind, name)
    return tables


#: The tables of every kind.
TABLES: Final[dict[type[Entity], KindTables]] = {kind: _tables(kind) for kind in KINDS}

#: One row a region, which every write updates that creates or renames hosts or groups, or changes
#: the parents of groups, before it reads what it checks. So two such writes never pass each other,
#: not even on two nodes of a cluster.
REGION_STRUCTURES: Final = Table(
    "region_structures",
    METADATA,
    Column(
        "region_id",
        Varchar(ID.max_length),
        ForeignKey(f"{models.Region.collection}.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("version", BigInteger(), nullable=False),
)

#: For a version of the schema, the oldest one whose programs it still serves: a program that does
#: not know a version looks here whether it may go on.
SCHEMA_PROMISES: Final = Table(
    "schema_promises",
    METADATA,
    Column("version", Varchar(32), primary_key=True),
    Column("works_with", Varchar(32), nullable=False),
)
