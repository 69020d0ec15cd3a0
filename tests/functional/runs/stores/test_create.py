"""A new run: kept as a whole, once, with what it takes, until it is dropped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from craton.errors import InvalidValue, NotFound
from craton.runs.models import EventType, HostState, Origin, Progress, RunHost, RunState
from craton.runs.store import RunStore
from tests.functional.runs.stores.conftest import Clock, Opener
from tests.functional.runs.stores.making import (
    REGION,
    START,
    at,
    claimed,
    finished,
    host,
    new_run,
    rows,
    run_state,
)


def test_a_run_is_kept_as_it_was_given_and_queued(store: RunStore) -> None:
    given = new_run(check=True, filters={"vars": ["a:1"], "deep": {"né": [1, 2.5, None, True]}})
    kept = store.create(given, rows(3), b"sealed")
    assert kept == replace(given, progress=Progress(total=3, pending=3), last_event=1)
    assert store.get(given.id) == kept


def test_a_reported_run_has_neither_bundle_nor_filters(store: RunStore) -> None:
    given = new_run(origin=Origin.REPORTED, bundle_sha256=None, filters={}, tags=())
    store.create(given, rows(1))
    kept = store.get(given.id)
    assert (kept.origin, kept.bundle_sha256, kept.filters, kept.tags) == (
        Origin.REPORTED,
        None,
        {},
        (),
    )


def test_what_the_caller_says_of_its_progress_is_not_believed(store: RunStore) -> None:
    boast = new_run(
        state=RunState.SUCCEEDED,
        attempt=7,
        cancelling=True,
        reason="done",
        started_at=START,
        finished_at=START,
        last_event=99,
        progress=Progress(total=9, ok=9),
    )
    kept = store.create(boast, [replace(row, state=HostState.OK, task="x") for row in rows(2)])
    assert (kept.state, kept.attempt, kept.cancelling, kept.reason) == (
        RunState.QUEUED,
        0,
        False,
        "",
    )
    assert (kept.started_at, kept.finished_at, kept.last_event) == (None, None, 1)
    assert kept.progress == Progress(total=2, pending=2)
    assert store.hosts(kept.id).items == rows(2)


def test_the_first_event_says_that_the_run_is_queued(store: RunStore) -> None:
    run = store.create(new_run(), rows(1))
    (event,) = store.events(run.id).items
    assert (event.id, event.type, event.time) == (1, EventType.RUN_STATE, START)
    assert event.data == {"state": "queued"}
    assert event.run_id == run.id


def test_creating_a_run_again_changes_nothing(store: RunStore) -> None:
    run = store.create(new_run(), rows(2), b"first")
    fence = store.claim(run.id)
    store.report(run.id, fence, 1, [host(0)])
    again = store.create(replace(run, playbook="other.yml"), rows(5), b"second")
    assert again == store.get(run.id)
    assert (again.playbook, again.progress.total, again.state) == ("site.yml", 2, RunState.RUNNING)
    assert store.material(run.id) == b"first"
    assert [event.id for event in store.events(run.id).items] == [1, 2, 3]


def test_a_run_of_thousands_of_hosts_is_seen_as_a_whole_or_not_at_all(opened: Opener) -> None:
    writer, reader = opened(), None
    seen: list[int] = []
    run = new_run()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for found in writer.find(REGION).items:
                page = writer.hosts(found.id, limit=1000)
                seen.append(found.progress.total)
                assert len(page.items) == 1000
                assert page.next is not None

    reader = threading.Thread(target=watch)
    reader.start()
    writer.create(run, rows(5000))
    done.set()
    reader.join()
    assert set(seen) <= {5000}
    assert writer.get(run.id).progress == Progress(total=5000, pending=5000)


@pytest.mark.parametrize(
    "hosts",
    [
        [RunHost(host_id="a", host="x", batch=0), RunHost(host_id="b", host="x", batch=0)],
        [RunHost(host_id="a", host="x", batch=0), RunHost(host_id="a", host="y", batch=0)],
    ],
    ids=["name", "id"],
)
def test_a_host_that_is_there_twice_is_refused(store: RunStore, hosts: list[RunHost]) -> None:
    run = new_run()
    with pytest.raises(InvalidValue):
        store.create(run, hosts)
    with pytest.raises(NotFound):
        store.get(run.id)


def test_a_run_without_hosts_can_be_kept(store: RunStore) -> None:
    run = store.create(new_run(), [])
    assert run.progress == Progress(total=0)
    assert store.hosts(run.id).items == []


def test_material_is_kept_to_the_byte_until_the_end(store: RunStore) -> None:
    run = store.create(new_run(), rows(1), bytes(range(256)))
    assert store.material(run.id) == bytes(range(256))
    fence = store.claim(run.id)
    assert store.material(run.id) == bytes(range(256))
    store.report(run.id, fence, 1, [run_state(RunState.FAILED)])
    with pytest.raises(NotFound):
        store.material(run.id)


def test_no_material_is_material_too(store: RunStore) -> None:
    assert store.material(store.create(new_run(), rows(1)).id) == b""


def test_an_unknown_run_is_not_found(store: RunStore) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.get("none"),
        lambda: store.material("none"),
        lambda: store.hosts("none"),
        lambda: store.hosts("none", host="web-000"),
        lambda: store.hosts("none", states={HostState.OK}),
        lambda: store.request_cancel("none", "ada"),
        lambda: store.claim("none"),
        lambda: store.fence("none"),
        lambda: store.report("none", 1, 1, [host(0)]),
        lambda: store.finished_batches("none"),
        lambda: store.started_batches("none"),
        lambda: store.events("none"),
    ]
    for call in calls:
        with pytest.raises(NotFound) as caught:
            call()
        assert (caught.value.kind, caught.value.id) == ("run", "none")


def test_times_are_utc_to_the_millisecond(store: RunStore) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    run = new_run(created_at=datetime(2026, 5, 17, 15, 0, 0, 123_999, tzinfo=east))
    created = store.create(run, rows(1)).created_at
    assert created == START
    assert store.get(run.id).created_at.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(store: RunStore) -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(InvalidValue, match="time zone"):
        store.create(new_run(created_at=naive), rows(1))
    executor = claimed(store)
    with pytest.raises(InvalidValue, match="time zone"):
        executor.tell(host(0, time=naive))
    with pytest.raises(InvalidValue, match="time zone"):
        store.prune(naive)


def test_a_time_that_utc_has_not_is_refused(store: RunStore) -> None:
    executor = claimed(store)
    last = datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))
    with pytest.raises(InvalidValue, match="years"):
        executor.tell(host(0, time=last))
    first = datetime.min.replace(tzinfo=UTC)
    executor.tell(host(0, time=first), finished(0, time=datetime.max.replace(tzinfo=UTC)))
    assert store.events(executor.run_id).items[2].time == first


def test_prune_drops_what_ended_before_a_time_and_nothing_else(store: RunStore) -> None:
    old, new, open_ = claimed(store), claimed(store), claimed(store)
    old.tell(finished(0), replace(run_state(RunState.FAILED), time=at(10)))
    new.tell(finished(0), replace(run_state(RunState.FAILED), time=at(20)))
    queued = store.create(new_run(), rows(1))
    assert store.prune(at(20)) == 1
    with pytest.raises(NotFound):
        store.get(old.run_id)
    with pytest.raises(NotFound):
        store.events(old.run_id)
    assert [run.id for run in store.find(REGION).items] == [queued.id, open_.run_id, new.run_id]
    assert store.prune(at(20)) == 0
    assert store.prune(at(1000)) == 1
    assert store.get(open_.run_id).state is RunState.RUNNING


def test_what_was_pruned_can_be_made_again(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(finished(0), run_state(RunState.FAILED))
    run = store.get(executor.run_id)
    store.prune(at(1000))
    again = store.create(run, rows(2))
    assert (again.last_event, again.progress) == (1, Progress(total=2, pending=2))
    assert [row.state for row in store.hosts(run.id).items] == [HostState.PENDING] * 2


def test_check_says_nothing_of_a_store_that_can_be_used(store: RunStore) -> None:
    store.check()


def test_a_store_by_its_own_clock_says_when_a_run_began(store: RunStore, clock: Clock) -> None:
    run = store.create(new_run(), rows(1))
    clock.now = at(7.0009)
    store.claim(run.id)
    assert store.get(run.id).started_at == at(7)
