"""The directory driver keeps Craton's contract."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from oslo_config import cfg

from craton import config
from craton.testing import DriverSuite, Harness


class DirectoryHarness(Harness):
    """A working tree of its own for each test."""

    def __init__(self, directory: Path) -> None:
        self.store = directory / "store"
        self.file = directory / "craton.conf"
        self.file.write_text(f"[inventory]\ndriver = directory\n[directory]\npath = {self.store}\n")

    def settings(self) -> cfg.ConfigOpts:
        return config.settings(files=[str(self.file)])

    def reset(self) -> None:
        shutil.rmtree(self.store, ignore_errors=True)

    @contextmanager
    def outage(self) -> Iterator[None]:
        away = self.store.rename(self.store.with_name("away"))
        try:
            yield
        finally:
            away.rename(self.store)


class TestDirectory(DriverSuite):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return DirectoryHarness(tmp_path)
