"""Each wrapper keeps the whole contract that the driver inside keeps, also when that one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from craton.backends.wrappers import (
    Fault,
    FaultyDriver,
    Operation,
    Patience,
    RetryingDriver,
    Seeded,
    TimedDriver,
)
from craton.backends.wrappers.operations import WRITES
from craton.driver import InventoryDriver
from tests import backends
from tests.functional.contract.test_entities import *  # noqa: F403
from tests.functional.contract.test_queries import *  # noqa: F403
from tests.functional.contract.test_together import *  # noqa: F403

#: Where several writers do a compare-and-set on one entity. A lost answer there can mean that the
#: others wrote over this write, or instead of it, and the wrapper says so: ``Unavailable``.
CONTENDED = (
    "test_replace_3_one_of_concurrent_writers_wins",
    "test_replace_6_no_update_is_lost",
)

READ_FAULTS = [Fault(), Fault(rows=1), Fault(rows=3)]
WRITE_FAULTS = [Fault(), Fault(committed=True)]


def planned(test: str) -> Callable[[Operation], Sequence[Fault]]:
    def faults(operation: Operation) -> Sequence[Fault]:
        if operation in (Operation.OPEN, Operation.PING):
            return ()
        if operation in WRITES:
            return () if test in CONTENDED else WRITE_FAULTS
        return READ_FAULTS

    return faults


def timed(inner: InventoryDriver, test: str) -> InventoryDriver:
    return TimedDriver(inner, lambda operation, kind, seconds, outcome: None)


def retrying(inner: InventoryDriver, test: str) -> InventoryDriver:
    return RetryingDriver(inner)


def retrying_faulty(inner: InventoryDriver, test: str) -> InventoryDriver:
    patience = Patience(attempts=20, seconds=600, sleep=lambda seconds: None)
    return RetryingDriver(FaultyDriver(inner, Seeded(7, planned(test), 0.2)), patience)


WRAPPED = {
    "timed-memory": (timed, "memory"),
    "timed-sql": (timed, "sql"),
    "retrying-memory": (retrying, "memory"),
    "retrying-sql": (retrying, "sql"),
    "retrying-faulty-memory": (retrying_faulty, "memory"),
}


@pytest.fixture(params=WRAPPED)
def driver(
    request: pytest.FixtureRequest, tmp_path: Path, template_of: Callable[[str], Path]
) -> Iterator[InventoryDriver]:
    """An open wrapper around a driver on an empty store."""
    wrap, backend = WRAPPED[request.param]
    with backends.opened(backend, tmp_path / "state", template_of(backend)) as inner:
        yield wrap(inner, request.node.originalname)
