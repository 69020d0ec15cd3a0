"""The mongo driver: an inventory in MongoDB."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain, islice
from typing import Any, Final

from oslo_config import cfg
from pymongo import MongoClient
from pymongo.database import Database

from craton.backends.mongo import single, transactions
from craton.backends.mongo.client import OPTIONS, connect, database_of
from craton.backends.mongo.errors import translated
from craton.backends.mongo.reader import MongoReader
from craton.backends.mongo.schema import SCHEMA
from craton.backends.mongo.store import Store
from craton.backends.mongo.versions import SchemaVersions
from craton.backends.mongo.writer import Writer
from craton.capabilities import Capabilities, Capability
from craton.chunks import Replay
from craton.driver import Change, InventoryDriver, InventoryReader, Migrations
from craton.errors import BackendFault

_LOG: Final = logging.getLogger(__name__)

#: What is left where the server has no transactions.
_WITHOUT_TRANSACTIONS: Final = Capabilities(
    supported=frozenset(
        {Capability.SORT, Capability.STABLE_PAGING, Capability.COUNT, Capability.MIGRATIONS}
    ),
    writable=frozenset(),
)


class SnapshotReader(MongoReader):
    """Reads in one transaction.

    Args:
        store: In the transaction.
    """

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._snapshot_store = store

    @property
    def _store(self) -> Store:
        return self._snapshot_store


class MongoDriver(MongoReader, InventoryDriver):
    """Keeps an inventory in MongoDB: a replica set, or a cluster that is sharded by region."""

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        InventoryDriver.__init__(self, settings)
        MongoReader.__init__(self)
        self._connected: transactions.Committer | None = None
        self._is_replicated = False

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        return {"mongo": OPTIONS}

    def _open(self) -> None:
        self._close()
        self._connected = transactions.Committer(connect(self.settings))
        try:
            # Before anything is sent, so that it is told before the server is found missing.
            database_of(self._client, self.settings, is_replicated=True)
            with translated():
                hello = self._client.admin.command("hello")
            SchemaVersions(lambda: nullcontext(self._database)).check()
        except BaseException:
            self._close()
            raise
        self._is_replicated = "setName" in hello or hello.get("msg") == "isdbgrid"
        self.capabilities = type(self).capabilities
        if not self._is_replicated:
            self.capabilities = _WITHOUT_TRANSACTIONS
            _LOG.warning(
                "the MongoDB server is a standalone one, without transactions, so the inventory "
                "can only be read; a replica set of one member is enough to write"
            )

    def _close(self) -> None:
        if self._connected is not None:
            self._connected.client.close()
            self._connected = None

    def _ping(self) -> None:
        with translated():
            self._client.admin.command("ping")

    def _write(self, changes: Iterator[Change]) -> None:
        few, rest = _begun(changes)
        replay = Replay(chain(few, rest))
        is_single = len(few) == 1 and rest is changes

        def attempt() -> None:
            if is_single and single.written(self._store, few[0]):
                return
            self._committer.commit(
                lambda session: Writer(Store(self._database, session)).make(iter(replay))
            )

        if few:
            with translated():
                transactions.repeated(attempt, lambda: replay.possible)

    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        with transactions.snapshot(self._client) as session:
            with translated():
                # The first read decides which state all of them see.
                self._database[SCHEMA].find_one({}, session=session)
            reader = SnapshotReader(Store(self._database, session))
            try:
                yield reader
            finally:
                reader.release()

    def _migrations(self) -> Migrations:
        return SchemaVersions(self._lent)

    @contextmanager
    def _lent(self) -> Iterator[Database[dict[str, Any]]]:
        """Lend the database to a migration, which needs no open driver."""
        with connect(self.settings) as client:
            yield database_of(client, self.settings, is_replicated=False)

    @property
    def _store(self) -> Store:
        # Without it, a read that takes several round trips would see some of a batch and not the
        # rest. A single server does not offer it.
        scanning = transactions.SNAPSHOT if self._is_replicated else None
        return Store(self._database, scanning=scanning)

    @property
    def _committer(self) -> transactions.Committer:
        if self._connected is None:
            raise BackendFault("the driver is not open")
        return self._connected

    @property
    def _client(self) -> MongoClient[dict[str, Any]]:
        return self._committer.client

    @property
    def _database(self) -> Database[dict[str, Any]]:
        return database_of(self._client, self.settings, is_replicated=self._is_replicated)


def _begun(changes: Iterator[Change]) -> tuple[list[Change], Iterator[Change]]:
    """Take the first two changes; what goes wrong behind the first is raised behind it, too."""
    few = list(islice(changes, 1))
    try:
        few.extend(islice(changes, 1))
    except Exception as error:
        return few, _raising(error)
    return few, changes


def _raising(error: Exception) -> Iterator[Change]:
    yield from ()
    raise error
