"""What must hold before anything is moved."""

from __future__ import annotations

from oslo_config import cfg

from craton.driver import InventoryDriver, InventoryReader
from craton.models import KINDS
from craton.transfer.errors import TransferError, failing_as
from craton.transfer.places import is_there


def check_different(source: InventoryDriver, target: InventoryDriver) -> None:
    """Refuse two drivers that are set up alike, since they would share one store.

    Raises:
        TransferError: They are.
    """
    if type(source) is type(target) and _options(source) == _options(target):
        raise TransferError("source and target are the same store", "name two")


def check_target(source: InventoryReader, target: InventoryDriver, *, resume: bool) -> None:
    """See that the target can take what the source has.

    Args:
        source: Where the inventory is.
        target: Where it shall be; open.
        resume: Whether the target may hold a part of it already.

    Raises:
        TransferError: The target does not write a kind that the source has, or is not empty.
    """
    for kind in KINDS:
        with failing_as(f"cannot read {kind.collection} from the source"):
            wanted = is_there(source, kind)
        if wanted:
            with failing_as(f"cannot write {kind.collection} to the target"):
                target.capabilities.require_writable(kind)
        with failing_as(f"cannot read {kind.collection} from the target"):
            taken = not resume and is_there(target, kind)
        if taken:
            raise TransferError(
                "the target is not empty",
                f"there are {kind.collection}; if that is a part of this inventory, go on with "
                "--resume",
            )


def _options(driver: InventoryDriver) -> dict[tuple[str, str], object]:
    """Return everything in its configuration that decides where a driver's store is."""
    settings: cfg.ConfigOpts = driver.settings
    found: dict[tuple[str, str], object] = {("DEFAULT", "state_path"): settings.state_path}
    for group, options in driver.options().items():
        section = settings if group == "DEFAULT" else settings[group]
        found.update({(group, option.dest): section[option.dest] for option in options})
    return found
