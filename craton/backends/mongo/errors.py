"""From the errors of pymongo and the server to Craton's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bson.errors import BSONError
from pymongo import errors

from craton.errors import (
    BackendFault,
    ConfigurationError,
    CratonError,
    Indeterminate,
    Unavailable,
)

_AWAY: Final = "MongoDB cannot be reached, or has no primary now"
_SLOW: Final = "MongoDB did not answer in time; try again"
_BUSY: Final = "all connections to MongoDB are in use; try again"
_CONFLICT: Final = "other writes came in between again and again; try again"
_EXPIRED: Final = (
    "MongoDB ended the transaction or the cursor: it took too long "
    "(transactionLifetimeLimitSeconds), or the primary changed; try again"
)
_FULL: Final = "MongoDB cannot store anything now"
_LARGE: Final = "the change is too large for the cache that MongoDB has; make it in parts"
_UNCONFIRMED: Final = "a majority of the replica set did not confirm the change in time"
_UNKNOWN: Final = "MongoDB was lost while it stored the change; whether it is stored is not known"
_FAULT: Final = "MongoDB refused a command; the log has its words"
_DENIED: Final = (
    "MongoDB does not let Craton in: check the user, the password and the rights that "
    "[mongo] uri stands for"
)


class WriteLostError(errors.PyMongoError):
    """MongoDB did not say what became of a write, or of a commit."""


#: Codes of the server that say more than the class of pymongo's error
#: (https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml).
_CODES: Final[dict[int, tuple[type[CratonError], str]]] = {
    **dict.fromkeys((13, 18, 31, 33, 8000), (ConfigurationError, _DENIED)),
    # WriteConflict, LockTimeout, DuplicateKey, TemporarilyUnavailable
    **dict.fromkeys((112, 24, 11000, 365), (Unavailable, _CONFLICT)),
    # MaxTimeMSExpired, ExceededTimeLimit, NetworkTimeout
    **dict.fromkeys((50, 262, 89, 202), (Unavailable, _SLOW)),
    # CursorNotFound, CursorKilled, QueryPlanKilled, NoSuchTransaction, TransactionTooOld,
    # TransactionExceededLifetimeLimitSeconds, SnapshotTooOld, SnapshotUnavailable
    **dict.fromkeys((43, 237, 175, 251, 225, 290, 239, 246), (Unavailable, _EXPIRED)),
    # HostUnreachable, HostNotFound, ShutdownInProgress, PrimarySteppedDown, NotWritablePrimary,
    # NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary, the interruptions of a shutdown or an
    # election, ReadConcernMajorityNotAvailableYet, FailedToSatisfyReadPreference
    **dict.fromkeys(
        (6, 7, 91, 189, 10107, 13435, 13436, 11600, 11602, 134, 133, 9001),
        (Unavailable, _AWAY),
    ),
    # OutOfDiskSpace, ExceededMemoryLimit
    **dict.fromkeys((14031, 146), (Unavailable, _FULL)),
    # TransactionTooLarge, TransactionTooLargeForCache
    **dict.fromkeys((257, 388), (Unavailable, _LARGE)),
    # WriteConcernFailed, UnsatisfiableWriteConcern
    **dict.fromkeys((64, 100), (Indeterminate, _UNCONFIRMED)),
}

#: What any other error becomes, the most specific class first.
_TABLE: Final[tuple[tuple[type[Exception], type[CratonError], str], ...]] = (
    (WriteLostError, Indeterminate, _UNKNOWN),
    (errors.WriteConcernError, Indeterminate, _UNCONFIRMED),
    (errors.WaitQueueTimeoutError, Unavailable, _BUSY),
    (errors.NetworkTimeout, Unavailable, _SLOW),
    (errors.ExecutionTimeout, Unavailable, _SLOW),
    (errors.ConnectionFailure, Unavailable, _AWAY),
    (errors.DuplicateKeyError, Unavailable, _CONFLICT),
    (errors.PyMongoError, BackendFault, _FAULT),
    (BSONError, BackendFault, _FAULT),
)

#: WriteConflict, LockTimeout, DuplicateKey, TemporarilyUnavailable.
_SPOILED: Final = frozenset({112, 24, 11000, 365})

_TRANSIENT: Final = "TransientTransactionError"
_UNKNOWN_RESULT: Final = "UnknownTransactionCommitResult"


@contextmanager
def translated() -> Iterator[None]:
    """Turn what pymongo raises in the block into Craton's errors.

    Raises:
        Unavailable: The server is away, busy or full.
        ConfigurationError: It does not let Craton in.
        BackendFault: It misbehaved in another way.
    """
    try:
        yield
    except (errors.PyMongoError, BSONError) as error:
        raise _translation(error) from error


def is_retried(error: BaseException) -> bool:
    """Tell whether the same changes, tried again, end well or say what is wrong."""
    if not isinstance(error, errors.PyMongoError):
        return False
    return error.has_error_label(_TRANSIENT) or _code(error) in _SPOILED


@contextmanager
def single_write() -> Iterator[None]:
    """Tell a single write that may have been made from one that was not.

    Raises:
        WriteLostError: The connection was lost, perhaps after the server had its command; or the
            time ran out, perhaps while that was tried again.
    """
    try:
        yield
    except (errors.ServerSelectionTimeoutError, errors.WaitQueueTimeoutError):
        raise  # nothing was sent
    except (errors.ConnectionFailure, errors.ExecutionTimeout) as error:
        raise WriteLostError from error


def is_unknown(error: BaseException) -> bool:
    """Tell whether the answer to a commit was lost, so that it must be asked for again."""
    return isinstance(error, errors.PyMongoError) and error.has_error_label(_UNKNOWN_RESULT)


def _translation(error: Exception) -> CratonError:
    ours = _CODES.get(_code(error) or 0)
    # The code of one about the write concern is about that; the write itself was made.
    if ours is not None and not isinstance(error, errors.WriteConcernError):
        return ours[0](ours[1])
    if isinstance(error, errors.OperationFailure) and error.has_error_label(_TRANSIENT):
        return Unavailable(_CONFLICT)
    for vendor, kind, message in _TABLE:
        if isinstance(error, vendor):
            return kind(message)
    raise AssertionError(f"the table has no row for {type(error).__name__}")


def _code(error: BaseException) -> int | None:
    """Return the server's code; of many writes, the one of the first that went wrong."""
    if isinstance(error, errors.BulkWriteError):
        details = error.details
        problems = [*details.get("writeErrors", ()), *details.get("writeConcernErrors", ())]
        return int(problems[0]["code"]) if problems else error.code
    return error.code if isinstance(error, errors.OperationFailure) else None
