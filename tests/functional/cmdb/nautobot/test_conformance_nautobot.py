"""The driver cmdb keeps the contract on a Nautobot, where it is about what the CMDB owns.

``make nautobot`` runs the whole kit in this way, which takes minutes.
"""

from __future__ import annotations

import pytest

from craton.testing import Harness
from craton.testing.suite.get import GetClauses
from craton.testing.suite.mirrors import MirrorClauses

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.xdist_group("nautobot")]


class TestOwned(GetClauses, MirrorClauses):
    """Reading it, and leaving it to its owner."""

    @pytest.fixture
    def harness(self, driver_harness: Harness) -> Harness:
        return driver_harness
