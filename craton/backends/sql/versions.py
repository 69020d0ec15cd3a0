"""The versions of the schema, which Alembic keeps in the package's ``migrations``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select

from craton.backends.sql.dialects import DatabaseDialect
from craton.backends.sql.errors import translated
from craton.backends.sql.schema import SCHEMA_PROMISES
from craton.driver import Migrations
from craton.errors import InvalidValue, SchemaOutdated

SCRIPTS: Final = Path(__file__).parent / "migrations"

#: What Alembic and the contract call the empty store.
_BASE: Final = "base"

Transaction = Callable[[], AbstractContextManager[Connection]]


class SchemaVersions(Migrations):
    """Moves a database between versions.

    Args:
        writing: Lends a connection in a transaction that is committed at its end.
        dialect: The engine.
        scripts: Where the versions are.
        newest: The newest one that the program is to know; ``None`` is all.
    """

    def __init__(
        self,
        writing: Transaction,
        dialect: DatabaseDialect,
        scripts: Path = SCRIPTS,
        newest: str | None = None,
    ) -> None:
        self._writing = writing
        self._dialect = dialect
        self._newest = newest
        self._config = Config()
        self._config.set_main_option("script_location", str(scripts).replace("%", "%%"))

    def check(self) -> None:
        """Insist on a schema that this program can work with.

        That is the latest one, and a newer one that still serves programs of this version, so that
        the schema can go first while old servers work on.

        Raises:
            SchemaOutdated: The schema is older, or newer and not for this program.
        """
        current, latest = self.current(), self.latest()
        if current == latest or (current is not None and self._serves_us(current)):
            return
        raise SchemaOutdated(
            f"the database is at version {current or 'none'}, this program needs {latest}; "
            "run: craton-manage db upgrade, with the newest program that uses the database",
            current=current,
            latest=latest,
        )

    def current(self) -> str | None:
        with translated(), self._writing() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def latest(self) -> str:
        return self.history()[-1][0]

    def history(self) -> Sequence[tuple[str, str]]:
        return self._history

    @cached_property
    def _history(self) -> Sequence[tuple[str, str]]:
        newest = "heads" if self._newest is None else self._newest
        revisions = ScriptDirectory.from_config(self._config).walk_revisions(_BASE, newest)
        return [(revision.revision, revision.doc) for revision in revisions][::-1]

    def upgrade(self, version: str | None = None) -> None:
        wanted = self.latest() if version is None else version
        self._position(wanted)
        with self._alone():
            command.upgrade(self._config, wanted)

    def downgrade(self, version: str) -> None:
        wanted = -1 if version == _BASE else self._position(version)
        with self._alone() as current:
            if current is not None and self._position(current) > wanted:
                command.downgrade(self._config, version)

    def _serves_us(self, version: str) -> bool:
        """Tell whether a version that is not known still serves programs of a known one."""
        known = {name for name, _ in self.history()}
        if version in known:
            return False
        promises = SCHEMA_PROMISES.c
        statement = select(promises.works_with).where(promises.version == version)
        with translated(), self._writing() as connection:
            if not inspect(connection).has_table(SCHEMA_PROMISES.name):
                return False
            return connection.execute(statement).scalar() in known

    @contextmanager
    def _alone(self) -> Iterator[str | None]:
        """Keep others from migrating, let Alembic use the connection, give the present version."""
        with (
            translated(),
            self._dialect.alone(self._writing) as check,
            self._writing() as connection,
        ):
            self._dialect.begin_migration(connection)
            self._config.attributes.update(connection=connection, check=check)
            current = MigrationContext.configure(connection).get_current_revision()
            if current is not None and current not in dict(self.history()):
                raise SchemaOutdated(
                    f"the database is at version {current}, which this program does not know; "
                    "use the newer one that brought it there",
                    current=current,
                    latest=self.latest(),
                )
            yield current

    def _position(self, version: str) -> int:
        versions = [name for name, _ in self.history()]
        if version not in versions:
            raise InvalidValue("version", f"must be one of {', '.join(versions)}, not {version!r}")
        return versions.index(version)
