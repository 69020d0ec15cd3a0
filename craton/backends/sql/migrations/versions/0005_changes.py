"""The change log: who changed what and when"""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, PrimaryKeyConstraint, UniqueConstraint

from craton.backends.sql.dialects import LongText, Number, Varchar

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
works_with = "0004"


def upgrade() -> None:
    op.create_table(
        "changes",
        Column("key", Number(), autoincrement=True, nullable=False),
        Column("id", Varchar(64), nullable=False),
        Column("revision", Varchar(64), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        Column("updated_at", BigInteger(), nullable=False),
        Column("name", Varchar(250), nullable=False),
        Column("region_id", Varchar(64), nullable=False),
        Column("tenant_id", Varchar(64)),
        Column("operation", Varchar(16), nullable=False),
        Column("cascade", Boolean(), nullable=False),
        Column("entity_kind", Varchar(64), nullable=False),
        Column("entity_id", Varchar(64), nullable=False),
        Column("entity_name", Varchar(250), nullable=False),
        Column("fields", LongText(), nullable=False),
        Column("digest_before", Varchar(64)),
        Column("digest_after", Varchar(64)),
        Column("user_id", Varchar(250), nullable=False),
        Column("project_id", Varchar(64)),
        Column("request_id", Varchar(250), nullable=False),
        PrimaryKeyConstraint("key", name="pk_changes"),
        UniqueConstraint("id", name="uq_changes_id"),
        UniqueConstraint("name", name="uq_changes_name"),
    )
    for column in ("region_id", "tenant_id", "entity_id"):
        op.create_index(f"ix_changes_{column}_name", "changes", [column, "name"])


def downgrade() -> None:
    op.drop_table("changes")
