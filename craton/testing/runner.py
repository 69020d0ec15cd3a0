"""Runs the kit on a harness from inside of a program, such as a test of the kit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Generic, TypeVar

import pytest

from craton.testing.harness import Harness
from craton.testing.results import Result, result_of
from craton.testing.under_test import HARNESS, SHIPPED

T = TypeVar("T")

#: What would reach out of this run: output, caches, somebody's configuration.
_ALONE = ("-c", os.devnull, "--rootdir", os.sep, "-s", "-p", "no:terminal")
_WITHOUT = ("-p", "no:cacheprovider", "-p", "no:faulthandler", "-p", "no:logging")


class _Given(Generic[T]):
    """A plugin that lends the harness to the tests and keeps what becomes of them."""

    def __init__(self, key: pytest.StashKey[T], harness: T) -> None:
        self._key, self._harness = key, harness
        self.results: list[Result] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[self._key] = self._harness

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        result = result_of(report)
        if result is not None:
            self.results.append(result)


def run(harness: Harness, *arguments: str) -> list[Result]:
    """Run the shipped tests in this process, without a word.

    Args:
        harness: The store and its driver.
        arguments: More for pytest, such as ``"-k", "page_4"`` or ``"-x"``.

    Returns:
        How each test ended, in the order of the run.

    Raises:
        RuntimeError: pytest could not do it.
    """
    return run_on(SHIPPED, HARNESS, harness, *arguments)


def run_on(tests: Path, key: pytest.StashKey[T], harness: T, *arguments: str) -> list[Result]:
    """Do the same with other tests, which find the harness under another key."""
    given = _Given(key, harness)
    code = pytest.main([str(tests), *_ALONE, *_WITHOUT, *arguments], plugins=[given])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"pytest ended with {code!r}")
    return given.results
