"""A memory driver to wrap, with a region in it."""

from __future__ import annotations

import pytest

from craton import config
from craton.backends.memory.driver import MemoryDriver
from craton.models import Host, Region, Tenant


@pytest.fixture
def inner() -> MemoryDriver:
    driver = MemoryDriver(config.settings(files=[]))
    driver.create(Tenant(id="t", name="acme"))
    driver.create(Region(id="r", tenant_id="t", name="north"))
    return driver


@pytest.fixture
def hosts(inner: MemoryDriver) -> list[Host]:
    """Nine hosts, in the order of their names."""
    return [inner.create(Host(region_id="r", name=f"h{number}")) for number in range(9)]
