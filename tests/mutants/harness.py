"""The harness of one driver class, sound or faulty."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import cast

from oslo_config import cfg

from craton import config
from craton.driver import InventoryDriver
from craton.testing import Harness
from tests.mutants.remote import RemoteDriver, Store


class DriverHarness(Harness):
    """Makes drivers of a class that no entry point names."""

    no_outage = "a dict in this process is never away"

    def __init__(self, driver: type[InventoryDriver]) -> None:
        # A class of this harness alone, for the store that its drivers share.
        made = type(driver.__name__, (driver,), {"store": Store()})
        self.driver = cast(type[InventoryDriver], made)
        self.remote = issubclass(driver, RemoteDriver)

    @property
    def shared(self) -> bool:  # type: ignore[override]
        return self.remote

    def settings(self) -> cfg.ConfigOpts:
        return config.settings(files=[], inventory__driver="memory")

    def reset(self) -> None:
        self.driver.store = Store()  # type: ignore[attr-defined]

    def load(self) -> InventoryDriver:
        return self.driver(self.settings())

    def outage(self) -> AbstractContextManager[None] | None:
        return self.driver.store.outage() if self.remote else None  # type: ignore[attr-defined]
