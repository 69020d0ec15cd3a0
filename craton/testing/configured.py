"""A harness for any driver that the configuration can name, on a store that may be emptied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from oslo_config import cfg

from craton import config
from craton.capabilities import Capabilities, Capability
from craton.driver import InventoryDriver
from craton.errors import Unsupported
from craton.models import KINDS, Tenant
from craton.query import Query
from craton.testing.harness import Harness, HarnessError

#: By this name a tenant of one driver is looked for with another one.
_PROBE: Final = "craton-conformance"


class ConfiguredHarness(Harness):
    """Reaches the store by configuration files alone.

    Args:
        name: The driver, by its entry point.
        files: The configuration files.
        waivers: As in :class:`Harness`.
    """

    no_outage = "a store that is given by its configuration cannot be taken away"

    def __init__(
        self, name: str, files: Sequence[str], waivers: Mapping[str, str] | None = None
    ) -> None:
        self.name, self.files = name, list(files)
        self.waivers = dict(waivers or {})

    def settings(self) -> cfg.ConfigOpts:
        return config.settings(files=self.files, inventory__driver=self.name)

    def prepare(self, wipe: bool) -> Capabilities:
        """Get ready for the first :meth:`reset`, and return what the driver claims.

        Args:
            wipe: Whether what the store holds may be deleted.

        Raises:
            HarnessError: The store is not empty, or the driver cannot empty it.
            CratonError: The driver does not load or open.
        """
        self._migrate()
        with self.load() as driver:
            try:
                driver.capabilities.require_writable(Tenant)
            except Unsupported as error:
                raise HarnessError(
                    f"the driver {self.name!r} does not write tenants, so the kit can neither fill "
                    "nor empty its store: derive from craton.testing.Harness, and from DriverSuite"
                ) from error
            if not wipe and any(driver.find(kind, Query(limit=1)).items for kind in KINDS):
                raise HarnessError(
                    "the store is not empty, and the kit deletes whatever it finds: name another "
                    "store, or say --wipe (with pytest, --craton-wipe)"
                )
            _empty(driver)
            probe = driver.create(Tenant(name=_PROBE))
            with self.load() as other:
                found = other.find(Tenant, Query(limit=1)).items
            self._shared = [tenant.id for tenant in found] == [probe.id]
            driver.delete(Tenant, probe.id)
            return driver.capabilities

    @property
    def shared(self) -> bool:  # type: ignore[override]
        """Whether two drivers see one store, as :meth:`prepare` found out."""
        return self._shared

    def reset(self) -> None:
        self._migrate()
        with self.load() as driver:
            _empty(driver)

    def _migrate(self) -> None:
        driver = self.load()
        if Capability.MIGRATIONS in driver.capabilities:
            migrations = driver.migrations()
            if migrations.current() != migrations.latest():
                migrations.upgrade()
        driver.close()


def _empty(driver: InventoryDriver) -> None:
    for tenant in list(driver.scan(Tenant)):
        driver.delete(Tenant, tenant.id, cascade=True)
