"""The recorder: everything that was told is kept once, in order, whatever the store does."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from craton.errors import LeaseLost, Unavailable
from craton.runs import recorder
from craton.runs.lease import RunLease
from craton.runs.models import EventType, Report
from craton.runs.recorder import Recorder
from craton.runs.store import RunStore
from craton.secrets import SecretStore
from tests.functional.runs.carrying.making import accepted, events, memory_store
from tests.waiting import until


class Moody:
    """Reports to a store, and goes away when it is told to.

    Attributes:
        moods: What comes next: ``away`` before anything was done, or ``lost`` after it was.
        calls: How many reports each call had.
    """

    def __init__(self, store: RunStore, moods: Sequence[str] = ()) -> None:
        self._store = store
        self.moods = list(moods)
        self.away = False
        self.calls: list[int] = []

    def report(self, run_id: str, fence: int, first: int, reports: Sequence[Report]) -> None:
        self.calls.append(len(reports))
        mood = self.moods.pop(0) if self.moods else ""
        if self.away or mood == "away":
            raise Unavailable("it is away")
        self._store.report(run_id, fence, first, reports)
        if mood == "lost":
            raise Unavailable("the answer was lost")


def task(name: str) -> Report:
    return Report(type=EventType.TASK_STARTED, time=datetime.now(UTC), task=name)


class Scene:
    def __init__(self, secrets: SecretStore, moods: Sequence[str] = ()) -> None:
        self.store = memory_store()
        self.run_id = accepted(self.store, secrets)
        self.fence = self.store.claim(self.run_id)
        self.lease = RunLease()
        self.moody = Moody(self.store, moods)

    @contextmanager
    def recorder(self) -> Iterator[Recorder]:
        with Recorder(self.moody, self.run_id, self.fence, self.lease) as found:  # type: ignore[arg-type]
            yield found

    def tasks(self) -> list[str]:
        return [event.task for event in events(self.store, self.run_id) if event.task]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_PAUSE", 0.01)


def test_what_many_threads_tell_is_kept_in_their_order(secrets: SecretStore) -> None:
    scene = Scene(secrets)
    with scene.recorder() as recorder:

        def tell(letter: str) -> None:
            for number in range(500):
                recorder.add([task(f"{letter}{number}")])

        threads = [threading.Thread(target=tell, args=(letter,)) for letter in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        recorder.flush()
        tasks = scene.tasks()
    assert len(tasks) == 1500
    for letter in "abc":
        own = [task for task in tasks if task.startswith(letter)]
        assert own == [f"{letter}{number}" for number in range(500)]
    assert max(scene.moody.calls) <= 500
    assert len(scene.moody.calls) < 500


@pytest.mark.parametrize("moods", [["away"] * 5, ["lost"] * 5, ["lost", "away", "", "lost"]])
def test_nothing_is_lost_or_repeated_while_the_store_comes_and_goes(
    secrets: SecretStore, moods: list[str]
) -> None:
    scene = Scene(secrets, moods)
    with scene.recorder() as recorder:
        for number in range(1200):
            recorder.add([task(str(number))])
        recorder.flush()
    assert scene.tasks() == [str(number) for number in range(1200)]


def test_what_is_left_at_the_end_is_kept_too(secrets: SecretStore) -> None:
    scene = Scene(secrets)
    with scene.recorder() as recorder:
        recorder.add([task("last words")])
        scene.lease.end()
    assert scene.tasks() == ["last words"]


def test_a_recorder_that_was_superseded_ends_the_lease(secrets: SecretStore) -> None:
    scene = Scene(secrets)
    with scene.recorder() as recorder:
        scene.store.claim(scene.run_id)
        recorder.add([task("too late")])
        with pytest.raises(LeaseLost):
            recorder.flush()
        assert scene.lease.is_over
        with pytest.raises(LeaseLost):
            recorder.add([task("even later")])
    assert scene.tasks() == []


def test_whoever_has_too_much_to_say_waits_while_the_store_is_away(
    secrets: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "_ROOM", 10)
    scene = Scene(secrets)
    scene.moody.away = True
    said: list[int] = []
    with scene.recorder() as told:

        def tell() -> None:
            for number in range(100):
                told.add([task(str(number))])
                said.append(number)

        thread = threading.Thread(target=tell)
        thread.start()
        until(lambda: len(scene.moody.calls) > 20)
        assert len(said) == 10
        scene.moody.away = False
        thread.join()
        told.flush()
    assert scene.tasks() == [str(number) for number in range(100)]


def test_whoever_waits_is_let_go_when_the_lease_is_over(
    secrets: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "_ROOM", 1)
    monkeypatch.setattr(recorder, "_FAREWELL", 0.1)
    scene = Scene(secrets)
    scene.moody.away = True
    with scene.recorder() as told:
        told.add([task("one")])
        threading.Timer(0.1, scene.lease.end).start()
        with pytest.raises(LeaseLost):
            told.add([task("two")])
        with pytest.raises(LeaseLost):
            told.flush()
