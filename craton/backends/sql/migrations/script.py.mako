"""${message}"""

from alembic import op
from sqlalchemy import Column

from craton.backends.sql.dialects import LongText, Number, Varchar

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None
# The oldest version whose programs this one still serves; leave it out if it serves no older one.
works_with = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
