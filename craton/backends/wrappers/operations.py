"""What a driver is asked for, as wrappers speak of it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from itertools import chain, islice

from craton.driver import Change, Create, Delete
from craton.models import Entity


class Operation(Enum):
    """One use of a store. The value is its name in metrics."""

    OPEN = "open"
    PING = "ping"
    GET = "get"
    #: A stream, which a page is made of, too.
    SCAN = "scan"
    COUNT = "count"
    DIGEST = "digest"
    SNAPSHOT = "snapshot"
    CREATE = "create"
    REPLACE = "replace"
    DELETE = "delete"
    #: Several changes as one step.
    APPLY = "apply"


#: The operations that change the store.
WRITES = frozenset({Operation.CREATE, Operation.REPLACE, Operation.DELETE, Operation.APPLY})


def kind_of(change: Change) -> type[Entity]:
    """Return the kind of entity that a change is about."""
    return change.kind if isinstance(change, Delete) else type(change.entity)


def taken(changes: Iterator[Change], count: int) -> tuple[list[Change], Iterator[Change] | None]:
    """Take some changes to look at them, without changing what comes of them.

    Returns:
        The first changes, and an iterator of the others; ``None`` if there are none. What the
        iterator raised meanwhile is raised there, so that an error of those before it comes first.
    """
    first: list[Change] = []
    try:
        for change in islice(changes, count):
            first.append(change)
    except Exception as error:
        return first, _failing(error)
    return first, changes if len(first) == count else None


def described(
    changes: Iterator[Change],
) -> tuple[Operation, type[Entity] | None, Iterator[Change]]:
    """Tell what kind of write some changes are.

    Returns:
        The operation, the kind of entity if there is but one change, and all the changes again.
    """
    first, rest = taken(changes, 2)
    if rest is not None or len(first) != 1:
        return Operation.APPLY, None, chain(first, rest or ())
    (change,) = first
    return _operation_of(change), kind_of(change), iter(first)


def _failing(error: Exception) -> Iterator[Change]:
    yield from ()
    raise error


def _operation_of(change: Change) -> Operation:
    match change:
        case Create():
            return Operation.CREATE
        case Delete():
            return Operation.DELETE
        case _:
            return Operation.REPLACE
