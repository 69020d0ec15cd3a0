"""The drivers that the tests run on, each opened on a store of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from craton import config, loader
from craton.capabilities import Capability
from craton.driver import InventoryDriver

#: Every driver that keeps the whole contract.
BACKENDS = ("memory", "sql")


def make(name: str, state: Path) -> InventoryDriver:
    """Make a driver that keeps its state in a directory; it is not open yet."""
    return loader.load(config.settings(files=[], state_path=str(state), inventory__driver=name))


def prepare(name: str, state: Path) -> None:
    """Bring the store in a directory to the newest schema."""
    driver = make(name, state)
    if Capability.MIGRATIONS in driver.capabilities:
        driver.migrations().upgrade()
    driver.close()


@contextmanager
def opened(name: str, state: Path, template: Path | None = None) -> Iterator[InventoryDriver]:
    """Open a driver on an empty store; a prepared template is faster than a schema made anew."""
    if template is not None:
        shutil.copytree(template, state, dirs_exist_ok=True)
    else:
        prepare(name, state)
    with make(name, state) as driver:
        yield driver
