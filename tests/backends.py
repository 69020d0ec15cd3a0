"""The drivers that the tests run on, each opened on a store of its own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from oslo_config import cfg

from craton import config, loader
from craton.capabilities import Capability
from craton.driver import InventoryDriver
from tests.functional.sql.stores import Databases
from tests.services import mariadb, mongo

#: Every driver that keeps the whole contract; ``mariadb`` is the sql driver on a server.
BACKENDS = tuple(os.environ.get("CRATON_TEST_BACKENDS", "memory sql mongo").split())


def make(name: str, state: Path) -> InventoryDriver:
    """Make a driver that keeps its state in a directory; it is not open yet."""
    if name == "mongo":
        return make_mongo(databases().server.uri, (state / "database").read_text())
    if name == "mariadb":
        return loader.load(mariadb_databases().settings((state / "database").read_text(), state))
    return loader.load(config.settings(files=[], state_path=str(state), inventory__driver=name))


def make_mongo(uri: str, database: str, **options: object) -> InventoryDriver:
    """Make a mongo driver; it is not open yet."""
    return loader.load(mongo_settings(uri, database, **options))


def mongo_settings(uri: str, database: str, **options: object) -> cfg.ConfigOpts:
    """Return the configuration of a mongo driver, which by default waits long for a busy server."""
    settings = config.settings(files=[], inventory__driver="mongo")
    config.register(settings, loader.driver_named("mongo").options())
    for option, value in {"timeout": 30, **options, "uri": uri, "database": database}.items():
        settings.set_override(option, value, "mongo")
    return settings


def prepare(name: str, state: Path) -> None:
    """Bring the store in a directory to the newest schema."""
    if name in ("mongo", "mariadb"):
        return  # its databases are used again and again
    driver = make(name, state)
    if Capability.MIGRATIONS in driver.capabilities:
        driver.migrations().upgrade()
    driver.close()


@contextmanager
def opened(name: str, state: Path, template: Path | None = None) -> Iterator[InventoryDriver]:
    """Open a driver on an empty store; a prepared template is faster than a schema made anew."""
    with ExitStack() as held:
        if name == "mongo":
            state.mkdir(parents=True, exist_ok=True)
            (state / "database").write_text(held.enter_context(databases().lent()))
        elif name == "mariadb":
            state.mkdir(parents=True, exist_ok=True)
            (state / "database").write_text(held.enter_context(mariadb_databases().lent()))
        elif template is not None:
            shutil.copytree(template, state, dirs_exist_ok=True)
        else:
            prepare(name, state)
        yield held.enter_context(make(name, state))


@cache
def databases() -> mongo.Databases:
    """The databases of this process's MongoDB, which ends with the process."""
    held = ExitStack()
    atexit.register(held.close)
    directory = held.enter_context(tempfile.TemporaryDirectory(prefix="craton-mongo-"))
    server = held.enter_context(mongo.given(Path(directory)))

    def prepare(database: str) -> None:
        make_mongo(server.uri, database).migrations().upgrade()

    return held.enter_context(mongo.Databases(server, prepare))


@cache
def mariadb_databases() -> Databases:
    """The databases of this process's MariaDB, which ends with the process."""
    held = ExitStack()
    atexit.register(held.close)
    directory = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="craton-mariadb-")))
    server = held.enter_context(mariadb.provided(directory))
    return Databases(server, directory, held)
