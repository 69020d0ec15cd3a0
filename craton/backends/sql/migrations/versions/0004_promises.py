"""Which programs a version of the schema still serves"""

from alembic import op
from sqlalchemy import Column, PrimaryKeyConstraint

from craton.backends.sql.dialects import Varchar

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
works_with = "0003"


def upgrade() -> None:
    op.create_table(
        "schema_promises",
        Column("version", Varchar(32), nullable=False),
        Column("works_with", Varchar(32), nullable=False),
        PrimaryKeyConstraint("version", name="pk_schema_promises"),
    )


def downgrade() -> None:
    op.drop_table("schema_promises")
