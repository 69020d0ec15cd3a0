"""The sql driver keeps the contract, on SQLite."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from oslo_config import cfg

from craton import config
from craton.testing import DriverSuite, Harness


class SqliteHarness(Harness):
    """A file in a directory of its own, made from a template at the newest schema."""

    def __init__(self, directory: Path, template: Path) -> None:
        self.state, self.template = directory / "state", template
        self.file = directory / "craton.conf"
        self.file.write_text(
            "[inventory]\ndriver = sql\n"
            f"[database]\nconnection = sqlite:///{self.state}/craton.sqlite\n"
            "connection_recycle_time = 1\n"
        )

    def settings(self) -> cfg.ConfigOpts:
        return config.settings(files=[str(self.file)])

    def reset(self) -> None:
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.copytree(self.template, self.state)

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Move the directory away; connections that are older than a second are made anew."""
        away = self.state.with_name("away")
        self.state.rename(away)
        time.sleep(1.1)
        try:
            yield
        finally:
            away.rename(self.state)


class TestSqlite(DriverSuite):
    @pytest.fixture
    def harness(self, tmp_path: Path, template_of: Callable[[str], Path]) -> Harness:
        return SqliteHarness(tmp_path, template_of("sql"))
