"""The sample fleet shows what Craton can hold, and names nobody."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest

from craton import config, sample
from craton.backends.memory.driver import MemoryDriver
from craton.models import INVENTORY_KINDS, Entity, Group, Host, Region, Tenant
from craton.query import Page

RESERVED = [
    ipaddress.ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


@pytest.fixture
def driver() -> MemoryDriver:
    driver = MemoryDriver(config.settings(files=[]))
    assert sample.load(driver)
    return driver


def entities(driver: MemoryDriver) -> Iterator[Any]:
    for kind in INVENTORY_KINDS:
        yield from driver.scan(kind)


def parts(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict):
        for item in value.values():
            yield from parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from parts(item)


def test_it_has_three_regions_with_sixty_hosts_in_nested_groups(driver: MemoryDriver) -> None:
    assert [driver.count(kind) for kind in (Tenant, Region, Host)] == [1, 3, 60]
    groups = {group.id: group for group in driver.scan(Group)}
    assert any(groups[parent].parents for group in groups.values() for parent in group.parents)
    assert all(host.groups for host in driver.scan(Host))


def test_it_has_values_of_every_type_templates_and_data_that_looks_like_them(
    driver: MemoryDriver,
) -> None:
    values = [value for entity in entities(driver) for value in parts(entity.variables.decode())]
    assert {type(value) for value in values} == {type(None), bool, int, float, str, list, dict}
    assert any(entity.templated for entity in entities(driver))
    assert any(
        isinstance(value, str) and "{{" in value and name not in entity.templated
        for entity in entities(driver)
        for name, value in entity.variables.items()
    )


def test_its_addresses_are_those_reserved_for_documentation(driver: MemoryDriver) -> None:
    for host in driver.scan(Host):
        assert host.ip_address is not None
        address = ipaddress.ip_address(host.ip_address)
        assert any(address in network for network in RESERVED)
        assert host.name.endswith(".example.com")


def test_it_is_stored_once(driver: MemoryDriver) -> None:
    before = list[Entity](entities(driver))
    assert not sample.load(driver)
    assert list(entities(driver)) == before


def test_who_comes_second_leaves_what_the_first_has_stored(
    driver: MemoryDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = list[Entity](entities(driver))
    nobody: Page[Tenant] = Page(items=())
    monkeypatch.setattr(driver, "find", lambda *_: nobody)  # It looks before the other writes.
    assert not sample.load(driver)
    assert list(entities(driver)) == before
