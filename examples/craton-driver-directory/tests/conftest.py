"""A driver on a directory of its own, and git as its users have it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from craton import config, loader
from craton.driver import InventoryDriver
from craton.models import Region, Tenant


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the working tree is going to be."""
    return tmp_path / "fleet"


@pytest.fixture
def make(tmp_path: Path, place: Path) -> Callable[[], InventoryDriver]:
    """Make a driver on the place; it is not open yet."""
    file = tmp_path / "craton.conf"
    file.write_text(f"[inventory]\ndriver = directory\n[directory]\npath = {place}\n")
    return lambda: loader.load(config.settings(files=[str(file)]))


@pytest.fixture
def driver(make: Callable[[], InventoryDriver]) -> Iterator[InventoryDriver]:
    with make() as driver:
        yield driver


@pytest.fixture
def region(driver: InventoryDriver) -> Region:
    tenant = driver.create(Tenant(name="acme"))
    return driver.create(Region(tenant_id=tenant.id, name="ams"))


@pytest.fixture
def git(place: Path) -> Callable[..., str]:
    """Run git in the place, as somebody."""
    somebody = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *somebody, *arguments], cwd=place, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
