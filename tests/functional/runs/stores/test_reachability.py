"""What was last known of reaching a host."""

from __future__ import annotations

import pytest

from craton.runs.models import EventType, Reachability
from craton.runs.store import RunStore
from tests.functional.runs.stores.conftest import Clock
from tests.functional.runs.stores.making import REGION, at, claimed, finished, host, remark


@pytest.fixture(autouse=True)
def later(clock: Clock) -> None:
    """All that is told here has happened."""
    clock.now = at(1000)


def test_a_clock_that_is_ahead_has_no_last_word(store: RunStore, clock: Clock) -> None:
    executor = claimed(store)
    executor.tell(host(0, EventType.HOST_UNREACHABLE, time=at(10**9)))
    assert store.reachability(REGION, ["id-0"])["id-0"].time == at(1000)
    clock.now = at(1001)
    executor.tell(host(0, time=at(1001)))
    assert store.reachability(REGION, ["id-0"])["id-0"].reachable is True


def test_a_task_that_ran_reached_the_host(store: RunStore) -> None:
    executor = claimed(store, hosts=5)
    executor.tell(
        host(0, EventType.HOST_OK),
        host(1, EventType.HOST_CHANGED, message="said"),
        host(2, EventType.HOST_FAILED),
        host(3, EventType.HOST_UNREACHABLE, message="no route"),
        host(4, EventType.HOST_SKIPPED),
        finished(4),
        remark("x"),
    )
    found = store.reachability(REGION, [f"id-{index}" for index in range(6)])
    assert found == {
        f"id-{index}": Reachability(
            host_id=f"id-{index}",
            reachable=index != 3,
            time=at(index),
            run_id=executor.run_id,
            message="no route" if index == 3 else "",
        )
        for index in range(4)
    }
    assert store.reachability("elsewhere", ["id-0"]) == {}
    assert store.reachability(REGION, []) == {}


def test_the_later_time_wins_whoever_tells_it_first(store: RunStore) -> None:
    one, other = claimed(store), claimed(store)
    one.tell(host(0, EventType.HOST_UNREACHABLE, time=at(100), message="no route"))
    other.tell(host(0, time=at(50)), host(1, time=at(70)))
    one.tell(host(1, EventType.HOST_UNREACHABLE, time=at(60)))
    found = store.reachability(REGION, ["id-0", "id-1"])
    assert (found["id-0"].reachable, found["id-0"].run_id) == (False, one.run_id)
    assert (found["id-1"].reachable, found["id-1"].time) == (True, at(70))
    other.tell(host(0, time=at(100.001)))
    assert store.reachability(REGION, ["id-0"])["id-0"].reachable is True


def test_of_one_report_the_last_word_counts(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(
        host(0, EventType.HOST_UNREACHABLE, time=at(5)),
        host(0, time=at(5)),
        host(1, time=at(9)),
        host(1, EventType.HOST_UNREACHABLE, time=at(8)),
    )
    found = store.reachability(REGION, ["id-0", "id-1"])
    assert (found["id-0"].reachable, found["id-1"].reachable) == (True, True)


def test_of_one_time_what_is_told_later_counts(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(host(0, EventType.HOST_UNREACHABLE, time=at(5)))
    executor.tell(host(0, time=at(5)))
    assert store.reachability(REGION, ["id-0"])["id-0"].reachable is True


def test_it_outlives_the_run(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(host(0))
    executor.end()
    assert store.prune(at(1000)) == 1
    assert store.reachability(REGION, ["id-0"])["id-0"].run_id == executor.run_id


def test_regions_do_not_mix(store: RunStore) -> None:
    executor = claimed(store, region_id="elsewhere")
    executor.tell(host(0))
    assert store.reachability(REGION, ["id-0"]) == {}
    assert list(store.reachability("elsewhere", ["id-0"])) == ["id-0"]
