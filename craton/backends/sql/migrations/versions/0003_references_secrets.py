"""References of regions and groups, and secrets of hosts with their sealed payloads"""

from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    UniqueConstraint,
)

from craton.backends.sql.dialects import LongText, Number, Varchar

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for owner, place in (("region", ["region_id"]), ("group", ["region_id", "group_id"])):
        _create_entities(
            f"{owner}_references",
            owner,
            Column("name", Varchar(250), nullable=False),
            Column("url", LongText(), nullable=False),
            Column("sha256", Varchar(64)),
            *(Column(name, Varchar(64), nullable=False) for name in place),
        )
    _create_entities(
        "secrets",
        "host",
        Column("region_id", Varchar(64), nullable=False),
        Column("host_id", Varchar(64), nullable=False),
        Column("name", Varchar(250), nullable=False),
        Column("format", Varchar(64), nullable=False),
        Column("variable", Varchar(250)),
        Column("size", Integer()),
        Column("sha256", Varchar(64)),
    )
    _create_entities(
        "payloads",
        "secret",
        Column("secret_id", Varchar(64), nullable=False),
        Column("name", Varchar(250), nullable=False),
        Column("sealed", LongText(), nullable=False),
    )
    for table in ("group_references", "secrets"):
        columns = ["region_id", "id", "revision"]
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
    op.create_table(
        "secret_details",
        Column("owner", Number(), autoincrement=False, nullable=False),
        Column("name", Varchar(250), nullable=False),
        Column("value", LongText(), nullable=False),
        Column("checksum", BigInteger(), nullable=False),
        PrimaryKeyConstraint("owner", "name", name="pk_secret_details"),
        ForeignKeyConstraint(
            ["owner"], ["secrets.key"], name="fk_secret_details_owner", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_secret_details_name_checksum_owner", "secret_details", ["name", "checksum", "owner"]
    )


def downgrade() -> None:
    for table in (
        "secret_details",
        "payloads",
        "secrets",
        "group_references",
        "region_references",
    ):
        op.drop_table(table)


def _create_entities(table: str, parent: str, *columns: Column[Any]) -> None:
    parent_id = f"{parent}_id"
    op.create_table(
        table,
        Column("key", Number(), autoincrement=True, nullable=False),
        Column("id", Varchar(64), nullable=False),
        Column("revision", Varchar(64), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        Column("updated_at", BigInteger(), nullable=False),
        *columns,
        PrimaryKeyConstraint("key", name=f"pk_{table}"),
        UniqueConstraint("id", name=f"uq_{table}_id"),
        UniqueConstraint(parent_id, "name", name=f"uq_{table}_{parent_id}_name"),
        ForeignKeyConstraint([parent_id], [f"{parent}s.id"], name=f"fk_{table}_{parent_id}"),
    )
    for column in (["created_at", "id"], ["updated_at", "id"], ["id", "revision"]):
        op.create_index(f"ix_{table}_{parent_id}_{'_'.join(column)}", table, [parent_id, *column])
