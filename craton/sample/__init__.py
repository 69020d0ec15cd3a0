"""A fleet to try things on: one tenant, three regions, sixty hosts of a shop that does not exist.

Each region is a file of what ``ansible-inventory --list --export`` prints. Addresses and names are
those reserved for documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from craton import config
from craton.backends.memory.driver import MemoryDriver
from craton.driver import Create, InventoryDriver
from craton.errors import AlreadyExists
from craton.imports import import_inventory
from craton.models import INVENTORY_KINDS, Region, Tenant
from craton.query import Compare, Operator, Query
from craton.variables import Variables

#: The name of the sample's tenant.
TENANT = "example-shop"

_DESCRIPTION = "A sample fleet; delete it when you have your own."


def load(driver: InventoryDriver) -> bool:
    """Store the sample fleet, unless there is a tenant of its name.

    Returns:
        Whether it was stored now.

    Raises:
        Unsupported: The driver cannot make many changes at once.
    """
    if driver.find(Tenant, Query(where=Compare(("name",), Operator.EQ, TENANT), limit=1)).items:
        return False
    # Put together in memory first, so that it appears whole or not at all.
    fleet = MemoryDriver(config.settings(files=[]))
    _compose(fleet)
    try:
        driver.apply(
            Create(entity=entity) for kind in INVENTORY_KINDS for entity in fleet.scan(kind)
        )
    except AlreadyExists:
        return False  # Another process was faster.
    return True


def playbooks() -> Path:
    """Return the directory of playbooks that can be run on the sample fleet without harm."""
    return Path(__file__).parent / "playbooks"


def _compose(fleet: InventoryDriver) -> None:
    tenant = fleet.create(
        Tenant(
            name=TENANT,
            customer="Example Inc.",
            description=_DESCRIPTION,
            variables=Variables({"owner": "ops@example.com", "stage": "production"}),
        )
    )
    for name, inventory in _regions():
        region = fleet.create(Region(tenant_id=tenant.id, name=name))
        import_inventory(fleet, region.id, inventory, mode="replace")


def _regions() -> Iterator[tuple[str, bytes]]:
    for file in sorted(resources.files(__name__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".json"):
            yield file.name.removesuffix(".json"), file.read_bytes()
