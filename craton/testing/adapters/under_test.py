"""What the runner runs: all clauses, on the harness that it was given."""

from __future__ import annotations

from typing import Final

import pytest

from craton.testing.adapters.harness import AdapterHarness
from craton.testing.adapters.suite.adapter import AdapterSuite

#: Where a run keeps its harness.
HARNESS: Final = pytest.StashKey[AdapterHarness]()


class TestAdapter(AdapterSuite):
    """The contract, on the adapter that a caller has named."""

    @pytest.fixture
    def harness(self, pytestconfig: pytest.Config) -> AdapterHarness:
        """The harness of this run."""
        return pytestconfig.stash[HARNESS]
