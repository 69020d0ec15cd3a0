"""What ``pytest --craton-driver`` runs: the whole contract on the configured driver."""

from __future__ import annotations

import pytest

from craton.testing.harness import Harness
from craton.testing.suite.driver import DriverSuite
from craton.testing.under_test import HARNESS


class TestDriver(DriverSuite):
    """The contract, on the driver that the command line or a caller has named."""

    @pytest.fixture
    def harness(self, pytestconfig: pytest.Config) -> Harness:
        """The harness of this run."""
        if HARNESS not in pytestconfig.stash:
            raise pytest.UsageError("name the driver: pytest --craton-driver NAME")
        return pytestconfig.stash[HARNESS]
