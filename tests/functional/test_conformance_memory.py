"""The memory driver keeps the contract."""

from __future__ import annotations

import pytest
from oslo_config import cfg

from craton import config
from craton.testing import DriverSuite, Harness


class MemoryHarness(Harness):
    """Every driver is a store of its own."""

    no_outage = "a dict in this process is never away"
    shared = False

    def settings(self) -> cfg.ConfigOpts:
        return config.settings(files=[], inventory__driver="memory")

    def reset(self) -> None:
        """A new driver is empty."""


class TestMemory(DriverSuite):
    @pytest.fixture
    def harness(self) -> Harness:
        return MemoryHarness()
