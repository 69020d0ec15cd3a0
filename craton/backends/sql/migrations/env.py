"""What Alembic runs for each command, on the connection that the caller has prepared."""

from alembic import context

from craton.backends.sql.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
