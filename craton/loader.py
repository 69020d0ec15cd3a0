"""From the name in the configuration to a driver: the only place that looks for entry points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oslo_config import cfg
from stevedore import ExtensionManager

from craton import config
from craton.driver import InventoryDriver
from craton.errors import ContractMismatch, DriverNotFound, DriverNotLoadable

NAMESPACE = "craton.inventory.drivers"

#: The version of the contract that this Craton speaks.
CONTRACT = InventoryDriver.contract


def load(conf: cfg.ConfigOpts) -> InventoryDriver:
    """Make the driver that ``[inventory] driver`` names; it is not open yet.

    Raises:
        DriverNotFound: No installed package has one of that name; the error lists those that exist.
        DriverNotLoadable: Its code does not load, most often for want of an extra.
        ContractMismatch: It was written for another version of the contract.
        ConfigurationError: An option of the driver has a value that it does not take.
    """
    name = conf.inventory.driver
    driver_class = driver_named(name)
    options = driver_class.options()
    config.register(conf, options)
    config.check(conf, options)
    return driver_class(conf)


def driver_named(name: str) -> type[InventoryDriver]:
    """Return the class of the driver of this name.

    Raises:
        DriverNotFound, DriverNotLoadable, ContractMismatch: As for :func:`load`.
    """
    entry_points = {entry_point.name: entry_point for entry_point in _manager().list_entry_points()}
    if name not in entry_points:
        raise DriverNotFound(name, entry_points)
    try:
        driver_class = entry_points[name].load()
    except (ImportError, AttributeError) as error:
        raise DriverNotLoadable(
            f"the inventory driver {name!r} does not load: {error}. If a module is missing, "
            f"install the driver with what it needs, such as: pip install 'craton[{name}]'",
            name=name,
        ) from error
    if not (isinstance(driver_class, type) and issubclass(driver_class, InventoryDriver)):
        raise DriverNotLoadable(
            f"the entry point {name!r} of {NAMESPACE} is not an InventoryDriver", name=name
        )
    if driver_class.contract != CONTRACT:
        raise ContractMismatch(
            f"the inventory driver {name!r} speaks version {driver_class.contract} of the "
            f"contract, this Craton version {CONTRACT}; install versions that fit",
            name=name,
        )
    return driver_class


def list_opts() -> list[tuple[str, Sequence[cfg.Opt]]]:
    """Return the options of Craton's own drivers, for the generator of the sample configuration."""
    return [
        group
        for extension in sorted(_manager(), key=lambda extension: extension.name)
        if extension.module_name.partition(".")[0] == "craton"
        for group in extension.plugin.options().items()
    ]


def _manager() -> ExtensionManager[Any]:
    # It imports them all; one that nobody asked for may lack its extra, and that is no news.
    return ExtensionManager(NAMESPACE, on_load_failure_callback=lambda *_: None)
