"""Each wrapper keeps the contract, as far as it promises, also around a driver that fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from oslo_config import cfg

from craton import loader
from craton.backends.wrappers import (
    Fault,
    FaultyDriver,
    LoggedDriver,
    Operation,
    Patience,
    ReadOnlyDriver,
    RetryingDriver,
    Seeded,
    TimedDriver,
)
from craton.backends.wrappers.delegation import WrappedReader, Wrapper
from craton.backends.wrappers.operations import WRITES
from craton.caller import ANYBODY
from craton.driver import InventoryDriver, InventoryReader
from craton.models import ChangeRecord, E, Entity
from craton.query import AllOf, Compare, Not, Operator, Predicate
from craton.testing import DriverSuite, Harness
from tests.functional.test_conformance_memory import MemoryHarness
from tests.functional.test_conformance_sql import SqliteHarness

#: Where several writers compare and set one entity, and count how often they did. After a lost
#: answer nobody can know whether the others wrote over this write or instead of it; the wrapper
#: says so (``Unavailable``), and who then does it again may do it twice.
CONTENDED = ("test_replace_6_no_update_is_lost",)


class Around(Harness):
    """A harness of the driver inside; the kit gets a wrapper around that."""

    def __init__(
        self, inside: Harness, wrapper: Callable[[cfg.ConfigOpts], InventoryDriver]
    ) -> None:
        self.inside, self.wrapper = inside, wrapper
        # A harness has these of its class; one around another has those of the one inside.
        self.no_outage = inside.no_outage  # type: ignore[misc]
        self.shared = inside.shared  # type: ignore[misc]

    def settings(self) -> cfg.ConfigOpts:
        return self.inside.settings()

    def reset(self) -> None:
        self.inside.reset()

    def load(self) -> InventoryDriver:
        return self.wrapper(self.settings())

    def outage(self) -> AbstractContextManager[None] | None:
        return self.inside.outage()

    def seed(self, driver: InventoryDriver, entities: Sequence[E]) -> list[E]:
        while isinstance(driver, Wrapper):
            driver = driver.inner
        return super().seed(driver, entities)


def ignore(operation: Operation, kind: object, seconds: float, outcome: str) -> None:
    """Be told, and do nothing."""


class ReadOnly(ReadOnlyDriver):
    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(loader.load(settings))


class Timed(TimedDriver):
    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(loader.load(settings), ignore)


class TimedRetrying(TimedDriver):
    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(RetryingDriver(loader.load(settings)), ignore)


#: Tells the records of what the kit does from those that it stores itself.
OURS = Compare(("user_id",), Operator.EQ, ANYBODY.user_id)


class Hiding(WrappedReader):
    """Keeps the log from the kit, which compares all that is stored."""

    def _pushdown(self, kind: type[E], where: Predicate) -> tuple[Predicate, Predicate]:
        return super()._pushdown(kind, unlogged(kind, where))

    def _count(self, kind: type[Entity], where: Predicate) -> int:
        return super()._count(kind, unlogged(kind, where))

    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        return super()._digest(kind, unlogged(kind, where))


class Logged(Hiding, LoggedDriver):
    def __init__(self, settings: cfg.ConfigOpts) -> None:
        LoggedDriver.__init__(self, loader.load(settings))

    def _wrapped(self, reader: InventoryReader) -> InventoryReader:
        return Hiding(reader)


def unlogged(kind: type[Entity], where: Predicate) -> Predicate:
    return AllOf(where, Not(OURS)) if kind is ChangeRecord else where


class Transient:
    """Makes a retrying driver around one that fails again and again, but never for long."""

    def __init__(self, test: str, seed: int) -> None:
        self.test = test
        self.seed = seed

    def __call__(self, settings: cfg.ConfigOpts) -> InventoryDriver:
        plan = Seeded(self.seed, self.faults, 0.2)

        class RetryingFaulty(RetryingDriver):
            def __init__(self, settings: cfg.ConfigOpts) -> None:
                patience = Patience(attempts=20, seconds=600, sleep=lambda seconds: None)
                super().__init__(FaultyDriver(loader.load(settings), plan), patience)

        return RetryingFaulty(settings)

    def faults(self, operation: Operation) -> Sequence[Fault]:
        if operation in (Operation.OPEN, Operation.PING):
            return ()
        if operation in WRITES:
            return () if self.test in CONTENDED else (Fault(), Fault(committed=True))
        return Fault(), Fault(rows=1), Fault(rows=3)


class TestReadOnlyOnSqlite(DriverSuite):
    @pytest.fixture
    def harness(self, tmp_path: Path, template_of: Callable[[str], Path]) -> Harness:
        return Around(SqliteHarness(tmp_path, template_of("sql")), ReadOnly)


class TestTimed(DriverSuite):
    @pytest.fixture
    def harness(self) -> Harness:
        return Around(MemoryHarness(), Timed)


class TestTimedRetryingOnSqlite(DriverSuite):
    @pytest.fixture
    def harness(self, tmp_path: Path, template_of: Callable[[str], Path]) -> Harness:
        return Around(SqliteHarness(tmp_path, template_of("sql")), TimedRetrying)


class TestRetryingAroundFaults(DriverSuite):
    @pytest.fixture
    def harness(self, request: pytest.FixtureRequest) -> Harness:
        return Around(MemoryHarness(), Transient(request.node.originalname, seed=7))


class TestLoggedOnSqlite(DriverSuite):
    @pytest.fixture
    def harness(self, tmp_path: Path, template_of: Callable[[str], Path]) -> Harness:
        return Around(SqliteHarness(tmp_path, template_of("sql")), Logged)
