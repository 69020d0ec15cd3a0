"""TimedDriver: what an observer is told."""

from __future__ import annotations

import dataclasses
from itertools import count, islice
from typing import Any

import pytest

from craton.backends.memory.driver import MemoryDriver
from craton.backends.wrappers import Fault, FaultyDriver, OnCall, Operation, TimedDriver, timed
from craton.driver import Create, Delete
from craton.errors import AlreadyExists, InvalidValue, NotFound, Unavailable
from craton.models import Entity, Host
from craton.query import EVERYTHING, Predicate, Query


class Noted(list[tuple[Any, ...]]):
    """What an observer was told, but the seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def __call__(
        self, operation: Operation, kind: type[Entity] | None, seconds: float, outcome: str
    ) -> None:
        self.append((operation.value, kind and kind.kind, outcome))
        self.seconds.append(seconds)

    def drain(self) -> list[tuple[Any, ...]]:
        told = list(self)
        self.clear()
        return told


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def driver(inner: MemoryDriver, noted: Noted) -> TimedDriver:
    return TimedDriver(inner, noted)


def test_each_use_of_the_store_is_told_once(
    driver: TimedDriver, noted: Noted, hosts: list[Host]
) -> None:
    with driver:
        assert noted.drain() == [("open", None, "ok")]
        driver.ping()
        assert noted.drain() == [("ping", None, "ok")]
        driver.get(Host, hosts[0].id)
        assert noted.drain() == [("get", "host", "ok")]
        driver.find(Host, Query(limit=3))
        assert noted.drain() == [("scan", "host", "ok")]
        assert len(list(driver.scan(Host))) == 9
        assert noted.drain() == [("scan", "host", "ok")]
        driver.count(Host)
        driver.digest(Host, EVERYTHING)
        assert noted.drain() == [("count", "host", "ok"), ("digest", "host", "ok")]
        created = driver.create(Host(region_id="r", name="new"))
        assert noted.drain() == [("create", "host", "ok")]
        driver.replace(created)
        assert noted.drain() == [("get", "host", "ok"), ("replace", "host", "ok")]
        driver.delete(Host, created.id)
        assert noted.drain() == [("delete", "host", "ok")]
        driver.apply([Create(entity=created), Delete(kind=Host, id=created.id)])
        driver.apply([])
        assert noted.drain() == [("apply", None, "ok")] * 2
        with driver.snapshot() as snapshot:
            snapshot.get(Host, hosts[0].id)
            assert len(list(snapshot.scan(Host))) == 9
            assert noted.drain() == [("get", "host", "ok"), ("scan", "host", "ok")]
        assert noted.drain() == [("snapshot", None, "ok")]


def test_an_error_is_told_by_its_code(driver: TimedDriver, noted: Noted, hosts: list[Host]) -> None:
    with pytest.raises(NotFound):
        driver.get(Host, "nowhere")
    with pytest.raises(AlreadyExists):
        driver.create(Host(region_id="r", name="h1"))
    invalid = Create(entity=Host(region_id="r", name=""))
    with pytest.raises(InvalidValue) as caught:
        driver.apply([Create(entity=Host(region_id="r", name="ok")), invalid])
    assert caught.value.change == 1
    assert noted == [
        ("get", "host", "not_found"),
        ("create", "host", "already_exists"),
        ("apply", None, "invalid_value"),
    ]


@pytest.mark.parametrize(
    ("fault", "outcome"), [(Fault(rows=4), "unavailable"), (Fault(rows=4, error=OSError), "error")]
)
def test_a_stream_that_tears_is_told_by_its_error(
    inner: MemoryDriver, noted: Noted, hosts: list[Host], fault: Fault, outcome: str
) -> None:
    driver = TimedDriver(FaultyDriver(inner, OnCall(1, fault)), noted)
    scan = driver.scan(Host)
    assert list(islice(scan, 4)) == hosts[:4]
    assert noted == []
    with pytest.raises((Unavailable, OSError)):
        next(scan)
    assert noted == [("scan", "host", outcome)]


def test_a_stream_that_is_closed_early_is_ok(
    driver: TimedDriver, noted: Noted, hosts: list[Host]
) -> None:
    scan = driver.scan(Host)
    next(scan)
    assert noted == []
    scan.close()
    assert noted == [("scan", "host", "ok")]


def test_the_time_of_a_stream_goes_to_its_end(
    driver: TimedDriver, noted: Noted, hosts: list[Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A clock that strikes whenever somebody looks: at the beginning, here and there, at the end.
    clock = count(100)

    def strike() -> float:
        return float(next(clock))

    monkeypatch.setattr(timed, "perf_counter", strike)
    scan = driver.scan(Host)
    for _ in range(5):
        strike()
    next(scan)
    for _ in range(6):
        strike()
    assert len(list(scan)) == 8
    assert noted.seconds == [7.0]


def test_the_error_of_a_snapshots_user_ends_it(driver: TimedDriver, noted: Noted) -> None:
    with pytest.raises(KeyError), driver.snapshot():
        raise KeyError
    assert noted == [("snapshot", None, "error")]


@dataclasses.dataclass(frozen=True)
class Own(Predicate):
    """A predicate that no store knows."""

    name: str

    def matches(self, entity: Entity) -> bool:
        name: str = entity.name  # type: ignore[attr-defined]
        return name > self.name


def test_what_the_store_cannot_filter_is_still_one_stream(
    driver: TimedDriver, noted: Noted, hosts: list[Host]
) -> None:
    assert driver.find(Host, Query(where=Own("h6"))).items == tuple(hosts[7:])
    assert noted == [("scan", "host", "ok")]
