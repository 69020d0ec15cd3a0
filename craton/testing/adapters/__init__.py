"""The conformance kit for adapters: what holds the reader of a CMDB to the contract (ADAPTER).

In an adapter's own tests::

    class TestMyAdapter(AdapterSuite):
        @pytest.fixture
        def harness(self, tmp_path):
            return MyHarness(tmp_path)
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("craton.testing.adapters.suite")

from craton.testing.adapters.harness import (  # noqa: E402
    AdapterHarness,
    Machine,
    NotExercised,
    Trouble,
)
from craton.testing.adapters.suite.adapter import AdapterSuite  # noqa: E402
from craton.testing.clauses import ADAPTER_CLAUSES  # noqa: E402

__all__ = [
    "ADAPTER_CLAUSES",
    "AdapterHarness",
    "AdapterSuite",
    "Machine",
    "NotExercised",
    "Trouble",
]
