"""A difference is found, wherever it is, and named."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from craton.backends.memory.driver import MemoryDriver
from craton.driver import InventoryReader
from craton.models import KINDS, Entity, Group, Host, Region, Tenant
from craton.transfer import OUTSIDE, Copy, Place, check_different, compare
from craton.transfer.errors import TransferError
from craton.variables import Variables
from tests.fleets import fill_with_every_kind
from tests.unit.transfer.conftest import Silent, store

PLACE = Place("tenant 0/region 0", "r0")


@pytest.fixture
def copied(source: MemoryDriver, target: MemoryDriver) -> MemoryDriver:
    Copy(source, target, Silent()).run()
    return target


def found(
    source: InventoryReader, target: InventoryReader
) -> dict[tuple[type[Entity], Place], tuple[list[str], ...]]:
    """Return the differences by kind and place: ids that are missing, extra, different."""
    return {
        (one.kind, one.place): tuple(
            ids.first
            for ids in (one.difference.missing, one.difference.extra, one.difference.different)
        )
        for one in compare(source, target, Silent())
        if one.difference is not None
    }


def first_host(driver: InventoryReader) -> Host:
    return driver.get(Host, "r0h0")


def test_two_equal_stores_do_not_differ(
    source: MemoryDriver, copied: MemoryDriver, observer: Silent
) -> None:
    compared = list(compare(source, copied, observer))
    assert all(one.difference is None and one.source == one.target for one in compared)
    assert {one.place.region for one in compared} == {"", "r0", "r1"}
    assert sum(one.source.count for one in compared) * 2 == observer.done


@pytest.mark.parametrize(
    "changes",
    [{"ssh_port": 1}, {"variables": Variables({"a": 1.0}), "templated": ()}, {"name": "other"}, {}],
    ids=["field", "variable", "name", "revision"],
)
def test_a_changed_host_is_named(
    source: MemoryDriver, copied: MemoryDriver, changes: dict[str, Any]
) -> None:
    copied.replace(dataclasses.replace(first_host(copied), **changes))
    assert found(source, copied) == {(Host, PLACE): ([], [], ["r0h0"])}


def test_a_missing_host_is_named(source: MemoryDriver, copied: MemoryDriver) -> None:
    copied.delete(Host, "r0h0")
    assert found(source, copied) == {(Host, PLACE): (["r0h0"], [], [])}


def test_a_host_too_many_is_named(source: MemoryDriver, copied: MemoryDriver) -> None:
    copied.create(Host(id="extra", region_id="r0", name="extra"))
    assert found(source, copied) == {(Host, PLACE): ([], ["extra"], [])}


def test_a_host_in_another_region_is_named_in_both(
    source: MemoryDriver, copied: MemoryDriver
) -> None:
    moved = dataclasses.replace(first_host(copied), region_id="r1", groups=())
    copied.delete(Host, moved.id)
    copied.create(moved, verbatim=True)
    assert found(source, copied) == {
        (Host, PLACE): ([], [], ["r0h0"]),
        (Host, Place("tenant 1/region 1", "r1")): ([], ["r0h0"], []),
    }


def test_a_region_too_many_is_named_and_so_is_what_is_in_it(
    source: MemoryDriver, copied: MemoryDriver
) -> None:
    copied.create(Region(id="r9", tenant_id="t0", name="extra"))
    copied.create(Group(id="g9", region_id="r9", name="extra"))
    assert found(source, copied) == {
        (Region, OUTSIDE): ([], ["r9"], []),
        (Group, Place("tenant 0/extra", "r9")): ([], ["g9"], []),
    }


def test_a_region_that_is_missing_is_named_and_so_is_what_was_in_it(
    source: MemoryDriver, copied: MemoryDriver
) -> None:
    copied.delete(Region, "r0", cascade=True)
    differences = found(source, copied)
    assert differences[Region, OUTSIDE] == (["r0"], [], [])
    assert {kind for kind, place in differences if place == PLACE} == {Group, Host}


def test_of_many_differences_the_first_are_named(
    source: MemoryDriver, copied: MemoryDriver
) -> None:
    for host in list(copied.scan(Host)):
        copied.delete(Host, host.id)
    of_regions = [one.difference for one in compare(source, copied, Silent()) if one.kind is Host]
    assert [one and one.missing.count for one in of_regions] == [20, 20]
    assert [one and len(one.missing.first) for one in of_regions] == [5, 5]


@pytest.mark.parametrize("kind", KINDS)
def test_a_difference_is_found_in_every_kind(kind: type[Entity]) -> None:
    source, target = store(), store()
    fill_with_every_kind(source)
    Copy(source, target, Silent()).run()
    entity = next(target.scan(kind))
    target.replace(dataclasses.replace(entity))
    [((found_kind, _), ids)] = found(source, target).items()
    assert (found_kind, ids) == (kind, ([], [], [entity.id]))


def test_one_store_is_refused_as_its_own_target() -> None:
    first, second = store(), store()
    with pytest.raises(TransferError, match="same store"):
        check_different(first, second)
    second.settings.set_override("state_path", "/elsewhere")
    check_different(first, second)


def test_an_empty_source_is_no_difference(target: MemoryDriver) -> None:
    assert found(store(), target) == {}
    target.create(Tenant(id="t", name="t"))
    assert found(store(), target) == {(Tenant, OUTSIDE): ([], ["t"], [])}
