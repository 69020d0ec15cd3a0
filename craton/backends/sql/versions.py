"""The versions of the schema, which Alembic keeps in the package's ``migrations``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from craton.backends.sql.dialects import DatabaseDialect
from craton.backends.sql.errors import translated
from craton.driver import Migrations
from craton.errors import InvalidValue, SchemaOutdated

_SCRIPTS: Final = Path(__file__).parent / "migrations"

#: What Alembic and the contract call the empty store.
_BASE: Final = "base"

Transaction = Callable[[], AbstractContextManager[Connection]]


class SchemaVersions(Migrations):
    """Moves a database between versions.

    Args:
        writing: Lends a connection in a transaction that is committed at its end.
        dialect: The engine.
    """

    def __init__(self, writing: Transaction, dialect: DatabaseDialect) -> None:
        self._writing = writing
        self._dialect = dialect
        self._config = Config()
        self._config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))

    def current(self) -> str | None:
        with translated(), self._writing() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def latest(self) -> str:
        return self.history()[-1][0]

    def history(self) -> Sequence[tuple[str, str]]:
        revisions = ScriptDirectory.from_config(self._config).walk_revisions()
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

    @contextmanager
    def _alone(self) -> Iterator[str | None]:
        """Keep others from migrating, let Alembic use the connection, give the present version."""
        with translated(), self._writing() as connection:
            self._dialect.begin_migration(connection)
            self._config.attributes["connection"] = connection
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
