"""The driver cmdb keeps the contract, on a CMDB of the tests and a mirror in SQLite."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from craton.driver import InventoryDriver, new_id
from craton.models import E, Entity, links
from craton.testing import DriverSuite, Harness
from tests.functional.cmdb.conftest import Mirror


class CmdbHarness(Harness):
    """A CMDB and a mirror in a directory; what the CMDB owns is put there, and then synced."""

    def __init__(self, directory: Path, template: Path) -> None:
        self.mirror = Mirror.make(directory, "sql")
        self.template = template
        with self.mirror.file.open("a") as file:
            file.write("[database]\nconnection_recycle_time = 1\n")

    def settings(self) -> cfg.ConfigOpts:
        return self.mirror.settings()

    def reset(self) -> None:
        shutil.rmtree(self.mirror.state, ignore_errors=True)
        shutil.copytree(self.template, self.mirror.state)
        self.mirror.cmdb.reset()

    def seed(self, driver: InventoryDriver, entities: Sequence[E]) -> list[E]:
        owned = driver.capabilities.amendable
        if not any(type(entity) in owned for entity in entities):
            return super().seed(driver, entities)
        wanted = [dataclasses.replace(entity, id=entity.id or new_id()) for entity in entities]
        self.mirror.cmdb.put(*(_said(entity) for entity in wanted))
        driver.sync()
        assert not driver.mirror_status().rejected
        return [_amended(driver, entity) for entity in wanted]

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Move the directory away; connections that are older than a second are made anew."""
        away = self.mirror.state.with_name("away")
        self.mirror.state.rename(away)
        time.sleep(1.1)
        try:
            yield
        finally:
            away.rename(self.mirror.state)


def _said(entity: Entity) -> Entity:
    """Return the part of an entity that a CMDB has a place for."""
    none: dict[str, Any] = {name: () for name, _ in links(type(entity))}
    return dataclasses.replace(entity, templated=(), **none)  # type: ignore[call-arg]


def _amended(driver: InventoryDriver, entity: E) -> E:
    """Add the part that is Craton's own."""
    stored = driver.get(type(entity), entity.id)
    if _said(entity) == entity:
        return stored
    return driver.replace(entity)


class TestCmdb(DriverSuite):
    @pytest.fixture
    def harness(self, tmp_path: Path, synced: Path) -> Harness:
        return CmdbHarness(tmp_path, synced)
