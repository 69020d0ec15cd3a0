"""Transactions, begun again when another writer spoiled them, within the time a client waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import pymongo
from pymongo import MongoClient, ReadPreference
from pymongo.client_session import ClientSession
from pymongo.errors import ConnectionFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from craton.backends.mongo.errors import WriteLostError, is_retried, is_unknown

#: For how long a write is tried again, in seconds.
_PATIENCE: Final = 3

#: How long to wait before the answer to a commit is asked for again, in seconds.
_PAUSE: Final = 0.05

#: How long to wait for a server to let go of a transaction that failed, in seconds. It does so by
#: itself later.
_ABORT: Final = 1

#: For how long a server may keep a transaction that it heard no more of, in seconds: what
#: transactionLifetimeLimitSeconds is by default.
_LIFE: Final = 60

MAJORITY: Final = WriteConcern("majority")
SNAPSHOT: Final = ReadConcern("snapshot")


def repeated(attempt: Callable[[], None], is_possible: Callable[[], bool]) -> None:
    """Do something until no other writer comes in between.

    Args:
        attempt: What to do; when it fails because of another writer, nothing was written.
        is_possible: Whether it can be done again.
    """
    retrying = Retrying(
        retry=retry_if_exception(lambda error: is_possible() and is_retried(error)),
        wait=wait_random_exponential(multiplier=0.02, max=0.5),
        stop=stop_after_delay(_PATIENCE),
        reraise=True,
    )
    retrying(attempt)


class Committer:
    """Does work in transactions that write.

    When the connection is lost, the server may only later come to what it was sent, and then holds
    what the transaction wrote until that expires. So such a session is ended before the next
    transaction begins, for as long as one can live.

    Attributes:
        client: The client.
    """

    def __init__(self, client: MongoClient[dict[str, Any]]) -> None:
        self.client = client
        #: The sessions whose end the server may not know, and when to forget them.
        self._lost: dict[bytes, tuple[Mapping[str, Any], float]] = {}

    def commit(self, work: Callable[[ClientSession], None]) -> None:
        """Do work in a transaction that is durable on a majority when this returns.

        Raises:
            WriteLostError: Nobody can tell whether it was committed.
            PyMongoError: It failed, and did nothing.
        """
        self._end_lost()
        with _transaction(self.client) as session:
            try:
                work(session)
                _commit(session)
            except (ConnectionFailure, WriteLostError):
                self._lost[session.session_id["id"]] = session.session_id, time.monotonic() + _LIFE
                raise

    def _end_lost(self) -> None:
        lost = list(self._lost.items())
        if not lost:
            return
        with suppress(PyMongoError), pymongo.timeout(_ABORT):
            self.client.admin.command("killSessions", [session for _, (session, _) in lost])
        for id, (_, forgotten) in lost:
            if time.monotonic() > forgotten:
                self._lost.pop(id, None)


@contextmanager
def snapshot(client: MongoClient[dict[str, Any]]) -> Iterator[ClientSession]:
    """Lend a session whose reads see one state."""
    with _transaction(client) as session:
        yield session


@contextmanager
def _transaction(client: MongoClient[dict[str, Any]]) -> Iterator[ClientSession]:
    with client.start_session(causal_consistency=False) as session:
        session.start_transaction(
            read_concern=SNAPSHOT, write_concern=MAJORITY, read_preference=ReadPreference.PRIMARY
        )
        try:
            yield session
        finally:
            if session.in_transaction:
                with suppress(PyMongoError), pymongo.timeout(_ABORT):
                    session.abort_transaction()


def _commit(session: ClientSession) -> None:
    """Commit; when the answer is lost, ask again, which commits nothing twice.

    https://github.com/mongodb/specifications/blob/master/source/transactions/transactions.md

    Raises:
        WriteLostError: There was no answer in all that time.
    """
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            session.commit_transaction()
        except PyMongoError as error:
            if not is_unknown(error):
                raise
            if time.monotonic() > end:
                raise WriteLostError from error
            time.sleep(_PAUSE)
        else:
            return
