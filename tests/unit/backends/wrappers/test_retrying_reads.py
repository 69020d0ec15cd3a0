"""RetryingDriver: what it reads again, how long, and how a stream goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

import pytest

from craton.backends.memory.driver import MemoryDriver
from craton.backends.wrappers import Fault, FaultyDriver, Operation, Patience, RetryingDriver
from craton.backends.wrappers.faults import broken
from craton.capabilities import Capabilities, Capability
from craton.driver import InventoryDriver, InventoryReader
from craton.errors import BackendFault, NotFound, Unavailable
from craton.models import E, Entity, Host
from craton.query import EVERYTHING, Compare, Operator, Order, Predicate, Query, Selection


class Listed:
    """A plan that gives its faults one after the other, and then none."""

    def __init__(self, *faults: Fault | None) -> None:
        self.faults = list(faults)

    def fault(self, operation: Operation, kind: type[Entity] | None) -> Fault | None:
        return self.faults.pop(0) if self.faults else None


def retrying(inner: InventoryDriver, *faults: Fault | None, attempts: int = 4) -> RetryingDriver:
    patience = Patience(attempts=attempts, sleep=lambda seconds: None)
    return RetryingDriver(FaultyDriver(inner, Listed(*faults)), patience)


READS: dict[str, Callable[[InventoryReader, Host], object]] = {
    "get": lambda reader, host: reader.get(Host, host.id),
    "find": lambda reader, host: reader.find(Host, Query(limit=3)),
    "scan": lambda reader, host: list(reader.scan(Host)),
    "count": lambda reader, host: reader.count(Host),
    "digest": lambda reader, host: reader.digest(Host, EVERYTHING),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("faults", [1, 3])
def test_a_read_is_repeated(
    inner: MemoryDriver, hosts: list[Host], read: Callable[..., object], faults: int
) -> None:
    expected = read(inner, hosts[0])
    driver = retrying(inner, *[Fault()] * faults)
    assert read(driver, hosts[0]) == expected
    with retrying(inner, *[Fault()] * faults).snapshot() as snapshot:
        assert read(snapshot, hosts[0]) == expected
    with retrying(inner, None, *[Fault()] * faults).snapshot() as snapshot:
        assert read(snapshot, hosts[0]) == expected


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_patience_ends(inner: MemoryDriver, hosts: list[Host], read: Callable[..., object]) -> None:
    with pytest.raises(Unavailable):
        read(retrying(inner, *[Fault()] * 4), hosts[0])


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_nothing_but_unavailable_is_repeated(
    inner: MemoryDriver, hosts: list[Host], read: Callable[..., object]
) -> None:
    driver = retrying(inner, Fault(error=broken))
    with pytest.raises(BackendFault):
        read(driver, hosts[0])
    assert read(driver, hosts[0]) == read(inner, hosts[0])


def test_what_tells_whether_the_store_answers_is_not_repeated(inner: MemoryDriver) -> None:
    with pytest.raises(Unavailable):
        retrying(inner, Fault()).ping()
    with pytest.raises(Unavailable):
        retrying(inner, Fault()).open()


def test_not_found_is_an_answer(inner: MemoryDriver) -> None:
    driver = retrying(inner, None, Fault())
    with pytest.raises(NotFound):
        driver.get(Host, "nowhere")
    with pytest.raises(NotFound):
        driver.get(Host, "nowhere")


def test_the_waits_grow_up_to_their_bound(inner: MemoryDriver) -> None:
    slept: list[float] = []
    patience = Patience(
        attempts=200, seconds=1e9, first_wait=1, longest_wait=64, sleep=slept.append
    )
    driver = RetryingDriver(FaultyDriver(inner, Listed(*[Fault()] * 200)), patience)
    with pytest.raises(Unavailable):
        driver.count(Host)
    assert len(slept) == 199
    assert all(wait <= 2**number for number, wait in enumerate(slept[:7]))
    assert 32 < max(slept) <= 64
    assert len(set(slept)) > 100


def test_no_attempt_begins_when_time_is_up(inner: MemoryDriver) -> None:
    slept: list[float] = []
    patience = Patience(attempts=1000, seconds=0.0, sleep=slept.append)
    driver = RetryingDriver(FaultyDriver(inner, Listed(Fault(), Fault())), patience)
    with pytest.raises(Unavailable):
        driver.count(Host)
    assert slept == []


@dataclasses.dataclass(frozen=True)
class Odd(Predicate):
    """A predicate that no store knows."""

    def matches(self, entity: Entity) -> bool:
        return int(entity.name[1:]) % 2 == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("first", range(1, 10))
@pytest.mark.parametrize("second", [1, 2, 5])
@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(order=Order("name", descending=True)),
        Query(order=Order("created_at")),
        Query(limit=4),
        Query(where=Compare(("name",), Operator.GT, "h3"), limit=3),
        Query(where=Odd()),
        Query(where=Odd(), limit=2),
    ],
    ids=repr,
)
def test_a_torn_stream_goes_on_behind_its_last_row(
    inner: MemoryDriver, hosts: list[Host], first: int, second: int, query: Query
) -> None:
    expected = list(inner.scan(Host, query))
    driver = retrying(inner, Fault(rows=first), Fault(), Fault(rows=second))
    assert list(driver.scan(Host, query)) == expected
    driver = retrying(inner, Fault(rows=first), Fault(rows=second))
    assert driver.find(Host, query) == inner.find(Host, query)


def test_the_store_is_not_asked_for_more_than_is_left(
    inner: MemoryDriver, hosts: list[Host]
) -> None:
    limits: list[int | None] = []

    class Asked(MemoryDriver):
        def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
            limits.append(selection.limit)
            return super()._select(kind, selection)

    asked = Asked(inner.settings)
    asked.state = inner.state
    driver = retrying(asked, Fault(rows=2), Fault(rows=1))
    assert list(driver.scan(Host, Query(limit=5))) == hosts[:5]
    assert limits == [5, 3, 2]


def test_a_stream_that_gets_on_is_not_given_up(inner: MemoryDriver, hosts: list[Host]) -> None:
    driver = retrying(inner, *[Fault(rows=1)] * 9, attempts=2)
    assert list(driver.scan(Host)) == hosts


def test_what_stands_throughout_comes_once_whatever_is_written_at_the_tear(
    inner: MemoryDriver, hosts: list[Host]
) -> None:
    driver = retrying(inner, Fault(rows=4))
    scan = driver.scan(Host)
    found = [next(scan) for _ in range(4)]
    inner.delete(Host, hosts[3].id)
    inner.create(Host(region_id="r", name="h0a"))
    inner.create(Host(region_id="r", name="h3a"))
    found += scan
    assert [host.name for host in found] == [f"h{n}" for n in (0, 1, 2, 3, "3a", 4, 5, 6, 7, 8)]


def test_a_torn_stream_of_a_snapshot_goes_on_in_its_state(
    inner: MemoryDriver, hosts: list[Host]
) -> None:
    with retrying(inner, None, Fault(rows=4)).snapshot() as snapshot:
        scan = snapshot.scan(Host)
        found = [next(scan) for _ in range(4)]
        inner.delete(Host, hosts[6].id)
        assert [*found, *scan] == hosts


class Unpaged(MemoryDriver):
    """A driver that cannot begin in the middle."""

    capabilities = Capabilities(supported=frozenset({Capability.WRITE}))


def test_without_stable_paging_a_tear_is_raised(inner: MemoryDriver, hosts: list[Host]) -> None:
    unpaged = Unpaged(inner.settings)
    unpaged.state = inner.state
    driver = retrying(unpaged, Fault(), Fault(rows=4))
    scan = driver.scan(Host)
    assert [next(scan) for _ in range(4)] == hosts[:4]
    with pytest.raises(Unavailable):
        next(scan)


class Breaking(MemoryDriver):
    """Its snapshots break, and then make no sense any more."""

    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        faults = Listed(Fault(), Fault(error=broken), Fault(error=broken), Fault(error=broken))
        yield FaultyDriver(self, faults)


def test_a_snapshot_that_broke_is_unavailable(inner: MemoryDriver) -> None:
    driver = RetryingDriver(Breaking(inner.settings), Patience(attempts=4, sleep=lambda _: None))
    with driver.snapshot() as snapshot, pytest.raises(Unavailable):
        snapshot.count(Host)


def test_a_stream_that_is_closed_early_is_closed_inside(
    inner: MemoryDriver, hosts: list[Host]
) -> None:
    closed: list[str] = []

    class Watching(MemoryDriver):
        def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
            try:
                yield from super()._select(kind, selection)
            finally:
                closed.append(kind.kind)

    watching = Watching(inner.settings)
    watching.state = inner.state
    scan = retrying(watching).scan(Host)
    next(scan)
    assert closed == []
    scan.close()
    assert closed == ["host"]
