"""Events in their order, and waiting for the next."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

import pytest

from craton.runs.models import EventType
from craton.runs.store import MAX_PAGE, RunStore
from tests.functional.runs.stores.conftest import Opener
from tests.functional.runs.stores.making import (
    Executor,
    claimed,
    new_run,
    remark,
    remarks,
    rows,
    taken_over,
)

#: Seconds that nobody waits for, unless what he waits for does not come.
LONG = 60


def test_events_are_numbered_without_a_gap(store: RunStore) -> None:
    executor = claimed(store)
    for count in (1, 7, 0, 3):
        executor.tell(*remarks(count))
    store.request_cancel(executor.run_id, "eve")
    taken_over(store, executor.run_id).end()
    events = store.events(executor.run_id).items
    assert [event.id for event in events] == list(range(1, 17))
    assert store.get(executor.run_id).last_event == 16


def test_events_are_read_page_by_page(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(*remarks(20))
    found: list[int] = []
    while page := store.events(executor.run_id, after=len(found), limit=6).items:
        found += [event.id for event in page]
        if len(found) == 12:
            executor.tell(*remarks(3))
    assert found == list(range(1, 26))


def test_events_of_runs_do_not_mix(store: RunStore) -> None:
    one, other = claimed(store), claimed(store)
    one.tell(remark("one"))
    other.tell(remark("other"))
    assert [event.task for event in store.events(one.run_id).items] == ["", "", "one"]


def test_the_oldest_events_go_first_and_that_is_told(opened: Opener) -> None:
    store = opened(max_events=10)
    executor = claimed(store)
    executor.tell(*remarks(6))
    assert store.events(executor.run_id).missing is False
    executor.tell(*remarks(7))
    page = store.events(executor.run_id)
    assert [event.id for event in page.items] == list(range(6, 16))
    assert page.missing is True
    assert store.events(executor.run_id, after=4).missing is True
    assert store.events(executor.run_id, after=5).missing is False
    assert store.events(executor.run_id, after=3, limit=2).missing is True
    assert [event.id for event in store.events(executor.run_id, after=3, limit=2).items] == [6, 7]
    waited = store.wait({executor.run_id: 2}, LONG)[executor.run_id]
    assert (waited.missing, waited.items[0].id) == (True, 6)


def test_what_the_store_itself_tells_goes_beyond_no_limit(opened: Opener) -> None:
    store = opened(max_events=10)
    executor = claimed(store)
    executor.tell(*remarks(8))
    store.claim(executor.run_id)
    assert [event.id for event in store.events(executor.run_id).items] == list(range(2, 12))
    store.request_cancel(executor.run_id, "eve")
    assert [event.id for event in store.events(executor.run_id).items] == list(range(3, 13))


def test_more_at_once_than_are_kept_leaves_the_newest(opened: Opener) -> None:
    store = opened(max_events=10)
    executor = claimed(store)
    executor.tell(*remarks(25))
    page = store.events(executor.run_id, after=2)
    assert ([event.id for event in page.items], page.missing) == (list(range(18, 28)), True)


def test_there_is_nothing_after_the_end(store: RunStore) -> None:
    executor = claimed(store)
    for after in (2, 3, 10**9, 2**64, 10**40):
        page = store.events(executor.run_id, after=after)
        assert (page.items, page.missing) == ([], False)
        assert store.wait({executor.run_id: after}, 0.01) == {}
    assert len(store.events(executor.run_id, after=-5).items) == 2


def test_who_waits_for_what_is_there_gets_it_at_once(store: RunStore) -> None:
    one, other, idle = claimed(store), claimed(store), claimed(store)
    one.tell(*remarks(3))
    found = store.wait({one.run_id: 3, other.run_id: 0, idle.run_id: 2}, LONG)
    assert {run_id: [e.id for e in page.items] for run_id, page in found.items()} == {
        one.run_id: [4, 5],
        other.run_id: [1, 2],
    }
    assert found[one.run_id].items[0] == store.events(one.run_id, after=3).items[0]


def test_a_wait_returns_a_page_at_most_and_the_next_goes_on(opened: Opener) -> None:
    store = opened(max_events=5000)
    executor = claimed(store)
    executor.tell(*remarks(MAX_PAGE + 10))
    first = store.wait({executor.run_id: 0}, LONG)[executor.run_id].items
    second = store.wait({executor.run_id: first[-1].id}, LONG)[executor.run_id].items
    assert [event.id for event in [*first, *second]] == list(range(1, MAX_PAGE + 13))
    assert len(first) == MAX_PAGE


def test_a_wait_in_vain_is_empty(store: RunStore) -> None:
    executor = claimed(store)
    assert store.wait({executor.run_id: 2, "none": 0}, 0.05) == {}
    assert store.wait({executor.run_id: 2}, 0) == {}
    assert store.wait({executor.run_id: 2}, -1) == {}
    assert store.wait({}, 0.05) == {}


@pytest.mark.parametrize("cause", ["report", "claim", "cancel", "create"])
def test_who_waits_is_woken(store: RunStore, cause: str) -> None:
    executor = claimed(store)
    queued = store.create(new_run(), rows(1))
    later = new_run()
    causes: dict[str, tuple[str, int, Callable[[], object]]] = {
        "report": (executor.run_id, 2, lambda: executor.tell(remark("now"))),
        "claim": (queued.id, 1, lambda: store.claim(queued.id)),
        "cancel": (executor.run_id, 2, lambda: store.request_cancel(executor.run_id, "eve")),
        "create": (later.id, 0, lambda: store.create(later, rows(1))),
    }
    run_id, after, act = causes[cause]
    found: list[Iterable[str]] = []
    waiter = threading.Thread(
        target=lambda: found.append(store.wait({"none": 0, run_id: after}, LONG))
    )
    waiter.start()
    time.sleep(0.05)
    act()
    waiter.join(LONG / 2)
    assert [list(page) for page in found] == [[run_id]]


def test_a_follower_gets_every_event_once(store: RunStore) -> None:
    executor = claimed(store)
    followed: dict[int, list[int]] = {0: [], 5: []}

    def follow(after: int) -> None:
        while not followed[after] or followed[after][-1] < 302:
            last = followed[after][-1] if followed[after] else after
            found = store.wait({executor.run_id: last}, LONG)
            followed[after] += [event.id for event in found[executor.run_id].items]

    followers = [threading.Thread(target=follow, args=[after]) for after in followed]
    for follower in followers:
        follower.start()
    for count in range(1, 25):
        executor.tell(*remarks(count))
    for follower in followers:
        follower.join(LONG)
    assert followed == {0: list(range(1, 303)), 5: list(range(6, 303))}


def test_who_waits_returns_when_the_store_is_closed(opened: Opener) -> None:
    store = opened()
    executor = claimed(store)
    found: list[object] = []
    waiter = threading.Thread(target=lambda: found.append(store.wait({executor.run_id: 2}, LONG)))
    waiter.start()
    time.sleep(0.05)
    store.close()
    waiter.join(LONG / 2)
    assert found == [{}]


def test_events_of_several_reporters_stay_in_one_order(store: RunStore) -> None:
    executors = [claimed(store) for _ in range(4)]

    def tell(executor: Executor) -> None:
        for count in range(1, 12):
            executor.tell(*remarks(count))

    threads = [threading.Thread(target=tell, args=[executor]) for executor in executors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for executor in executors:
        events = store.events(executor.run_id).items
        assert [event.id for event in events] == list(range(1, 69))
        told = [event.task for event in events if event.type is EventType.TASK_STARTED]
        assert told == [f"task {index}" for count in range(1, 12) for index in range(count)]
