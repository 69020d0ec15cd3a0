"""Databases of a server, for the driver under test: settings for one, and a way to empty it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from oslo_config import cfg

from craton import config, loader
from craton.backends.sql.driver import SqlDriver
from craton.backends.sql.schema import METADATA
from tests.services.mariadb import Server


def settings_for(url: str, state: Path, **database: object) -> cfg.ConfigOpts:
    """Return the configuration of the driver on a database."""
    settings = config.settings(files=[], state_path=str(state), inventory__driver="sql")
    config.register(settings, SqlDriver.options())
    for name, value in {"connection": url, **database}.items():
        settings.set_override(name, value, "database")
    return settings


def empty(server: Server, database: str, settings: cfg.ConfigOpts) -> None:
    """Bring a database to the newest schema, with nothing in it."""
    driver = loader.load(settings)
    driver.migrations().upgrade()
    driver.close()
    deletes = [f"DELETE FROM `{table.name}`" for table in METADATA.sorted_tables]
    server.execute("SET foreign_key_checks = 0", *deletes, database=database)


@dataclass
class Databases:
    """Databases of a server, which are used again and again.

    Attributes:
        server: It.
        directory: For what drivers keep by themselves.
        held: Drops the databases at its end.
    """

    server: Server
    directory: Path
    held: ExitStack
    _free: list[str] = field(default_factory=list)

    def settings(self, database: str, state: Path) -> cfg.ConfigOpts:
        """Return the configuration of the driver on one of them."""
        return settings_for(self.server.url(database), state)

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Lend an empty one at the newest schema."""
        name = self._free.pop() if self._free else self.held.enter_context(self.server.database())
        empty(self.server, name, self.settings(name, self.directory))
        try:
            yield name
        finally:
            self._free.append(name)
