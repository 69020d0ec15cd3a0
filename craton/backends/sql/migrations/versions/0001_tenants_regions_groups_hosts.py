"""Tenants, regions, groups and hosts, with their variables"""

from collections.abc import Iterator, Sequence
from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    UniqueConstraint,
)

from craton.backends.sql.dialects import LongText, Number, Varchar

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_entities(
        "tenants",
        None,
        Column("name", Varchar(250), nullable=False),
        Column("customer", Varchar(250), nullable=False),
        Column("project_id", Varchar(64)),
        Column("description", LongText(), nullable=False),
        Column("templated", LongText(), nullable=False),
        indexes=(
            ["created_at", "id"],
            ["updated_at", "id"],
            ["customer", "name"],
            ["project_id", "name"],
        ),
    )
    _create_entities(
        "regions",
        "tenant",
        Column("name", Varchar(250), nullable=False),
        Column("description", LongText(), nullable=False),
        Column("templated", LongText(), nullable=False),
        indexes=(["id", "revision"], ["created_at", "id"], ["updated_at", "id"]),
    )
    _create_entities(
        "groups",
        "region",
        Column("name", Varchar(250), nullable=False),
        Column("priority", Integer(), nullable=False),
        Column("templated", LongText(), nullable=False),
        indexes=(
            ["id", "revision"],
            ["created_at", "id"],
            ["updated_at", "id"],
            ["priority", "id"],
        ),
    )
    _create_entities(
        "hosts",
        "region",
        Column("name", Varchar(250), nullable=False),
        Column("ip_address", Varchar(64)),
        Column("ssh_port", Integer()),
        Column("ssh_user", Varchar(250)),
        Column("asset_id", Varchar(250)),
        Column("active", Boolean(), nullable=False),
        Column("templated", LongText(), nullable=False),
        indexes=(
            ["id", "revision"],
            ["created_at", "id"],
            ["updated_at", "id"],
            ["ip_address", "name"],
            ["asset_id", "name"],
        ),
    )
    _create_links("group_parents", "groups")
    _create_links("host_groups", "hosts")
    for kind in ("tenant", "region", "group", "host"):
        _create_variables(f"{kind}_variables", f"{kind}s")
    op.create_table(
        "region_structures",
        Column("region_id", Varchar(64), nullable=False),
        Column("version", BigInteger(), nullable=False),
        PrimaryKeyConstraint("region_id", name="pk_region_structures"),
        ForeignKeyConstraint(
            ["region_id"],
            ["regions.id"],
            name="fk_region_structures_region_id",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("region_structures")
    for kind in ("tenant", "region", "group", "host"):
        op.drop_table(f"{kind}_variables")
    for table in ("host_groups", "group_parents", "hosts", "groups", "regions", "tenants"):
        op.drop_table(table)


def _create_entities(
    table: str, parent: str | None, *columns: Column[Any], indexes: Sequence[list[str]]
) -> None:
    of_parent = [f"{parent}_id"] if parent else []
    unique = [*of_parent, "name"]
    op.create_table(
        table,
        Column("key", Number(), autoincrement=True, nullable=False),
        Column("id", Varchar(64), nullable=False),
        Column("revision", Varchar(64), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        Column("updated_at", BigInteger(), nullable=False),
        *(Column(name, Varchar(64), nullable=False) for name in of_parent),
        *columns,
        PrimaryKeyConstraint("key", name=f"pk_{table}"),
        UniqueConstraint("id", name=f"uq_{table}_id"),
        UniqueConstraint(*unique, name=f"uq_{table}_{'_'.join(unique)}"),
        *_parent_key(table, parent),
    )
    for index in indexes:
        _create_index(table, [*of_parent, *index])


def _parent_key(table: str, parent: str | None) -> Iterator[ForeignKeyConstraint]:
    if parent is not None:
        yield ForeignKeyConstraint(
            [f"{parent}_id"], [f"{parent}s.id"], name=f"fk_{table}_{parent}_id"
        )


def _create_links(table: str, owners: str) -> None:
    op.create_table(
        table,
        Column("owner", Number(), nullable=False),
        Column("target", Varchar(64), nullable=False),
        PrimaryKeyConstraint("owner", "target", name=f"pk_{table}"),
        _owner_key(table, owners),
        ForeignKeyConstraint(["target"], ["groups.id"], name=f"fk_{table}_target"),
        sqlite_with_rowid=False,
    )
    _create_index(table, ["target", "owner"])


def _create_variables(table: str, owners: str) -> None:
    op.create_table(
        table,
        Column("owner", Number(), nullable=False),
        Column("name", Varchar(250), nullable=False),
        Column("value", LongText(), nullable=False),
        Column("checksum", BigInteger(), nullable=False),
        PrimaryKeyConstraint("owner", "name", name=f"pk_{table}"),
        _owner_key(table, owners),
        sqlite_with_rowid=False,
    )
    _create_index(table, ["name", "checksum", "owner"])


def _owner_key(table: str, owners: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["owner"], [f"{owners}.key"], name=f"fk_{table}_owner", ondelete="CASCADE"
    )


def _create_index(table: str, columns: list[str]) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
