"""Both conformance kits as a whole, with a Nautobot: ``make nautobot`` runs them."""

from __future__ import annotations

import pytest

from craton.testing import DriverSuite, Harness
from craton.testing.adapters import AdapterHarness, AdapterSuite


class TestAdapter(AdapterSuite):
    """The adapter by itself."""

    @pytest.fixture
    def harness(self, adapter_harness: AdapterHarness) -> AdapterHarness:
        return adapter_harness


class TestDriver(DriverSuite):
    """The driver cmdb; what the CMDB is to have is made through Nautobot's REST API."""

    @pytest.fixture
    def harness(self, driver_harness: Harness) -> Harness:
        return driver_harness
