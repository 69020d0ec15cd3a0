"""What the author of a driver tells the kit: how to reach the store, empty it, and fill it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import ClassVar

from oslo_config import cfg

from craton import loader
from craton.capabilities import Capability
from craton.driver import Create, InventoryDriver
from craton.errors import ConfigurationError
from craton.models import E


class HarnessError(ConfigurationError):
    """The harness lacks what the kit needs; the message says what to write."""

    code = "harness"


class Harness(ABC):
    """One store for the kit, which it fills and empties again and again."""

    #: The clauses that the driver does not keep, each with the reason. A waiver that is no longer
    #: needed fails the run.
    waivers: Mapping[str, str] = {}

    #: Why there is no :meth:`outage`, for the report.
    no_outage: ClassVar[str] = "the harness offers no outage"

    #: Whether two drivers with these settings see one store, as two nodes of a service would.
    shared: ClassVar[bool] = True

    @abstractmethod
    def settings(self) -> cfg.ConfigOpts:
        """Return the configuration, which names the driver in ``[inventory] driver``."""

    @abstractmethod
    def reset(self) -> None:
        """Make the store empty, at the newest schema. No driver is open."""

    def load(self) -> InventoryDriver:
        """Make a driver on the store; it is not open yet.

        Raises:
            ConfigurationError: As for :func:`craton.loader.load`.
        """
        return loader.load(self.settings())

    def twin(self, driver: InventoryDriver) -> InventoryDriver:
        """Make another driver like one of :meth:`load`, from what is at hand; it is not open yet.

        Override it if the driver takes more than its settings.
        """
        return type(driver)(driver.settings)

    def seed(self, driver: InventoryDriver, entities: Sequence[E]) -> list[E]:
        """Store entities by the shortest way, and return them as stored, in their order.

        The driver's next read must see them. None of them refers to another one of the same call.
        A driver that does not write needs its own way here; ids may be the store's.

        Raises:
            HarnessError: The driver does not write such entities.
        """
        for kind in {type(entity) for entity in entities}:
            _check_seedable(driver, kind)
        if len(entities) > 1 and Capability.ATOMIC_BATCH in driver.capabilities:
            stamps = driver.apply(Create(entity=entity) for entity in entities)
            pairs = zip(entities, stamps, strict=True)
            return [driver.get(type(entity), stamp.id) for entity, stamp in pairs]
        return [driver.create(entity) for entity in entities]

    def outage(self) -> AbstractContextManager[None] | None:
        """Return a context in which the store is away, also for drivers that are open.

        ``None`` if there is no way to do that: clauses that need it are reported as not exercised.
        """
        return None


def _check_seedable(driver: InventoryDriver, kind: type[E]) -> None:
    capabilities = driver.capabilities
    if Capability.WRITE not in capabilities or kind not in capabilities.writable:
        raise HarnessError(
            f"the driver does not write {kind.collection}, so the kit cannot fill the store; "
            "write seed() in the harness"
        )
