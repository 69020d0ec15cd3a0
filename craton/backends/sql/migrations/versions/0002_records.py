"""Records: what Craton remembers beside the inventory"""

from alembic import op
from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, UniqueConstraint

from craton.backends.sql.dialects import LongText, Number, Varchar

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "records",
        Column("key", Number(), autoincrement=True, nullable=False),
        Column("id", Varchar(64), nullable=False),
        Column("revision", Varchar(64), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        Column("updated_at", BigInteger(), nullable=False),
        Column("name", Varchar(250), nullable=False),
        Column("value", LongText(), nullable=False),
        PrimaryKeyConstraint("key", name="pk_records"),
        UniqueConstraint("id", name="uq_records_id"),
        UniqueConstraint("name", name="uq_records_name"),
    )
    for column in ("created_at", "updated_at"):
        op.create_index(f"ix_records_{column}_id", "records", [column, "id"])


def downgrade() -> None:
    op.drop_table("records")
