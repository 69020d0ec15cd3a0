"""From a name in the configuration to what it names: the only place that looks for entry points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from oslo_config import cfg
from stevedore import ExtensionManager

from craton import config
from craton.cmdb import CmdbAdapter
from craton.driver import InventoryDriver
from craton.errors import ContractMismatch, DriverNotFound, DriverNotLoadable


class Plugin(Protocol):
    """What everything has that is found by an entry point."""

    contract: ClassVar[int]

    def __init__(self, settings: cfg.ConfigOpts, /) -> None: ...

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]: ...


T = TypeVar("T", bound=Plugin)

NAMESPACE = "craton.inventory.drivers"
ADAPTERS = "craton.cmdb.adapters"

#: The version of the contract that this Craton speaks.
CONTRACT = InventoryDriver.contract


@dataclass(frozen=True, kw_only=True)
class Sort(Generic[T]):
    """What is found by an entry point, and how people speak of it.

    Attributes:
        namespace: The group of the entry points.
        base: What each of them derives from; it has the version of the contract.
        called: What one is called.
        option: The option that names one.
        extra: The extra that brings what they need; where it is empty, each has one of its name.
    """

    namespace: str
    base: type[T]
    called: str
    option: str
    extra: str = ""


DRIVER: Final[Sort[InventoryDriver]] = Sort(
    namespace=NAMESPACE,
    base=InventoryDriver,  # type: ignore[type-abstract]
    called="inventory driver",
    option="[inventory] driver",
)
ADAPTER: Final[Sort[CmdbAdapter]] = Sort(
    namespace=ADAPTERS,
    base=CmdbAdapter,  # type: ignore[type-abstract]
    called="CMDB adapter",
    option="[cmdb] adapter",
)


def load(conf: cfg.ConfigOpts, name: str | None = None) -> InventoryDriver:
    """Make a driver, by default the one that ``[inventory] driver`` names; it is not open yet.

    Raises:
        DriverNotFound: No installed package has one of that name; the error lists those that exist.
        DriverNotLoadable: Its code does not load, most often for want of an extra.
        ContractMismatch: It was written for another version of the contract.
        ConfigurationError: An option of the driver has a value that it does not take.
    """
    return made(DRIVER, conf, name or conf.inventory.driver)


def load_adapter(conf: cfg.ConfigOpts, name: str) -> CmdbAdapter:
    """Make the adapter of a CMDB that has this name; it is not open yet.

    Raises:
        DriverNotFound, DriverNotLoadable, ContractMismatch, ConfigurationError: As for
            :func:`load`.
    """
    return made(ADAPTER, conf, name)


def driver_named(name: str) -> type[InventoryDriver]:
    """Return the class of the driver of this name.

    Raises:
        DriverNotFound, DriverNotLoadable, ContractMismatch: As for :func:`load`.
    """
    return named(DRIVER, name)


def named(sort: Sort[T], name: str) -> type[T]:
    """Return the class of this name.

    Raises:
        DriverNotFound, DriverNotLoadable, ContractMismatch: As for :func:`load`.
    """
    entry_points = {point.name: point for point in _manager(sort.namespace).list_entry_points()}
    if name not in entry_points:
        raise DriverNotFound(name, entry_points, called=sort.called, option=sort.option)
    try:
        found = entry_points[name].load()
    except (ImportError, AttributeError) as error:
        raise DriverNotLoadable(
            f"the {sort.called} {name!r} does not load: {error}. If a module is missing, "
            f"install it with what it needs, such as: pip install 'craton[{sort.extra or name}]'",
            name=name,
        ) from error
    if not (isinstance(found, type) and issubclass(found, sort.base)):
        raise DriverNotLoadable(
            f"the entry point {name!r} of {sort.namespace} is not derived from "
            f"{sort.base.__name__}",
            name=name,
        )
    if found.contract != sort.base.contract:
        raise ContractMismatch(
            f"the {sort.called} {name!r} speaks version {found.contract} of the "
            f"contract, this Craton version {sort.base.contract}; install versions that fit",
            name=name,
        )
    return found


def installed(namespace: str) -> list[str]:
    """Return the names that installed packages offer in a group of entry points, sorted."""
    return sorted({point.name for point in _manager(namespace).list_entry_points()})


def list_opts() -> list[tuple[str, Sequence[cfg.Opt]]]:
    """Return the options of Craton's own, for the generator of the sample configuration."""
    return [group for namespace in (NAMESPACE, ADAPTERS) for group in own_options(namespace)]


def own_options(namespace: str) -> list[tuple[str, Sequence[cfg.Opt]]]:
    """Return the options of what Craton itself brings in a group of entry points."""
    return [group for plugin in _own(namespace) for group in plugin.options().items()]


def made(sort: Sort[T], conf: cfg.ConfigOpts, name: str) -> T:
    """Make one, with its options registered and checked.

    Raises:
        DriverNotFound, DriverNotLoadable, ContractMismatch, ConfigurationError: As for
            :func:`load`.
    """
    found = named(sort, name)
    options = found.options()
    config.register(conf, options)
    config.check(conf, options)
    return found(conf)


def _own(namespace: str) -> Iterator[Any]:
    for extension in sorted(_manager(namespace), key=lambda extension: extension.name):
        if extension.module_name.partition(".")[0] == "craton":
            yield extension.plugin


def _manager(namespace: str) -> ExtensionManager[Any]:
    # It imports them all; one that nobody asked for may lack its extra, and that is no news.
    return ExtensionManager(namespace, on_load_failure_callback=lambda *_: None)
