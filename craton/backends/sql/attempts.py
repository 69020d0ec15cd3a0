"""One transaction that writes: made again when that can help, never when its end is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final

from sqlalchemy import Connection
from tenacity import Retrying, retry_if_exception, stop_before_delay, wait_random_exponential

from craton.backends.sql.dialects import DatabaseDialect
from craton.backends.sql.errors import CommitLostError, is_conflict, is_lost
from craton.backends.sql.writer import Writer
from craton.chunks import SIZE, Replay
from craton.driver import Change, Delete
from craton.models import Region, Tenant

#: No attempt begins later than this after the first one, in seconds.
_PATIENCE: Final = 3.0

#: About how long to wait before the second attempt; twice as long before the next, up to the second
#: number; each a random part of it, so that two that collide do not do so again.
_WAIT: Final = 0.02
_LONGEST_WAIT: Final = 0.5

Transaction = Callable[[], AbstractContextManager[Connection]]


def write(transaction: Transaction, dialect: DatabaseDialect, changes: Iterator[Change]) -> None:
    """Make the changes in one transaction.

    What another writer spoils is tried again from the beginning, in a transaction of its own; so is
    what a lost server cannot have committed, because it was not asked to.

    Args:
        transaction: Lends a connection in a transaction that is committed at its end.
        dialect: The engine.
        changes: The changes.

    Raises:
        CommitLostError: The server was lost while it committed.
        Exception: Whatever else ended the last attempt.
    """
    replay = Replay(changes)

    def is_retried(error: BaseException) -> bool:
        if not replay.possible or isinstance(error, CommitLostError):
            return False
        return is_conflict(error) or is_lost(error)

    retrying = Retrying(
        retry=retry_if_exception(is_retried),
        stop=stop_before_delay(_PATIENCE),
        wait=wait_random_exponential(multiplier=_WAIT, max=_LONGEST_WAIT),
        reraise=True,
    )
    retrying(_attempt, transaction, dialect, replay)


def _attempt(transaction: Transaction, dialect: DatabaseDialect, replay: Replay) -> None:
    committing = False
    try:
        with transaction() as connection:
            dialect.begin_write(connection)
            Writer(connection).make(_announced(connection, dialect, iter(replay)))
            committing = True
    except Exception as error:
        if committing and not dialect.end_of_commit_is_known(error):
            raise CommitLostError(error) from error
        raise


def _announced(
    connection: Connection, dialect: DatabaseDialect, changes: Iterator[Change]
) -> Iterator[Change]:
    """Yield the changes, and tell the dialect when they turn out to be very many."""
    announced = False
    for count, change in enumerate(changes):
        if not announced and (count >= SIZE or _takes_much_along(change)):
            dialect.begin_bulk(connection)
            announced = True
        yield change


def _takes_much_along(change: Change) -> bool:
    return isinstance(change, Delete) and change.cascade and change.kind in (Tenant, Region)
