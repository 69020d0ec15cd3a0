"""The fixtures of every test of the kit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from craton.driver import InventoryDriver
from craton.testing.clauses import check_known
from craton.testing.harness import Harness
from craton.testing.promises import Verdict, clauses_of, promise_of
from craton.testing.results import CLAUSE, REASON, SUITE, TESTS, VERDICT, WAIVER
from craton.testing.suite.fleet import Fleet


class Suite:
    """A family of clauses. Whoever derives from it brings a fixture ``harness``."""

    harness_in_use: Harness
    driver_in_use: InventoryDriver
    properties: list[tuple[str, object]]

    @pytest.fixture
    def driver(self, harness: Harness) -> Iterator[InventoryDriver]:
        """An open driver on an empty store."""
        check_known(harness.waivers)
        harness.reset()
        driver = harness.load()
        try:
            driver.open()
            yield driver
        finally:
            driver.close()

    @pytest.fixture
    def fleet(self, harness: Harness, driver: InventoryDriver) -> Fleet:
        """A tenant with one empty region."""
        return Fleet.make(harness, driver)

    @pytest.fixture(autouse=True)
    def _under_test(
        self, request: pytest.FixtureRequest, harness: Harness, driver: InventoryDriver
    ) -> None:
        self.harness_in_use, self.driver_in_use = harness, driver
        self.properties = request.node.user_properties
        promise = promise_of(request.function)
        if promise is not None:
            self.properties.append((CLAUSE, promise.clause))
            self.properties.append((SUITE, request.node.parent.nodeid))
            self.properties.append((TESTS, len(clauses_of(type(self))[promise.clause])))
            if promise.clause in harness.waivers:
                self.properties.append((WAIVER, harness.waivers[promise.clause]))

    def record(self, verdict: Verdict, reason: str = "") -> None:
        """Note how the test ended; a later verdict takes the place of an earlier one."""
        kept = [item for item in self.properties if item[0] not in (VERDICT, REASON)]
        self.properties[:] = [*kept, (VERDICT, verdict.value)]
        if reason:
            self.properties.append((REASON, reason))
