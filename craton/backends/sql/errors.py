"""From the errors of oslo.db, SQLAlchemy and the database to Craton's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from oslo_db import exception as oslo
from sqlalchemy import exc

from craton.errors import BackendFault, CratonError, Unavailable

_BUSY: Final = "the database is busy with another write; try again"
_AWAY: Final = "the database cannot be reached, or cannot store anything now"
_CONFLICT: Final = "other writes came in between again and again; try again"
_FAULT: Final = "the database refused a statement; the log has its words"


class OvertakenError(oslo.DBError):  # type: ignore[misc]
    """Another writer changed a row after it was read and before it was written."""


#: What a vendor's error becomes, the most specific class first.
_TABLE: Final[tuple[tuple[type[Exception], type[CratonError], str], ...]] = (
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
RETRIED: Final = (
    OvertakenError,
    oslo.DBDeadlock,
    oslo.DBConsistencyError,
    oslo.DBDuplicateEntry,
    oslo.DBReferenceError,
)

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

#: Codes of MySQL and MariaDB: too many connections, shutdown in progress, disk full, server is
#: read-only, no quorum (which begins with 1180), lost or refused connections.
_MYSQL: Final = frozenset({1021, 1040, 1041, 1047, 1053, 1114, 1180, 1290, 2002, 2003, 2006, 2013})


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


def _translation(error: Exception) -> CratonError:
    words = _by_code(error)
    if words is not None:
        return Unavailable(words)
    for vendor, ours, message in _TABLE:
        if isinstance(error, vendor):
            return ours(message)
    raise AssertionError(f"the table has no row for {type(error).__name__}")


def _by_code(error: Exception) -> str | None:
    """Return what the database's own code says, if it says that trying again may help."""
    while isinstance(error, oslo.DBError) and isinstance(error.inner_exception, Exception):
        error = error.inner_exception
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        return _SQLITE.get(getattr(original, "sqlite_errorcode", 0) & 0xFF)
    if original is not None and original.args and original.args[0] in _MYSQL:
        return _AWAY
    return None
