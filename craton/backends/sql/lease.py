"""Who may migrate, where no lock reaches from one node of a cluster to the others.

Locks of MySQL and MariaDB, named ones too, hold on one node. What all nodes agree on is which of
two writes of a row came first. So a row says who migrates, and that he lives: he writes it every
few seconds. Who waits takes his place when the row has not changed for a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from oslo_db import exception as oslo
from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Row, Table, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from craton.backends.sql.dialects import Varchar
from craton.driver import new_id
from craton.errors import Unavailable

#: How often the holder writes the row, how often others look, and how long they wait, in seconds.
_BEAT: Final = 2.0
_LOOK: Final = 0.2
_SILENCE: Final = 20.0

#: No part of the schema that has versions: it is there before the first of them.
_LEASES: Final = Table(
    "schema_lease",
    MetaData(),
    Column("id", Integer(), primary_key=True, autoincrement=False),
    Column("holder", Varchar(64), nullable=False),
    Column("beat", BigInteger(), nullable=False),
)

Transaction = Callable[[], AbstractContextManager[Connection]]


class Lease:
    """The right to migrate.

    Args:
        writing: Lends a connection in a transaction that is committed at its end.
    """

    def __init__(self, writing: Transaction) -> None:
        self._writing = writing
        self._name = new_id()
        self._over = threading.Event()
        self._lost = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until nobody else migrates, and keep others waiting."""
        self._make_row()
        self._acquire()
        beating = threading.Thread(target=self._keep_beating, daemon=True)
        beating.start()
        try:
            yield
        finally:
            self._over.set()
            beating.join()
            self._set(self._name, "")

    def check(self) -> None:
        """Insist that the right is still held.

        Raises:
            Unavailable: Somebody else took it, because this process was silent for too long.
        """
        if self._lost:
            raise Unavailable("another process migrates now; see how far it came, then go on")

    def _make_row(self) -> None:
        with self._writing() as connection:
            connection.execute(CreateTable(_LEASES, if_not_exists=True))
        try:
            with self._writing() as connection:
                if connection.execute(select(_LEASES.c.id)).first() is None:
                    connection.execute(_LEASES.insert().values(id=1, holder="", beat=0))
        except (oslo.DBDuplicateEntry, oslo.DBDeadlock):
            # Somebody else has made it.
            return

    def _acquire(self) -> None:
        seen: Row[Any, Any] | None = None
        since = time.monotonic()
        while True:
            row = self._row()
            if row is None or row != seen:
                # What could not be read may have changed.
                seen, since = row, time.monotonic()
            free = row is not None and (not row.holder or time.monotonic() - since > _SILENCE)
            if free and row is not None and self._set(row.holder, self._name, row.beat):
                return
            time.sleep(_LOOK)

    def _keep_beating(self) -> None:
        while not self._over.wait(_BEAT):
            if not self._set(self._name, self._name):
                row = self._row()
                self._lost = row is not None and row.holder != self._name
                if self._lost:
                    return

    def _row(self) -> Row[Any, Any] | None:
        try:
            with self._writing() as connection:
                return connection.execute(select(_LEASES.c.holder, _LEASES.c.beat)).first()
        except (oslo.DBError, SQLAlchemyError):
            return None

    def _set(self, holder: str, new: str, beat: int | None = None) -> bool:
        """Change the holder, if it is still this one; tell whether that was done."""
        columns = _LEASES.c
        update = _LEASES.update().where(columns.holder == holder)
        if beat is not None:
            update = update.where(columns.beat == beat)
        try:
            with self._writing() as connection:
                changed = connection.execute(update.values(holder=new, beat=columns.beat + 1))
                return changed.rowcount == 1
        except (oslo.DBError, SQLAlchemyError):
            return False
