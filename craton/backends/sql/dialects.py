"""What differs between database engines: types, transactions, functions; and SQLite.

Strings compare by code point everywhere. SQLite does so by itself; the others need a collation,
and one that does not take ``"a"`` and ``"a "`` for the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Final

from oslo_config import cfg
from sqlalchemy import (
    URL,
    BigInteger,
    ColumnElement,
    Connection,
    CreateEnginePlugin,
    Engine,
    Integer,
    QueuePool,
    ScalarSelect,
    Select,
    String,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects import mysql, plugins
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import Text, TypeDecorator, TypeEngine

from craton.errors import ConfigurationError

#: How long SQLite waits for another process to finish writing, in milliseconds. A client that is
#: told that the store is busy must be told within ten seconds.
SQLITE_BUSY_TIMEOUT: Final = 5000

#: Memory for pages of each connection, in KiB: SQLite's own default, and for one that writes.
_SQLITE_CACHE: Final = 2000
_SQLITE_WRITE_CACHE: Final = 65536

#: What is noted of a connection to a database that has such a limit: how many bytes the variables
#: of one entity may take together.
LONGEST_TEXT: Final = "craton_longest_text"

_PLUGIN: Final = "craton_pooled_sqlite"


def Number() -> TypeEngine[int]:  # noqa: N802
    """Return the type of a generated key; SQLite generates only what is called INTEGER."""
    return BigInteger().with_variant(Integer(), "sqlite")


class Varchar(TypeDecorator[str]):
    """A string of limited length that compares by code point."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        length = self.impl_instance.length  # type: ignore[attr-defined]
        if dialect.name in ("mysql", "mariadb"):
            return mysql.VARCHAR(length, charset="utf8mb4", collation=_mysql_collation(dialect))
        return String(length)


class LongText(TypeDecorator[str]):
    """A string of any length that compares by code point."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in ("mysql", "mariadb"):
            return mysql.LONGTEXT(charset="utf8mb4", collation=_mysql_collation(dialect))
        return Text()


def _mysql_collation(dialect: Dialect) -> str:
    return "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", False) else "utf8mb4_0900_bin"


class DatabaseDialect(ABC):
    """What the driver must know of the engine that it talks to.

    Attributes:
        streams: Whether a result is read from the database as it is asked for, and a connection can
            have several that are half read.
    """

    streams: ClassVar[bool] = True

    @abstractmethod
    def prepare_url(self, url: URL) -> URL:
        """Add what the connection needs to its URL.

        Raises:
            ConfigurationError: The database cannot keep what a driver promises.
        """

    @abstractmethod
    def prepare_engine(self, engine: Engine, settings: cfg.ConfigOpts) -> None:
        """Set up each connection that the engine makes."""

    @abstractmethod
    def begin_write(self, connection: Connection) -> None:
        """Make a transaction one that writes, before its first statement."""

    def begin_bulk(self, connection: Connection) -> None:  # noqa: B027
        """Prepare a transaction, which has begun to write, for very many changes."""

    def end_of_commit_is_known(self, error: BaseException) -> bool:
        """Tell whether nothing was stored if a commit ended in this error."""
        return True

    def alone(
        self, writing: Callable[[], AbstractContextManager[Connection]]
    ) -> AbstractContextManager[Callable[[], None]]:
        """Keep others from migrating, where a transaction cannot do that.

        Args:
            writing: Lends a connection in a transaction that is committed at its end.

        Returns:
            A context with a function that raises ``Unavailable`` when others are no longer kept.
        """
        return nullcontext(lambda: None)

    @abstractmethod
    def begin_migration(self, connection: Connection) -> None:
        """Keep others from migrating, where the engine can do that within a transaction."""

    @abstractmethod
    def begin_snapshot(self, connection: Connection) -> None:
        """Make a transaction see one state from now on, before its first statement."""

    @abstractmethod
    def joined(
        self, items: Select[str], separator: str, order_by: ColumnElement[Any]
    ) -> ScalarSelect[str]:
        """Return the one column of some rows in an order, with a separator, as one string."""


class SQLiteDialect(DatabaseDialect):
    """One file, one writer at a time, readers that see the state at which they began (WAL)."""

    def prepare_url(self, url: URL) -> URL:
        if not url.database or url.database == ":memory:" or "mode=memory" in url.database:
            raise ConfigurationError(
                "[database] connection must name a file: an SQLite database in memory has no "
                "snapshots; the inventory driver 'memory' has"
            )
        return url.update_query_dict({"plugin": _PLUGIN})

    def prepare_engine(self, engine: Engine, settings: cfg.ConfigOpts) -> None:
        @event.listens_for(engine, "connect")
        def set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT}")
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.close()

        @event.listens_for(engine, "checkin")
        def shrink(connection: DBAPIConnection | None, _: ConnectionPoolEntry) -> None:
            if connection is not None:
                cursor = connection.cursor()
                cursor.execute(f"PRAGMA cache_size = -{_SQLITE_CACHE}")
                cursor.close()

    def begin_write(self, connection: Connection) -> None:
        # A transaction that reads first, and is to write then, cannot wait for another writer: what
        # it has read may be outdated. This statement takes the lock, and waits for it.
        connection.execute(text("DELETE FROM region_structures WHERE 0"))
        # Changed pages that do not fit go to disk, again and again.
        connection.execute(text(f"PRAGMA cache_size = -{_SQLITE_WRITE_CACHE}"))

    def begin_migration(self, connection: Connection) -> None:
        # As begin_write, when there may be no table yet.
        connection.execute(text("PRAGMA user_version = 0"))

    def begin_snapshot(self, connection: Connection) -> None:
        # BEGIN alone does not fix the state; the first read does.
        connection.execute(text("SELECT 1 FROM region_structures LIMIT 1"))

    def joined(
        self, items: Select[str], separator: str, order_by: ColumnElement[Any]
    ) -> ScalarSelect[str]:
        # ORDER BY inside of an aggregate came with SQLite 3.44. Before, an aggregate takes the rows
        # of a subquery in the subquery's order.
        (item,) = items.order_by(order_by).subquery().c
        return select(func.aggregate_strings(item, separator)).scalar_subquery()


class PooledSQLite(CreateEnginePlugin):
    """Keep connections to SQLite open, which oslo.db would close after each use.

    Opening one takes ten times as long as reading one entity, and closing the last one makes SQLite
    write its log back into the file.
    """

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        super().__init__(url, kwargs)
        kwargs["poolclass"] = QueuePool

    def update_url(self, url: URL) -> URL:
        return url.difference_update_query(["plugin"])


plugins.register(_PLUGIN, __name__, PooledSQLite.__name__)
