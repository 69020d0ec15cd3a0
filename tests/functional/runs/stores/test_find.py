"""Runs of a region and hosts of a run, page by page, while others write."""

from __future__ import annotations

import pytest

from craton.errors import InvalidPageToken, InvalidQuery
from craton.runs.models import EventType, HostState, RunHost, RunState
from craton.runs.store import MAX_PAGE, RunStore
from tests.functional.runs.stores.making import REGION, claimed, finished, host, new_run, rows


def every_run(store: RunStore, **question: object) -> list[str]:
    found: list[str] = []
    marker = None
    while True:
        page = store.find(REGION, marker=marker, **question)  # type: ignore[arg-type]
        found += [run.id for run in page.items]
        if (marker := page.next) is None:
            return found


def every_host(store: RunStore, run_id: str, **question: object) -> list[str]:
    found: list[str] = []
    marker = None
    while True:
        page = store.hosts(run_id, marker=marker, **question)  # type: ignore[arg-type]
        found += [row.host for row in page.items]
        if (marker := page.next) is None:
            return found


def test_runs_of_a_region_come_newest_first(store: RunStore) -> None:
    ids = [store.create(new_run(), rows(1)).id for _ in range(5)]
    store.create(new_run(region_id="elsewhere"), rows(1))
    assert every_run(store) == ids[::-1]
    assert every_run(store, limit=2) == ids[::-1]
    assert store.find(REGION, limit=5).next is None
    assert store.find("nowhere").items == []


def test_runs_are_found_by_state(store: RunStore) -> None:
    queued = store.create(new_run(), rows(1)).id
    running, ended = claimed(store), claimed(store)
    ended.end(RunState.FAILED)
    assert every_run(store, states={RunState.QUEUED}) == [queued]
    assert every_run(store, states=[RunState.FAILED, RunState.RUNNING], limit=1) == [
        ended.run_id,
        running.run_id,
    ]
    assert every_run(store, states={RunState.LOST}) == []


def test_runs_are_found_by_host(store: RunStore) -> None:
    ids = [store.create(new_run(), rows(count)).id for count in (1, 2, 3, 2)]
    assert every_run(store, host_id="id-1", limit=1) == [ids[3], ids[2], ids[1]]
    assert every_run(store, host_id="id-2") == [ids[2]]
    assert every_run(store, host_id="web-001") == []
    assert every_run(store, host_id="id-1", states={RunState.RUNNING}) == []


def test_pages_of_runs_hold_while_runs_come_and_go(store: RunStore) -> None:
    executors = [claimed(store) for _ in range(6)]
    page = store.find(REGION, limit=2)
    assert [run.id for run in page.items] == [executors[5].run_id, executors[4].run_id]
    store.create(new_run(), rows(1))
    executors[4].end()
    executors[3].end()
    from tests.functional.runs.stores.making import at

    store.prune(at(1000))
    page = store.find(REGION, limit=2, marker=page.next)
    assert [run.id for run in page.items] == [executors[2].run_id, executors[1].run_id]


def test_hosts_come_by_name_in_the_order_of_code_points(store: RunStore) -> None:
    names = ["b", "a", "ab", "B", "é", "z", "\U0001f600", "\uffee", "a-1", "a.1", "10", "9"]
    hosts = [
        RunHost(host_id=f"id{index}", host=name, batch=index) for index, name in enumerate(names)
    ]
    run = store.create(new_run(), hosts)
    for limit in (1, 5, 12, 100):
        assert every_host(store, run.id, limit=limit) == sorted(names)
    by_name = {row.host: row for row in store.hosts(run.id).items}
    assert by_name == {row.host: row for row in hosts}


def test_a_page_of_hosts_that_is_full_and_the_last_says_so(store: RunStore) -> None:
    run = store.create(new_run(), rows(4))
    first = store.hosts(run.id, limit=2)
    second = store.hosts(run.id, limit=2, marker=first.next)
    assert first.next is not None
    assert second.next is None


def test_hosts_are_found_by_state(store: RunStore) -> None:
    executor = claimed(store, hosts=6)
    executor.tell(
        finished(0, HostState.FAILED),
        host(1, EventType.HOST_FAILED),
        host(2, EventType.HOST_UNREACHABLE),
        host(3),
        finished(4, HostState.UNREACHABLE),
    )

    def found(*states: HostState) -> list[str]:
        return every_host(store, executor.run_id, states=states, limit=1)

    assert found(HostState.FAILED) == ["web-000", "web-001"]
    assert found(HostState.UNREACHABLE) == ["web-002", "web-004"]
    assert found(HostState.RUNNING) == ["web-001", "web-002", "web-003"]
    assert found(HostState.PENDING) == ["web-005"]
    assert found(HostState.FAILED, HostState.PENDING) == ["web-000", "web-001", "web-005"]
    assert found(HostState.SKIPPED) == []


def test_a_few_hosts_among_thousands_are_found_by_state(store: RunStore) -> None:
    executor = claimed(store, hosts=4000)
    names = [f"web-{index:03}" for index in (7, 1999, 3999)]
    executor.tell(*(finished(index, HostState.FAILED) for index in (7, 1999, 3999)))
    assert every_host(store, executor.run_id, states={HostState.FAILED}) == sorted(names)
    assert every_host(store, executor.run_id, states={HostState.FAILED}, limit=1) == sorted(names)


def test_a_host_is_found_by_id_and_by_name(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(finished(1, HostState.FAILED))
    by_id = store.hosts(executor.run_id, host="id-1")
    by_name = store.hosts(executor.run_id, host="web-001")
    assert [row.host_id for row in by_id.items] == ["id-1"]
    assert by_id == by_name
    assert by_id.next is None
    assert store.hosts(executor.run_id, host="web-00").items == []
    assert store.hosts(executor.run_id, host="web-001", states={HostState.OK}).items == []
    assert store.hosts(executor.run_id, host="web-001", states={HostState.FAILED}).items


def test_an_id_wins_over_a_name(store: RunStore) -> None:
    hosts = [RunHost(host_id="a", host="b", batch=0), RunHost(host_id="b", host="a", batch=1)]
    run = store.create(new_run(), hosts)
    assert [row.host_id for row in store.hosts(run.id, host="a").items] == ["a"]


def test_pages_of_hosts_hold_while_the_run_goes_on(store: RunStore) -> None:
    executor = claimed(store, hosts=30)
    found: list[str] = []
    marker = None
    for index in range(100):
        page = store.hosts(executor.run_id, limit=3, marker=marker)
        found += [row.host for row in page.items]
        executor.tell(host(index % 30), finished((index * 7) % 30))
        if (marker := page.next) is None:
            break
    assert found == [row.host for row in rows(30)]


@pytest.mark.parametrize("limit", [0, -1, MAX_PAGE + 1])
def test_a_limit_out_of_bounds_is_refused(store: RunStore, limit: int) -> None:
    run = store.create(new_run(), rows(1))
    for call in (
        lambda: store.find(REGION, limit=limit),
        lambda: store.hosts(run.id, limit=limit),
        lambda: store.events(run.id, limit=limit),
    ):
        with pytest.raises(InvalidQuery):
            call()


def test_a_marker_belongs_to_its_question(store: RunStore) -> None:
    runs = [store.create(new_run(), rows(3)).id for _ in range(2)]
    of_runs = store.find(REGION, limit=1).next
    of_hosts = store.hosts(runs[0], limit=1).next
    assert of_runs is not None
    assert of_hosts is not None
    for marker in ("", "x", "é", "null", "W10", of_hosts, of_runs[:-2], "\udc00"):
        with pytest.raises(InvalidPageToken):
            store.find(REGION, marker=marker)
    with pytest.raises(InvalidPageToken):
        store.find(REGION, marker=of_runs, states={RunState.QUEUED})
    with pytest.raises(InvalidPageToken):
        store.find("elsewhere", marker=of_runs)
    with pytest.raises(InvalidPageToken):
        store.hosts(runs[1], marker=of_hosts)
    with pytest.raises(InvalidPageToken):
        store.hosts(runs[0], marker=of_hosts, states={HostState.OK})


def test_unfinished_runs_of_all_regions_come_oldest_first(store: RunStore) -> None:
    first, second, third = (claimed(store, region_id=f"r{number}") for number in range(3))
    queued = store.create(new_run(), rows(1))
    second.end()
    assert [run.id for run in store.unfinished()] == [first.run_id, third.run_id, queued.id]
    assert next(iter(store.unfinished())) == store.get(first.run_id)
