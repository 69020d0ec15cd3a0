"""Runs the kit on the harness of an adapter, from inside of a program such as a test of the kit."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from craton.testing.adapters.harness import AdapterHarness
from craton.testing.adapters.under_test import HARNESS
from craton.testing.results import Result
from craton.testing.runner import run_on

_TESTS: Final = Path(__file__).parent / "under_test.py"


def run(harness: AdapterHarness, *arguments: str) -> list[Result]:
    """Run all tests in this process, without a word; as :func:`craton.testing.runner.run`."""
    return run_on(_TESTS, HARNESS, harness, *arguments)
