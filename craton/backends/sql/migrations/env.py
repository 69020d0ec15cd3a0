"""What Alembic runs for each command, on the connection that the caller has prepared."""

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from craton.backends.sql.schema import METADATA, SCHEMA_PROMISES


def after_each(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
) -> None:
    """Note which programs the new version serves, and see that nobody else migrates."""
    context.config.attributes["check"]()
    connection = ctx.connection
    assert connection is not None
    if not inspect(connection).has_table(SCHEMA_PROMISES.name):
        return
    version = str(step.up_revision_id)
    connection.execute(SCHEMA_PROMISES.delete().where(SCHEMA_PROMISES.c.version == version))
    script = ScriptDirectory.from_config(context.config).get_revision(version)
    works_with = getattr(script.module, "works_with", None)
    if step.is_upgrade and works_with is not None:
        row = {"version": version, "works_with": works_with}
        connection.execute(SCHEMA_PROMISES.insert().values(row))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    on_version_apply=after_each,
)
with context.begin_transaction():
    context.run_migrations()
