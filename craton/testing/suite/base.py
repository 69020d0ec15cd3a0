"""The fixtures of every test of the kit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from craton.driver import InventoryDriver
from craton.testing.clauses import check_known
from craton.testing.harness import Harness
from craton.testing.recorded import Recorded
from craton.testing.suite.fleet import Fleet


class Suite(Recorded):
    """A family of clauses. Whoever derives from it brings a fixture ``harness``."""

    harness_in_use: Harness
    driver_in_use: InventoryDriver

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
        self.begin(request, harness.waivers)
