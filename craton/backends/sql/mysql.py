"""MariaDB and MySQL with InnoDB: one server, or a cluster of nodes with Galera.

Nodes of a cluster take writes at once, and find out when they commit that two of them do not go
together (https://galeracluster.com/documentation/, "Certification-Based Replication"). Whoever
comes second gets error 1213 and has written nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from oslo_config import cfg
from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    ScalarSelect,
    Select,
    event,
    func,
    text,
)
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from craton.backends.sql.dialects import LONGEST_TEXT, DatabaseDialect
from craton.backends.sql.errors import NOT_READY, is_conflict, mysql_code
from craton.backends.sql.lease import Lease
from craton.backends.sql.nodes import Nodes

#: How long a server may be silent, in seconds, when it is asked whether it is there, and when it
#: works on a statement. A client waits for one of each at most, and is told within ten seconds.
_GREETING_PATIENCE: Final = 3
_PATIENCE: Final = 5

#: The same for statements of very many changes, whose commit alone can take a minute.
_BULK_PATIENCE: Final = 600
_MIGRATION_PATIENCE: Final = 86_400

#: How much of a transaction with very many changes is sent to the other nodes at once, in bytes.
#: So none ever meets ``wsrep_max_ws_size``, and no node holds it all in memory.
_FRAGMENT: Final = 8 * 2**20

#: What is noted of a connection.
_IN_CLUSTER: Final = "craton_in_cluster"
_IN_FRAGMENTS: Final = "craton_in_fragments"


class MySQLDialect(DatabaseDialect):
    """MariaDB and MySQL with InnoDB."""

    # A result comes whole, or it blocks its connection until a slow reader is cut off.
    streams = False

    def prepare_url(self, url: URL) -> URL:
        defaults = {
            "connect_timeout": str(_GREETING_PATIENCE),
            "read_timeout": str(_PATIENCE),
            "write_timeout": str(_PATIENCE),
        }
        missing = {name: value for name, value in defaults.items() if name not in url.query}
        # oslo.db's own default is "utf8", which has no characters beyond U+FFFF.
        return url.update_query_dict({"charset": "utf8mb4", **missing})

    def prepare_engine(self, engine: Engine, settings: cfg.ConfigOpts) -> None:
        nodes = Nodes(settings.database.other_nodes)
        sync_wait = settings.database.mysql_wsrep_sync_wait

        @event.listens_for(engine, "do_connect")
        def connect(
            dialect: Dialect, _: ConnectionPoolEntry, __: list[Any], parameters: dict[str, Any]
        ) -> DBAPIConnection:
            greeting = {**parameters, "read_timeout": _GREETING_PATIENCE}
            made: DBAPIConnection = nodes.connect(greeting, lambda p: _serving(dialect, p))
            return made

        @event.listens_for(engine, "connect")
        def set_up(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
            cursor = connection.cursor()
            record.info[_IN_CLUSTER] = _shown(cursor, "VARIABLES", "wsrep_on") == "ON"
            if record.info[_IN_CLUSTER]:
                cursor.execute(f"SET SESSION wsrep_sync_wait = {sync_wait:d}")
            # The default truncates the variables of a host at 1 MiB, without an error.
            cursor.execute("SET SESSION group_concat_max_len = 1073741824")
            # The default is 50 seconds, for each of several tries.
            cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
            # Nor does it tell of a group_concat that is longer than a packet. In a statement,
            # characters may need two bytes for one.
            packet = int(_shown(cursor, "VARIABLES", "max_allowed_packet") or 0)
            record.info[LONGEST_TEXT] = packet // 2
            cursor.close()

        patience = int(str(engine.url.query["read_timeout"]))

        @event.listens_for(engine, "checkout")
        def lend(
            connection: DBAPIConnection, _: ConnectionPoolEntry, __: PoolProxiedConnection
        ) -> None:
            _wait_for(connection, patience)

        @event.listens_for(engine, "checkin")
        def take_back(connection: DBAPIConnection | None, _: ConnectionPoolEntry) -> None:
            # Before it is lent again, it is asked whether it still works.
            if connection is not None:
                _wait_for(connection, _GREETING_PATIENCE)

        # Before oslo.db's own, behind which no other is called.
        @event.listens_for(engine, "handle_error", insert=True)
        def leave(context: ExceptionContext) -> None:
            if mysql_code(context.original_exception) == NOT_READY:
                context.is_disconnect = True

    def begin_write(self, connection: Connection) -> None:
        if connection.info.pop(_IN_FRAGMENTS, False):
            connection.execute(text("SET SESSION wsrep_trx_fragment_size = 0"))
        # A write waits for the row of its region and must then see what others committed meanwhile.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL READ COMMITTED"))

    def begin_bulk(self, connection: Connection) -> None:
        _wait_for(connection.connection.dbapi_connection, _BULK_PATIENCE)
        if connection.info[_IN_CLUSTER] and not connection.info.get(_IN_FRAGMENTS):
            connection.info[_IN_FRAGMENTS] = True
            connection.execute(text("SET SESSION wsrep_trx_fragment_unit = 'bytes'"))
            connection.execute(text(f"SET SESSION wsrep_trx_fragment_size = {_FRAGMENT}"))

    def end_of_commit_is_known(self, error: BaseException) -> bool:
        # A node that loses its quorum while it commits (1180) may have sent the change before.
        return is_conflict(error)

    @contextmanager
    def alone(
        self, writing: Callable[[], AbstractContextManager[Connection]]
    ) -> Iterator[Callable[[], None]]:
        lease = Lease(writing)
        with lease.held():
            yield lease.check

    def begin_migration(self, connection: Connection) -> None:
        # Each change of the schema is a transaction by itself, and may rewrite a large table.
        _wait_for(connection.connection.dbapi_connection, _MIGRATION_PATIENCE)

    def begin_snapshot(self, connection: Connection) -> None:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        connection.execute(text("START TRANSACTION WITH CONSISTENT SNAPSHOT"))

    def joined(
        self, items: Select[str], separator: str, order_by: ColumnElement[Any]
    ) -> ScalarSelect[str]:
        (item,) = items.selected_columns
        ordered = func.aggregate_strings(item, separator).aggregate_order_by(order_by)
        return items.with_only_columns(ordered).scalar_subquery()


def _serving(dialect: Dialect, parameters: Any) -> DBAPIConnection:
    """Connect; a node of a cluster that takes connections and nothing else is as good as none."""
    connection = dialect.connect(**parameters)
    cursor = connection.cursor()
    in_cluster = _shown(cursor, "VARIABLES", "wsrep_on") == "ON"
    if in_cluster and _shown(cursor, "STATUS", "wsrep_ready") != "ON":
        connection.close()
        raise dialect.loaded_dbapi.OperationalError(NOT_READY, "the node is not ready")
    cursor.close()
    return connection


def _shown(cursor: Any, what: str, name: str) -> str | None:
    """Ask for a variable in the one way that a node that is not ready answers."""
    cursor.execute(f"SHOW GLOBAL {what} LIKE '{name}'")
    row = cursor.fetchone()
    return row[1] if row else None


def _wait_for(connection: Any, seconds: int) -> None:
    # PyMySQL looks at it before each packet, and has no public way to change it.
    connection._read_timeout = seconds
