"""Housekeeping: runs that nobody has are handed over, silent ones are lost, old ones go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from craton import config
from craton.cmd.running import running
from craton.runs.dispatch import Dispatcher
from craton.runs.housekeeping import Housekeeper
from craton.runs.models import EventType, Origin, Report, Run, RunState
from craton.runs.private import PrivateDirectories
from craton.runs.store import RunStore
from craton.secrets import SecretStore
from tests.functional.runs.carrying.making import accepted, memory_store
from tests.waiting import until

NEVER = timedelta(days=1000)
ELEVEN_MINUTES = timedelta(minutes=11)


class Taken(Dispatcher):
    """Takes runs, and does nothing with them."""

    def __init__(self) -> None:
        self.run_ids: list[str] = []

    def start(self) -> None:
        return

    def submit(self, run: Run) -> None:
        self.run_ids.append(run.id)

    def stop(self) -> None:
        return


@pytest.fixture
def store() -> RunStore:
    return memory_store()


def housekeeper(store: RunStore, dispatcher: Dispatcher, silent: timedelta = NEVER) -> Housekeeper:
    return Housekeeper(store, dispatcher, None, silent)


def reported(store: RunStore, secrets: SecretStore, created_at: datetime) -> tuple[str, int]:
    run_id = accepted(store, secrets, origin=Origin.REPORTED, created_at=created_at)
    return run_id, store.claim(run_id)


def test_unfinished_runs_are_handed_over_but_not_those_that_others_report(
    store: RunStore, secrets: SecretStore
) -> None:
    dispatcher = Taken()
    queued, running, ended = (accepted(store, secrets) for _ in range(3))
    store.claim(running)
    store.request_cancel(ended, "ada")
    reported(store, secrets, datetime.now(UTC))
    housekeeper(store, dispatcher).look_after()
    assert dispatcher.run_ids == [queued, running]


def test_a_reported_run_that_fell_silent_is_lost(secrets: SecretStore) -> None:
    store = memory_store(clock=lambda: datetime.now(UTC) - ELEVEN_MINUTES)
    run_id, fence = reported(store, secrets, datetime.now(UTC) - 2 * ELEVEN_MINUTES)
    # What it says of the time does not count: the clocks of two machines differ.
    report = Report(type=EventType.TASK_STARTED, time=datetime.now(UTC), task="the last")
    store.report(run_id, fence, 1, [report])
    housekeeper(store, Taken(), timedelta(minutes=20)).look_after()
    assert store.get(run_id).state is RunState.RUNNING
    housekeeper(store, Taken(), timedelta(minutes=10)).look_after()
    run = store.get(run_id)
    assert run.state is RunState.LOST
    assert "silent for 10 minutes" in run.reason


def test_a_reported_run_that_gives_a_sign_of_life_is_not_lost(secrets: SecretStore) -> None:
    moment = datetime.now(UTC) - ELEVEN_MINUTES
    store = memory_store(clock=lambda: moment)
    run_id, fence = reported(store, secrets, moment)
    moment = datetime.now(UTC)
    store.report(run_id, fence, 1, [])
    housekeeper(store, Taken(), timedelta(minutes=10)).look_after()
    assert store.get(run_id).state is RunState.RUNNING


def test_what_is_old_and_what_is_left_over_goes(
    store: RunStore, secrets: SecretStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: list[datetime] = []

    def prune(moment: datetime) -> int:
        before.append(moment)
        return 0

    monkeypatch.setattr(store, "prune", prune)
    (tmp_path / "craton-run-left").mkdir()
    keeper = Housekeeper(store, Taken(), PrivateDirectories(tmp_path), NEVER)
    keeper.tidy()
    assert not list(tmp_path.glob("craton-run-*"))
    (moment,) = before
    age = datetime.now(UTC) - moment
    assert timedelta(days=14) <= age < timedelta(days=14, minutes=5)


def test_a_housekeeper_works_by_itself_until_it_is_stopped(
    store: RunStore, secrets: SecretStore
) -> None:
    dispatcher = Taken()
    run_id = accepted(store, secrets)
    keeper = housekeeper(store, dispatcher)
    keeper.start()
    until(lambda: dispatcher.run_ids == [run_id])
    keeper.stop()


def test_a_server_without_redis_looks_after_what_is_reported_to_it(
    secrets: SecretStore, tmp_path: Path
) -> None:
    conf = config.settings(files=[], state_path=str(tmp_path), runs__silent_minutes=10)
    served = running(conf, carries_out=False)
    assert served is not None
    store = served.offered.store
    begun = datetime.now(UTC) - ELEVEN_MINUTES
    silent = accepted(store, secrets, origin=Origin.REPORTED, created_at=begun)
    heard, _ = reported(store, secrets, begun)
    served.start()
    try:
        until(lambda: store.get(silent).state is RunState.LOST)
    finally:
        served.stop()
    assert store.get(heard).state is RunState.RUNNING
