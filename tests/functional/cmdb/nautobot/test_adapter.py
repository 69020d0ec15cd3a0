"""The adapter of Nautobot keeps the contract, on a real Nautobot behind TLS.

Here is what becomes of objects, and what is said of those that make none; ``make nautobot`` runs
the whole kit, which takes minutes.
"""

from __future__ import annotations

import pytest

from craton.testing.adapters import AdapterHarness
from craton.testing.adapters.suite.entities import EntityClauses
from craton.testing.adapters.suite.saying import SayingClauses

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.xdist_group("nautobot")]


class TestNautobot(EntityClauses, SayingClauses):
    @pytest.fixture
    def harness(self, adapter_harness: AdapterHarness) -> AdapterHarness:
        return adapter_harness
