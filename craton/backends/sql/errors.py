"""From the errors of oslo.db, SQLAlchemy and the database to Craton's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from oslo_db import exception as oslo
from sqlalchemy import exc

from craton.errors import BackendFault, CratonError, Indeterminate, Unavailable

_BUSY: Final = "the database is busy with another write; try again"
_AWAY: Final = "the database cannot be reached, or cannot store anything now"
_CONFLICT: Final = "other writes came in between again and again; try again"
_FAULT: Final = "the database refused a statement; the log has its words"
_UNKNOWN: Final = (
    "the database was lost while it stored the change; whether it is stored is not known"
)


class OvertakenError(oslo.DBError):  # type: ignore[misc]
    """Another writer changed a row after it was read and before it was written."""


class CommitLostError(oslo.DBError):  # type: ignore[misc]
    """The database did not say what became of a commit."""


#: What a vendor's error becomes, the most specific class first.
_TABLE: Final[tuple[tuple[type[Exception], type[CratonError], str], ...]] = (
    (CommitLostError, Indeterminate, _UNKNOWN),
    (OvertakenError, Unavailable, _CONFLICT),
    (oslo.DBDeadlock, Unavailable, _CONFLICT),
    (oslo.DBConsistencyError, Unavailable, _CONFLICT),
    (oslo.DBDuplicateEntry, Unavailable, _CONFLICT),
    (oslo.DBReferenceError, Unavailable, _CONFLICT),
    (oslo.DBConnectionError, Unavailable, _AWAY),
    (oslo.DBNonExistentDatabase, Unavailable, _AWAY),
    (exc.TimeoutError, Unavailable, "all connections to the database are in use; try again"),
    (oslo.DBError, BackendFault, _FAULT),
    (exc.SQLAlchemyError, BackendFault, _FAULT),
)

#: What another writer can cause: the same changes, tried again, end well or say what is wrong.
_CONFLICTS: Final = (
    OvertakenError,
    oslo.DBDeadlock,
    oslo.DBConsistencyError,
    oslo.DBDuplicateEntry,
    oslo.DBReferenceError,
)

#: What MySQL and MariaDB call that, where oslo.db has no class for it: a row changed since it was
#: read, a lock not granted in time, a transaction that lost to one of another node.
_MYSQL_CONFLICTS: Final = frozenset({1020, 1205, 1213})

#: Primary result codes of SQLite (https://www.sqlite.org/rescode.html), which it puts into the low
#: byte of the extended ones.
_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_FULL: _AWAY,
    sqlite3.SQLITE_IOERR: _AWAY,
    sqlite3.SQLITE_CANTOPEN: _AWAY,
    sqlite3.SQLITE_READONLY: _AWAY,
    sqlite3.SQLITE_NOMEM: _AWAY,
}

#: Codes of MySQL and MariaDB for a server, or a connection to it, that is not there or leaves: too
#: many connections, a node without a quorum (1180 while it commits, then 1047), a shutdown, a
#: connection that was killed, refused, cut off or silent for too long.
_MYSQL_LOST: Final = frozenset(
    {1040, 1041, 1047, 1053, 1080, 1152, 1180, 1927, 2002, 2003, 2006, 2013, 2014, 2055, 4031}
)

#: For a server that cannot store anything now: disk full, table space full, read-only.
_MYSQL_FULL: Final = frozenset({1021, 1030, 1114, 1290, 1836, 3675})

#: The node does not serve, though it takes connections.
NOT_READY: Final = 1047


@contextmanager
def translated() -> Iterator[None]:
    """Turn what a vendor's library raises in the block into Craton's errors.

    Raises:
        Unavailable: The database is away, busy or full.
        BackendFault: It misbehaved in another way.
    """
    try:
        yield
    except (oslo.DBError, exc.SQLAlchemyError) as error:
        raise _translation(error) from error


def is_conflict(error: BaseException) -> bool:
    """Tell whether another writer caused an error, and nothing was stored."""
    return isinstance(error, _CONFLICTS) or mysql_code(error) in _MYSQL_CONFLICTS


def is_lost(error: BaseException) -> bool:
    """Tell whether a server, or the connection to it, went away."""
    return isinstance(error, oslo.DBConnectionError) or mysql_code(error) in _MYSQL_LOST


def mysql_code(error: BaseException) -> int | None:
    """Return the number that MySQL or MariaDB gave to an error."""
    original = _original(error)
    if original is None or isinstance(original, sqlite3.Error) or not original.args:
        return None
    code = original.args[0]
    return code if isinstance(code, int) else None


def _translation(error: Exception) -> CratonError:
    if not isinstance(error, CommitLostError):
        words = _by_code(error)
        if words is not None:
            return Unavailable(words)
    for vendor, ours, message in _TABLE:
        if isinstance(error, vendor):
            return ours(message)
    raise AssertionError(f"the table has no row for {type(error).__name__}")


def _by_code(error: Exception) -> str | None:
    """Return what the database's own code says, if it says that trying again may help."""
    original = _original(error)
    if isinstance(original, sqlite3.Error):
        return _SQLITE.get(getattr(original, "sqlite_errorcode", 0) & 0xFF)
    code = mysql_code(error)
    if code in _MYSQL_LOST or code in _MYSQL_FULL:
        return _AWAY
    return _CONFLICT if code in _MYSQL_CONFLICTS else None


def _original(error: BaseException | None) -> BaseException | None:
    """Return what the database's module raised."""
    while isinstance(error, oslo.DBError) and isinstance(error.inner_exception, Exception):
        error = error.inner_exception
    return error.orig if isinstance(error, exc.DBAPIError) else error
