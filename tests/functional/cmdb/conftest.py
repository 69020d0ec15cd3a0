"""The driver cmdb on a CMDB of its own, with its mirror in memory or in SQLite."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg
from stevedore import ExtensionManager

from craton import config, loader
from craton.driver import InventoryDriver
from tests.cmdbs import ADAPTER, Cmdb, install
from tests.functional.cmdb.fleet import FLEET

ROOT = Path(__file__).parents[3]


@pytest.fixture
def entry_point(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the adapter of the tests, for this process and for those that it starts."""
    site = install(tmp_path_factory.mktemp("site"))
    monkeypatch.syspath_prepend(str(site))
    # What was found before is remembered for as long as the process lives.
    monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})
    monkeypatch.setenv("PYTHONPATH", f"{site}:{ROOT}")
    return site


@dataclass
class Mirror:
    """A CMDB, and a place for the mirror of it."""

    cmdb: Cmdb
    state: Path
    file: Path

    @classmethod
    def make(cls, directory: Path, overlay: str, **options: object) -> Mirror:
        """Write the configuration of a mirror in a directory."""
        state, file = directory / "state", directory / "craton.conf"
        lines = "".join(f"{name} = {value}\n" for name, value in options.items())
        file.write_text(
            f"[DEFAULT]\nstate_path = {state}\n[inventory]\ndriver = cmdb\n"
            f"[cmdb]\nadapter = {ADAPTER}\noverlay = {overlay}\n{lines}"
            f"[testbed]\nfile = {directory / 'cmdb'}\n"
        )
        return cls(Cmdb(directory / "cmdb"), state, file)

    def settings(self, **options: Any) -> cfg.ConfigOpts:
        return config.settings(files=[str(self.file)], **options)

    def driver(self, **options: Any) -> InventoryDriver:
        """Make a driver on the mirror; it is not open yet."""
        return loader.load(self.settings(**options))


@pytest.fixture(params=("memory", "sql"))
def overlay(request: pytest.FixtureRequest) -> str:
    """The driver whose store holds the mirror."""
    return str(request.param)


@pytest.fixture
def mirror(
    overlay: str, tmp_path: Path, template_of: Callable[[str], Path], entry_point: Path
) -> Mirror:
    """An empty CMDB, and an empty store for its mirror."""
    made = Mirror.make(tmp_path, overlay)
    shutil.copytree(template_of(overlay), made.state)
    return made


@pytest.fixture
def cmdb(mirror: Mirror) -> Cmdb:
    """The CMDB itself."""
    return mirror.cmdb


@pytest.fixture
def driver(mirror: Mirror) -> Iterator[InventoryDriver]:
    """An open driver; nothing was read of the CMDB yet."""
    with mirror.driver() as driver:
        yield driver


@pytest.fixture(scope="session")
def _synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mirror-of-nothing")


@pytest.fixture
def synced(_synced: Path, template_of: Callable[[str], Path], entry_point: Path) -> Path:
    """The directory of an SQLite store with the mirror of an empty CMDB, made once."""
    made = Mirror.make(_synced, "sql")
    if not made.state.exists():
        shutil.copytree(template_of("sql"), made.state)
        with made.driver() as driver:
            driver.sync()
        made.cmdb.reset()
    return made.state


@pytest.fixture
def filled(driver: InventoryDriver, cmdb: Cmdb) -> InventoryDriver:
    """The driver, with the mirror of a small fleet."""
    cmdb.put(*FLEET)
    driver.sync()
    return driver
