"""FaultyDriver: each fault comes when it is planned, and is what it is said to be."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pytest

from craton.backends.memory.driver import MemoryDriver
from craton.backends.wrappers import Fault, FaultyDriver, OnCall, Operation, Seeded
from craton.backends.wrappers.faults import broken
from craton.driver import Create, Replace
from craton.errors import AlreadyExists, BackendFault, Unavailable
from craton.models import Host
from craton.query import EVERYTHING, Query


def test_the_planned_call_fails_and_no_other(inner: MemoryDriver, hosts: list[Host]) -> None:
    plan = OnCall(2, Fault(error=broken), {Operation.GET})
    driver = FaultyDriver(inner, plan)
    driver.ping()
    assert driver.get(Host, hosts[0].id) == hosts[0]
    assert driver.count(Host) == 9
    before = plan.reached
    with pytest.raises(BackendFault):
        driver.get(Host, hosts[0].id)
    assert (before, plan.reached) == (False, True)
    assert driver.get(Host, hosts[0].id) == hosts[0]


@pytest.mark.parametrize("operation", Operation)
def test_every_operation_may_fail(
    inner: MemoryDriver, hosts: list[Host], operation: Operation
) -> None:
    driver = FaultyDriver(inner, OnCall(1, Fault(), {operation}))
    new = Host(id="new", region_id="r", name="new")
    uses: dict[Operation, Callable[[], object]] = {
        Operation.OPEN: driver.open,
        Operation.PING: driver.ping,
        Operation.GET: lambda: driver.get(Host, hosts[0].id),
        Operation.SCAN: lambda: driver.find(Host, Query()),
        Operation.COUNT: lambda: driver.count(Host),
        Operation.DIGEST: lambda: driver.digest(Host, EVERYTHING),
        Operation.SNAPSHOT: lambda: driver.snapshot().__enter__(),
        Operation.CREATE: lambda: driver.create(new),
        Operation.REPLACE: lambda: driver.replace(hosts[0]),
        Operation.DELETE: lambda: driver.delete(Host, hosts[0].id),
        Operation.APPLY: lambda: driver.apply([Create(entity=new), Replace(entity=new)]),
    }
    uses[Operation.OPEN if operation is Operation.PING else Operation.PING]()
    before = inner.state
    with pytest.raises(Unavailable):
        uses[operation]()
    assert inner.state is before


@pytest.mark.parametrize("rows", [0, 1, 8, 9, 100])
def test_a_torn_stream_fails_behind_its_rows(
    inner: MemoryDriver, hosts: list[Host], rows: int
) -> None:
    scan = FaultyDriver(inner, OnCall(1, Fault(rows=rows))).scan(Host)
    assert list(islice(scan, min(rows, 9))) == hosts[:rows]
    with pytest.raises(Unavailable):
        next(scan)


def test_a_torn_page_is_no_page(inner: MemoryDriver, hosts: list[Host]) -> None:
    driver = FaultyDriver(inner, OnCall(1, Fault(rows=2)))
    with pytest.raises(Unavailable):
        driver.find(Host, Query(limit=4))
    assert driver.find(Host, Query(limit=4)).items == tuple(hosts[:4])


def test_a_snapshot_fails_too(inner: MemoryDriver, hosts: list[Host]) -> None:
    driver = FaultyDriver(inner, OnCall(2, Fault()))
    with driver.snapshot() as snapshot:
        with pytest.raises(Unavailable):
            snapshot.get(Host, hosts[0].id)
        assert snapshot.get(Host, hosts[0].id) == hosts[0]


@pytest.mark.parametrize("committed", [False, True])
def test_a_write_fails_before_its_commit_or_behind_it(inner: MemoryDriver, committed: bool) -> None:
    driver = FaultyDriver(inner, OnCall(1, Fault(committed=committed)))
    with pytest.raises(Unavailable):
        driver.apply(Create(entity=Host(region_id="r", name=name)) for name in "abc")
    assert [host.name for host in inner.scan(Host)] == (["a", "b", "c"] if committed else [])


def test_what_the_store_itself_refuses_comes_first(inner: MemoryDriver, hosts: list[Host]) -> None:
    driver = FaultyDriver(inner, OnCall(1, Fault()))
    with pytest.raises(AlreadyExists):
        driver.create(Host(region_id="r", name="h1"))


def test_a_slow_store_answers_in_the_end(inner: MemoryDriver, hosts: list[Host]) -> None:
    slept: list[float] = []
    slow = Fault(error=None, seconds=60, rows=1)
    driver = FaultyDriver(inner, Seeded(1, lambda operation: [slow], 1.0), slept.append)
    assert list(driver.scan(Host)) == hosts
    assert driver.create(Host(region_id="r", name="new")) in inner.scan(Host)
    assert slept == [60, 60]


def test_a_seed_makes_the_same_plan_again(inner: MemoryDriver, hosts: list[Host]) -> None:
    def outcomes(seed: int) -> list[str]:
        faults = [Fault(), Fault(error=broken)]
        plan = Seeded(seed, lambda op: faults if op is Operation.GET else [], 0.5)
        driver = FaultyDriver(inner, plan)
        found = []
        for host in hosts * 3:
            driver.count(Host)
            try:
                driver.get(Host, host.id)
                found.append("ok")
            except (Unavailable, BackendFault) as error:
                found.append(error.code)
        assert plan.struck == len(found) - found.count("ok")
        return found

    assert outcomes(1) == outcomes(1)
    assert outcomes(1) != outcomes(2)
    assert set(outcomes(1)) == {"ok", "unavailable", "backend_fault"}
