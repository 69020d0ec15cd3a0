"""The sql driver: an inventory in a relational database."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from oslo_config import cfg
from oslo_db import options
from oslo_db.sqlalchemy import enginefacade
from sqlalchemy import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError

from craton.backends.sql import attempts
from craton.backends.sql.engines import dialect_of
from craton.backends.sql.errors import translated
from craton.backends.sql.reader import SqlReader
from craton.backends.sql.versions import SchemaVersions
from craton.driver import Change, InventoryDriver, InventoryReader
from craton.errors import ConfigurationError

#: Where oslo.db's own defaults let a client wait too long for its answer, or, on a cluster, read
#: what is older than its last write.
_DEFAULTS: Final[dict[str, object]] = {
    "max_retries": 0,
    "pool_timeout": 5,
    "mysql_wsrep_sync_wait": 1,
}

#: Options of oslo.db that nothing here would heed: for asyncio, and for its own kind of driver.
_UNHEEDED: Final = frozenset(
    """
    asyncio_connection asyncio_slave_connection backend db_inc_retry_interval db_max_retries
    db_max_retry_interval db_retry_interval use_db_reconnect
    """.split()
)

#: What oslo.db does not have, or does on servers that know nothing of it.
_OUR_OWN: Final[Sequence[cfg.Opt]] = (
    cfg.ListOpt(
        "other_nodes",
        default=[],
        help="Other nodes of the cluster of MariaDB or MySQL, as host or host:port, in the order "
        "in which they are tried while the one in the connection does not serve. User, password "
        "and database are those of the connection.",
    ),
)
_HANDLED_HERE: Final = ("mysql_wsrep_sync_wait", *(option.dest for option in _OUR_OWN))


@enginefacade.transaction_context_provider
class _Scope:
    """What oslo.db ties a transaction to; each transaction here has one of its own."""


class SqlDriver(SqlReader, InventoryDriver):
    """Keeps an inventory in a relational database, by default in an SQLite file."""

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        InventoryDriver.__init__(self, settings)
        self._url = _url(settings)
        SqlReader.__init__(self, self._reading, dialect_of(self._url))

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        heeded = (option for option in options.database_opts if option.name not in _UNHEEDED)
        return {"database": [*(_with_our_default(option) for option in heeded), *_OUR_OWN]}

    def _open(self) -> None:
        self._migrations().check()

    def _close(self) -> None:
        if "_facade" in self.__dict__:
            self._facade.dispose_pool()

    def _ping(self) -> None:
        # A schema that has gone too far for this program is as good as none.
        self._migrations().check()

    def _write(self, changes: Iterator[Change]) -> None:
        with translated():
            attempts.write(self._writing, self._dialect, changes)

    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        with self._reading() as connection:
            with translated():
                self._dialect.begin_snapshot(connection)
            reader = SqlReader(lambda: nullcontext(connection), self._dialect)
            try:
                yield reader
            finally:
                reader.release()

    def _migrations(self) -> SchemaVersions:
        return self._versions

    @cached_property
    def _versions(self) -> SchemaVersions:
        return SchemaVersions(self._writing, self._dialect)

    @cached_property
    def _facade(self) -> Any:
        if not self.settings.database.connection:
            _make_directory(Path(self.settings.state_path))
        configured = dict(self.settings.database)
        for name in _HANDLED_HERE:
            del configured[name]
        configured["connection"] = self._prepared_url(self._url)
        if configured["slave_connection"]:
            configured["slave_connection"] = self._prepared_url(
                make_url(configured["slave_connection"])
            )
        facade = enginefacade.transaction_context()
        facade.configure(**configured, sqlite_fk=True, thread_checkin=False)
        facade.append_on_engine_create(
            lambda engine: self._dialect.prepare_engine(engine, self.settings)
        )
        return facade

    def _prepared_url(self, url: URL) -> str:
        return self._dialect.prepare_url(url).render_as_string(hide_password=False)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        # Not by ``using``, as below: a scope belongs to one thread, and a stream may be closed by
        # another one.
        synchronous = self.settings.database.synchronous_reader
        source = self._facade.writer if synchronous else self._facade.reader
        with translated():
            connection = source.get_engine().connect()
        with connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._facade.writer.connection.using(_Scope()) as connection:
            yield connection


def _with_our_default(option: cfg.Opt) -> cfg.Opt:
    if option.name not in _DEFAULTS:
        return option
    changed = copy.copy(option)
    changed.default = _DEFAULTS[option.name]
    return changed


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"state_path: {path} cannot be made: {error.strerror}") from error


def _url(settings: cfg.ConfigOpts) -> URL:
    connection = settings.database.connection
    if not connection:
        return URL.create("sqlite", database=str(Path(settings.state_path) / "craton.sqlite"))
    try:
        return make_url(connection)
    except ArgumentError as error:
        raise ConfigurationError("[database] connection is not a URL of SQLAlchemy") from error
