"""Who may report, what a report changes, and that it is taken exactly once."""

from __future__ import annotations

import random
import threading

import pytest

from craton.errors import InvalidValue, LeaseLost, RunEnded
from craton.jsontext import JsonValue
from craton.runs.models import (
    MAX_DATA,
    MAX_MESSAGE,
    Event,
    EventType,
    HostState,
    Progress,
    Report,
    RunHost,
    RunState,
)
from craton.runs.store import RunStore
from tests.functional.runs.stores.conftest import Clock
from tests.functional.runs.stores.making import (
    START,
    at,
    batch,
    claimed,
    finished,
    host,
    new_run,
    remark,
    remarks,
    rows,
    run_state,
    taken_over,
    whole,
)


def row(store: RunStore, run_id: str, index: int) -> RunHost:
    return store.hosts(run_id, host=f"id-{index}").items[0]


# -- signs of life -----------------------------------------------------------------------------


def test_who_carries_out_a_run_was_last_heard_of_by_a_claim_or_a_report(
    store: RunStore, clock: Clock
) -> None:
    run = store.create(new_run(), rows(1))
    assert store.get(run.id).heard_at is None
    clock.now = at(1)
    fence = store.claim(run.id)
    assert store.get(run.id).heard_at == at(1)
    clock.now = at(2)
    store.report(run.id, fence, 1, [])
    kept = store.get(run.id)
    assert (kept.heard_at, kept.last_event) == (at(2), 2)
    clock.now = at(3)
    with pytest.raises(LeaseLost):
        store.report(run.id, fence + 1, 1, [])
    assert store.get(run.id).heard_at == at(2)


# -- taking up ---------------------------------------------------------------------------------


def test_the_first_claim_makes_a_run_running(store: RunStore) -> None:
    run = store.create(new_run(), rows(1))
    store.claim(run.id)
    kept = store.get(run.id)
    assert (kept.state, kept.attempt, kept.started_at) == (RunState.RUNNING, 1, START)
    event = store.events(run.id).items[-1]
    assert (event.type, event.data, event.time) == (
        EventType.RUN_STATE,
        {"state": "running"},
        START,
    )


def test_a_later_claim_says_so_and_counts(store: RunStore) -> None:
    executor = claimed(store)
    fences = [executor.fence, store.claim(executor.run_id), store.claim(executor.run_id)]
    assert fences == sorted(set(fences))
    assert store.get(executor.run_id).attempt == 3
    events = store.events(executor.run_id).items[2:]
    assert [event.type for event in events] == [EventType.RUN_TAKEN_OVER] * 2
    assert [event.data for event in events] == [{"attempt": 2}, {"attempt": 3}]


@pytest.mark.parametrize("state", [state for state in RunState if state.is_final])
def test_a_run_that_ended_cannot_be_taken_up(store: RunStore, state: RunState) -> None:
    executor = claimed(store)
    executor.end(state)
    with pytest.raises(RunEnded) as caught:
        store.claim(executor.run_id)
    assert caught.value.fields == {"id": executor.run_id, "state": state.value}
    assert store.get(executor.run_id).attempt == 1


def test_of_many_who_claim_at_once_one_may_report(store: RunStore) -> None:
    run = store.create(new_run(), rows(1))
    fences: list[int] = []
    threads = [
        threading.Thread(target=lambda: fences.append(store.claim(run.id))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(fences)) == 8
    for fence in sorted(fences)[:-1]:
        with pytest.raises(LeaseLost):
            store.report(run.id, fence, 1, [remark("late")])
    store.report(run.id, max(fences), 1, [remark("mine")])
    assert [e.task for e in store.events(run.id, after=9).items] == ["mine"]


def test_the_last_fence_can_be_read(store: RunStore) -> None:
    run = store.create(new_run(), rows(1))
    assert store.fence(run.id) == 0
    for _ in range(2):
        fence = store.claim(run.id)
        assert store.fence(run.id) == fence


# -- the fence ---------------------------------------------------------------------------------


def test_who_was_replaced_changes_nothing_any_more(store: RunStore) -> None:
    old = claimed(store)
    old.tell(host(0))
    new = taken_over(store, old.run_id)
    before = (store.get(old.run_id), store.hosts(old.run_id))
    with pytest.raises(LeaseLost):
        old.tell(finished(0, HostState.FAILED), run_state(RunState.FAILED))
    assert (store.get(old.run_id), store.hosts(old.run_id)) == before
    new.tell(finished(0))
    assert store.get(old.run_id).progress.ok == 1


def test_a_fence_that_nobody_got_is_refused(store: RunStore) -> None:
    executor = claimed(store)
    queued = store.create(new_run(), rows(1))
    for run_id, fence in [(executor.run_id, executor.fence + 1), (queued.id, 0)]:
        with pytest.raises(LeaseLost):
            store.report(run_id, fence, 1, [remark("x")])


def test_who_was_replaced_is_told_so_even_with_nothing_to_tell(store: RunStore) -> None:
    old = claimed(store)
    old.tell()
    taken_over(store, old.run_id)
    with pytest.raises(LeaseLost):
        old.tell()


def test_after_the_end_nothing_is_taken(store: RunStore) -> None:
    executor = claimed(store)
    executor.end()
    kept = store.get(executor.run_id)
    with pytest.raises(LeaseLost):
        executor.tell(host(0))
    assert store.get(executor.run_id) == kept


# -- taken once --------------------------------------------------------------------------------


def test_a_report_that_is_repeated_is_taken_once(store: RunStore) -> None:
    executor = claimed(store)
    told = [host(0), finished(0), remark("x")]
    for _ in range(3):
        store.report(executor.run_id, executor.fence, 1, told)
    assert [event.id for event in store.events(executor.run_id).items] == [1, 2, 3, 4, 5]
    assert store.get(executor.run_id).progress == Progress(total=3, pending=2, ok=1)


def test_of_a_report_that_overlaps_only_the_rest_is_taken(store: RunStore) -> None:
    executor = claimed(store)
    a, b, c, d = (remark(letter) for letter in "abcd")
    store.report(executor.run_id, executor.fence, 1, [a, b])
    store.report(executor.run_id, executor.fence, 2, [b, c])
    store.report(executor.run_id, executor.fence, 1, [a])
    store.report(executor.run_id, executor.fence, 4, [d])
    assert [event.task for event in store.events(executor.run_id, after=2).items] == list("abcd")


def test_the_last_report_may_be_repeated_as_well(store: RunStore) -> None:
    executor = claimed(store)
    last = [finished(0), run_state(RunState.FAILED, "one failed")]
    store.report(executor.run_id, executor.fence, 1, last)
    kept = store.get(executor.run_id)
    store.report(executor.run_id, executor.fence, 1, last)
    assert store.get(executor.run_id) == kept


def test_numbers_begin_anew_under_a_new_fence(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(*remarks(5))
    new = taken_over(store, executor.run_id)
    new.tell(remark("new"))
    assert store.events(executor.run_id).items[-1].task == "new"


def test_a_report_with_a_gap_before_it_is_refused(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(remark("a"))
    with pytest.raises(LeaseLost):
        store.report(executor.run_id, executor.fence, 3, [remark("c")])
    with pytest.raises(InvalidValue):
        store.report(executor.run_id, executor.fence, 0, [remark("c")])
    assert store.get(executor.run_id).last_event == 3


# -- rows and counts ---------------------------------------------------------------------------


def test_an_event_is_kept_as_it_was_told(store: RunStore) -> None:
    executor = claimed(store)
    data: dict[str, JsonValue] = {
        "changed": True,
        "lines": ["a", "ü"],
        "n": 2**70,
        "f": 1.5,
        "none": None,
        "empty": {},
    }
    told = host(1, EventType.HOST_CHANGED, message="3 packages", data=data)
    executor.tell(told)
    assert store.events(executor.run_id).items[-1] == Event(
        id=3,
        run_id=executor.run_id,
        time=at(1),
        type=EventType.HOST_CHANGED,
        host_id="id-1",
        host="web-001",
        task="install",
        message="3 packages",
        data=data,
    )


def test_a_host_goes_from_pending_over_running_to_its_end(store: RunStore) -> None:
    executor = claimed(store)
    assert row(store, executor.run_id, 1) == rows(2)[1]
    executor.tell(host(1, message="fine"))
    seen = row(store, executor.run_id, 1)
    assert (seen.state, seen.task, seen.message, seen.updated_at, seen.trouble, seen.batch) == (
        HostState.RUNNING,
        "install",
        "fine",
        at(1),
        None,
        0,
    )
    assert store.get(executor.run_id).progress == Progress(total=3, pending=2, running=1)
    executor.tell(finished(1, HostState.CHANGED))
    assert row(store, executor.run_id, 1).state is HostState.CHANGED
    assert store.get(executor.run_id).progress == Progress(total=3, pending=2, changed=1)


def test_a_last_word_without_a_message_leaves_that_of_the_task(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(
        host(0, EventType.HOST_FAILED, message="no such package"),
        finished(0, HostState.FAILED, time=at(9)),
        host(1, EventType.HOST_UNREACHABLE, message="no route"),
        finished(1, HostState.UNREACHABLE, message="gave up", task="gather"),
    )
    failed, unreachable = row(store, executor.run_id, 0), row(store, executor.run_id, 1)
    assert (failed.task, failed.message, failed.updated_at) == (
        "install",
        "no such package",
        at(9),
    )
    assert (unreachable.task, unreachable.message) == ("gather", "gave up")


def test_the_next_task_replaces_the_message_even_by_none(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(host(0, message="said"), host(0, task="next"))
    assert (row(store, executor.run_id, 0).task, row(store, executor.run_id, 0).message) == (
        "next",
        "",
    )


def test_trouble_is_told_until_a_task_goes_well(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(host(0, EventType.HOST_FAILED), host(1, EventType.HOST_UNREACHABLE))
    troubles = [row(store, executor.run_id, index).trouble for index in range(3)]
    assert troubles == [HostState.FAILED, HostState.UNREACHABLE, None]
    assert store.get(executor.run_id).progress == Progress(total=3, pending=1, running=2)
    executor.tell(host(0), finished(1, HostState.UNREACHABLE))
    for index, state in enumerate([HostState.RUNNING, HostState.UNREACHABLE]):
        seen = row(store, executor.run_id, index)
        assert (seen.state, seen.trouble) == (state, None)


def test_a_host_that_is_done_is_in_no_trouble_but_its_state(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(host(0, EventType.HOST_FAILED, host_state=HostState.FAILED))
    seen = row(store, executor.run_id, 0)
    assert (seen.state, seen.trouble) == (HostState.FAILED, None)


@pytest.mark.parametrize("state", [state for state in HostState if state.is_final])
def test_a_host_never_leaves_a_final_state(store: RunStore, state: HostState) -> None:
    executor = claimed(store)
    executor.tell(finished(0, state, task="last", message="said"))
    before = row(store, executor.run_id, 0)
    for other in HostState:
        executor.tell(host(0, message="late", host_state=other), finished(0, other, message="late"))
    executor.tell(host(0, EventType.HOST_FAILED, message="late"))
    assert row(store, executor.run_id, 0) == before
    assert store.get(executor.run_id).progress == Progress(total=3, pending=2, **{state.value: 1})
    assert len(store.events(executor.run_id).items) == 2 + 1 + 2 * len(HostState) + 1


def test_a_host_never_goes_back_to_pending(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(host(0), host(0, host_state=HostState.PENDING))
    assert row(store, executor.run_id, 0).state is HostState.RUNNING


def test_a_host_that_is_not_of_the_run_leaves_an_event_alone(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(host(77), finished(78, HostState.FAILED))
    assert store.get(executor.run_id).progress == Progress(total=3, pending=3)
    assert store.hosts(executor.run_id, host="id-77").items == []
    assert store.events(executor.run_id).items[-1].host_id == "id-78"


def test_what_is_told_of_no_host_changes_no_row(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(remark("gather"), Report(type=EventType.HOST_OK, time=START))
    assert store.hosts(executor.run_id).items == rows(3)


def test_counts_never_go_backwards_and_always_make_up_the_total(store: RunStore) -> None:
    executor, chance = claimed(store, hosts=40), random.Random(7)
    final = [state for state in HostState if state.is_final]
    done = 0
    for _ in range(60):
        told = []
        for _ in range(chance.randrange(1, 12)):
            index = chance.randrange(42)
            state = chance.choice([None, HostState.PENDING, HostState.RUNNING, *final])
            told.append(host(index, chance.choice(list(EventType)), host_state=state))
        executor.tell(*told)
        progress = store.get(executor.run_id).progress
        assert progress.total == whole(progress) == 40
        ended = sum(getattr(progress, state.value) for state in final)
        assert ended >= done
        done = ended
        states = [row.state for row in store.hosts(executor.run_id).items]
        assert progress == Progress(
            total=40, **{state.value: states.count(state) for state in HostState}
        )
    assert done > 20


def test_an_event_and_what_it_tells_are_one_step(store: RunStore) -> None:
    executor = claimed(store, hosts=200)
    torn: list[object] = []
    done = threading.Event()

    def watch() -> None:
        after = 2
        while not done.is_set():
            page = store.wait({executor.run_id: after}, 0.05)
            for event in page[executor.run_id].items if page else ():
                after = event.id
            run = store.get(executor.run_id)
            if run.last_event < after or run.progress.ok < after - 2 or whole(run.progress) != 200:
                torn.append((after, run))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for first in range(0, 200, 5):
        executor.tell(*(finished(index) for index in range(first, first + 5)))
    done.set()
    watcher.join()
    assert torn == []


# -- batches and the end -----------------------------------------------------------------------


def test_batches_are_known_by_their_numbers(store: RunStore) -> None:
    executor = claimed(store)
    assert (
        store.started_batches(executor.run_id) == store.finished_batches(executor.run_id) == set()
    )
    executor.tell(
        batch(EventType.BATCH_STARTED, 0),
        batch(EventType.BATCH_STARTED, 11),
        batch(EventType.BATCH_FINISHED, 0),
        batch(EventType.BATCH_RESTARTED, 5),
        Report(type=EventType.BATCH_FINISHED, time=START, data={"batch": "one"}),
    )
    assert store.started_batches(executor.run_id) == {0, 11}
    assert store.finished_batches(executor.run_id) == {0}
    taken_over(store, executor.run_id)
    assert store.finished_batches(executor.run_id) == {0}


def test_the_end_leaves_no_host_running(store: RunStore) -> None:
    executor = claimed(store, hosts=4)
    executor.tell(host(0, message="busy"), host(1), host(2, EventType.HOST_UNREACHABLE))
    executor.tell(finished(1))
    executor.end(RunState.LOST, "nobody took it over")
    kept = store.get(executor.run_id)
    assert (kept.state, kept.reason, kept.finished_at) == (
        RunState.LOST,
        "nobody took it over",
        at(60),
    )
    assert kept.progress == Progress(total=4, failed=2, ok=1, pending=1)
    seen = store.hosts(executor.run_id).items
    assert [(row.state, row.message, row.trouble) for row in seen] == [
        (HostState.FAILED, "nobody took it over", None),
        (HostState.OK, "", None),
        (HostState.FAILED, "nobody took it over", None),
        (HostState.PENDING, "", None),
    ]
    assert (seen[0].task, seen[0].updated_at) == ("install", at(60))
    assert seen[3].updated_at is None
    assert [run.id for run in store.unfinished()] == []


def test_what_follows_the_end_in_a_call_is_left_out(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(finished(0), run_state(RunState.SUCCEEDED), finished(1), remark("late"))
    kept = store.get(executor.run_id)
    assert (kept.last_event, kept.progress.ok) == (4, 1)


def test_a_state_that_is_not_final_ends_nothing(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(run_state(RunState.RUNNING, "on it"), run_state(RunState.QUEUED))
    kept = store.get(executor.run_id)
    assert (kept.state, kept.finished_at) == (RunState.RUNNING, None)
    assert store.material(executor.run_id) == b"sealed"


# -- cancelling --------------------------------------------------------------------------------


def test_a_queued_run_is_cancelled_at_once(store: RunStore) -> None:
    run = store.create(new_run(), rows(2), b"sealed")
    cancelled = store.request_cancel(run.id, "eve")
    assert cancelled == store.get(run.id)
    assert (cancelled.state, cancelled.cancelling) == (RunState.CANCELLED, True)
    assert (cancelled.finished_at, cancelled.started_at) == (START, None)
    assert cancelled.progress == Progress(total=2, pending=2)
    assert cancelled.reason
    asked, ended = store.events(run.id, after=1).items
    assert (asked.type, asked.data) == (EventType.RUN_CANCELLING, {"requested_by": "eve"})
    assert (ended.type, ended.data) == (EventType.RUN_STATE, {"state": "cancelled"})
    assert list(store.unfinished()) == []
    with pytest.raises(RunEnded):
        store.claim(run.id)


def test_a_running_run_is_asked_to_end(store: RunStore) -> None:
    executor = claimed(store)
    asked = store.request_cancel(executor.run_id, "eve")
    assert (asked.state, asked.cancelling) == (RunState.RUNNING, True)
    executor.tell(host(0))
    executor.end(RunState.CANCELLED, "eve asked for it")
    assert store.get(executor.run_id).state is RunState.CANCELLED


def test_asking_again_or_too_late_changes_nothing(store: RunStore) -> None:
    executor = claimed(store)
    first = store.request_cancel(executor.run_id, "eve")
    assert store.request_cancel(executor.run_id, "ada") == first
    executor.end()
    ended = store.get(executor.run_id)
    assert store.request_cancel(executor.run_id, "ada") == ended
    other = claimed(store)
    other.end()
    assert store.request_cancel(other.run_id, "ada").cancelling is False


# -- what comes from hosts ---------------------------------------------------------------------

HOSTILE = "<img onerror=x> \x1b[31m \u202e \0 é 漢 🎉"


def test_any_text_comes_back_as_it_was(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(host(0, message=HOSTILE, task=HOSTILE, data={HOSTILE: [HOSTILE]}))
    event = store.events(executor.run_id).items[-1]
    assert (event.message, event.task, event.data) == (HOSTILE, HOSTILE, {HOSTILE: [HOSTILE]})
    seen = row(store, executor.run_id, 0)
    assert (seen.message, seen.task) == (HOSTILE, HOSTILE)


def test_half_a_surrogate_pair_is_replaced(store: RunStore) -> None:
    executor = claimed(store)
    half = "a\ud83db\udc00"
    executor.tell(host(0, message=half, task=half, data={half: [half, {"k": half}]}))
    event = store.events(executor.run_id).items[-1]
    mended = "a\ufffdb\ufffd"
    assert (event.message, event.task) == (mended, mended)
    assert event.data == {mended: [mended, {"k": mended}]}
    executor.end(message=half)
    assert store.get(executor.run_id).reason == mended


def test_long_messages_are_cut(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(host(0, message="é" * (MAX_MESSAGE + 1), task="t" * (MAX_MESSAGE + 1)))
    event = store.events(executor.run_id).items[-1]
    assert event.message == "é" * MAX_MESSAGE == row(store, executor.run_id, 0).message
    assert event.task == "t" * MAX_MESSAGE


def test_long_data_are_left_out_and_say_so(store: RunStore) -> None:
    executor = claimed(store)
    executor.tell(
        host(0, data={"stdout": "x" * MAX_DATA, "rc": 1, "state": "failed"}),
        host(0, data={f"key {number}": "x" * 100 for number in range(1000)}),
        host(0, data={"fits": "x" * (MAX_DATA - len('{"fits":""}'))}),
    )
    first, second, third = store.events(executor.run_id, after=2).items
    assert first.data == {"rc": 1, "state": "failed", "omitted": ["stdout"]}
    assert second.data == {"omitted": True}
    assert len(str(third.data["fits"])) == MAX_DATA - 11


def test_data_that_are_hardly_json_do_no_harm(store: RunStore) -> None:
    executor = claimed(store)
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    odd = {"nan": float("nan"), "inf": float("inf"), "tuple": (1, 2), 3: "three"}
    executor.tell(host(0, data=odd), host(0, data={"deep": deep}))
    first, second = store.events(executor.run_id, after=2).items
    assert first.data == {"nan": None, "inf": None, "tuple": [1, 2], "3": "three"}
    assert second.data == {"omitted": True}
