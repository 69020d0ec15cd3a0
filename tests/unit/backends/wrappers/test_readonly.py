"""ReadOnlyDriver: what it refuses, and that it reads as the driver inside does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from craton.backends.memory.driver import MemoryDriver
from craton.backends.wrappers import ReadOnlyDriver, TimedDriver
from craton.capabilities import Capability
from craton.driver import Create, Delete, InventoryDriver, Replace
from craton.errors import InvalidPageToken, InvalidQuery, NotFound, Unsupported
from craton.models import KINDS, Host
from craton.query import Compare, Operator, Order, Query

WRITES: dict[str, Callable[[InventoryDriver, Host], object]] = {
    "create": lambda driver, host: driver.create(Host(region_id="r", name="new")),
    "replace": lambda driver, host: driver.replace(host),
    "replace if": lambda driver, host: driver.replace(host, if_revision=host.revision),
    "delete": lambda driver, host: driver.delete(Host, host.id),
    "delete if": lambda driver, host: driver.delete(Host, host.id, if_revision=host.revision),
    "update": lambda driver, host: driver.update(Host, host.id, lambda found: found),
    "apply nothing": lambda driver, host: driver.apply([]),
    "apply": lambda driver, host: driver.apply(
        [Create(entity=host), Replace(entity=host), Delete(kind=Host, id=host.id)]
    ),
    "the hook": lambda driver, host: driver._write(iter([Delete(kind=Host, id=host.id)])),
    "migrations": lambda driver, host: driver.migrations(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("around", [False, True], ids=["", "in another wrapper"])
def test_every_write_is_unsupported(
    inner: MemoryDriver, hosts: list[Host], write: Callable[..., object], around: bool
) -> None:
    driver: InventoryDriver = ReadOnlyDriver(inner)
    if around:
        driver = TimedDriver(driver, lambda *measurement: None)
    before = inner.state
    with pytest.raises(Unsupported) as caught:
        write(driver, hosts[0])
    assert caught.value.capability in {"write", "cas", "atomic_batch", "migrations"}
    assert inner.state is before


def test_what_it_claims(inner: MemoryDriver) -> None:
    claimed = ReadOnlyDriver(inner).capabilities
    assert claimed.supported == {
        Capability.SNAPSHOT,
        Capability.SORT,
        Capability.STABLE_PAGING,
        Capability.COUNT,
    }
    assert not claimed.writable


def test_it_reads_as_the_driver_inside(inner: MemoryDriver, hosts: list[Host]) -> None:
    driver = ReadOnlyDriver(inner)
    where = Compare(("name",), Operator.GT, "h3")
    query = Query(where=where, order=Order("name", descending=True), limit=2)
    with driver.snapshot() as snapshot:
        inner.delete(Host, hosts[8].id)
        assert snapshot.count(Host) == 9
        assert not isinstance(snapshot, InventoryDriver)
        with pytest.raises(Unsupported):
            snapshot.capabilities.require(Capability.WRITE)
    assert driver.get(Host, hosts[0].id) == hosts[0]
    assert driver.find(Host, query) == inner.find(Host, query)
    assert list(driver.scan(Host, query)) == list(inner.scan(Host, query))
    assert driver.count(Host, where) == 4
    assert driver.digest(Host) == inner.digest(Host)
    with pytest.raises(NotFound):
        driver.get(Host, hosts[8].id)
    with pytest.raises(InvalidQuery):
        driver.find(Host, Query(order=Order("groups")))
    with pytest.raises(InvalidPageToken):
        driver.find(Host, Query(page="nonsense"))


def test_opening_may_narrow_it_further(inner: MemoryDriver) -> None:
    class Narrowing(MemoryDriver):
        def _open(self) -> None:
            self.capabilities = type(self.capabilities)(supported=frozenset({Capability.WRITE}))

    with ReadOnlyDriver(Narrowing(inner.settings)) as driver:
        assert driver.capabilities.supported == frozenset()
        with pytest.raises(Unsupported):
            driver.count(KINDS[0])
