"""Where a run of pytest keeps the harness, and where the shipped tests are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from craton.testing.harness import Harness

#: The harness that the shipped tests use.
HARNESS: Final = pytest.StashKey[Harness]()

#: The shipped tests.
SHIPPED: Final = Path(__file__).parent / "suite" / "test_driver.py"
