"""Conductors in this process, on a real board: they share the work, and give it back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from craton.errors import Unavailable
from craton.runs.batch import Batch, BatchRunner, Lease
from craton.runs.board import Board
from craton.runs.conductor import Conductor
from craton.runs.housekeeping import Housekeeper
from craton.runs.models import EventType, RunState
from craton.runs.posting import BoardDispatcher
from craton.runs.redis import RedisRunStore
from craton.secrets import SecretStore
from tests.functional.runs.carrying.making import (
    ScriptedRunner,
    accepted,
    counts,
    equipment,
    told,
    wait_for_the_end,
)
from tests.functional.runs.carrying.test_housekeeping import NEVER
from tests.services import redis
from tests.services.redis import Redis
from tests.waiting import until

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with redis.started(tmp_path_factory.mktemp("redis")) as server:
        yield server


class Place:
    """A store and a board on one Redis."""

    def __init__(self, server: Redis, tmp_path: Path, secrets: SecretStore) -> None:
        self.server, self.tmp_path, self.secrets = server, tmp_path, secrets
        self.url = f"redis://127.0.0.1:{server.port}/0"
        self.store = RedisRunStore(self.url, max_events=100_000, keep_days=14)
        self.store.open()
        self.board = Board(self.url, 60)
        self.dispatcher = BoardDispatcher(self.board)

    @contextmanager
    def conductor(
        self, runner: BatchRunner, *, workers: int = 2, lease_seconds: float = 60, **options: object
    ) -> Iterator[Conductor]:
        tools = equipment(
            self.tmp_path,
            self.secrets,
            runner,
            store=self.store,
            persistence=f"sqlite:///{self.tmp_path}/flows.sqlite?timeout=30",
            workers=workers,
        )
        board = Board(self.url, lease_seconds)
        conductor = Conductor(board, tools, **options)  # type: ignore[arg-type]
        conductor.start()
        try:
            yield conductor
        finally:
            conductor.stop()
            conductor.stop()
            conductor.join()
            board.close()

    def submit(self, **fields: object) -> str:
        run_id = accepted(self.store, self.secrets, **fields)  # type: ignore[arg-type]
        self.dispatcher.submit(self.store.get(run_id))
        return run_id

    def state(self, run_id: str) -> RunState:
        return self.store.get(run_id).state

    def ended(self, *run_ids: str) -> None:
        until(lambda: all(self.state(run_id).is_final for run_id in run_ids))


@pytest.fixture
def place(shared: Redis, tmp_path: Path, secrets: SecretStore) -> Iterator[Place]:
    shared.clear()
    place = Place(shared, tmp_path, secrets)
    yield place
    place.dispatcher.stop()
    place.store.close()


def test_conductors_share_the_runs_and_each_batch_is_run_once(place: Place) -> None:
    runners = [ScriptedRunner(), ScriptedRunner()]
    with place.conductor(runners[0]), place.conductor(runners[1]):
        run_ids = [place.submit(hosts=20, batch_size=4) for _ in range(6)]
        place.ended(*run_ids)
        until(lambda: place.server.command("HLEN", "craton:jobs:listings") == b":0\r\n")
    assert {place.state(run_id) for run_id in run_ids} == {RunState.SUCCEEDED}
    assert {place.store.get(run_id).attempt for run_id in run_ids} == {1}
    batches = [(batch.run_id, batch.number) for runner in runners for batch in runner.given]
    assert len(batches) == len(set(batches)) == 6 * 5


def test_a_busy_conductor_leaves_runs_to_an_idle_one(place: Place) -> None:
    runners = [ScriptedRunner(wait_for_the_end), ScriptedRunner()]
    with place.conductor(runners[0], workers=4):
        first = place.submit(hosts=2)
        until(lambda: bool(runners[0].batches))
        with place.conductor(runners[1], workers=4):
            place.ended(place.submit(hosts=2))
        assert place.state(first) is RunState.RUNNING
    assert len(runners[1].given) == 1


def test_a_conductor_takes_no_more_runs_than_it_has_workers(place: Place) -> None:
    runner = ScriptedRunner(wait_for_the_end)
    with place.conductor(runner, workers=1):
        run_ids = [place.submit(hosts=1) for _ in range(3)]
        until(lambda: bool(runner.batches))
        assert sorted(place.state(run_id).value for run_id in run_ids) == [
            "queued",
            "queued",
            "running",
        ]
        for run_id in run_ids:
            place.store.request_cancel(run_id, "ada")
        place.ended(*run_ids)


def test_a_cancel_is_noticed_within_moments(place: Place) -> None:
    runner = ScriptedRunner(wait_for_the_end)
    with place.conductor(runner):
        run_id = place.submit(hosts=4)
        until(lambda: bool(runner.batches))
        place.store.request_cancel(run_id, "ada")
        place.ended(run_id)
    assert place.state(run_id) is RunState.CANCELLED


def test_a_stopped_conductor_gives_its_runs_back_at_once(place: Place) -> None:
    runner = ScriptedRunner()
    with place.conductor(ScriptedRunner(wait_for_the_end)):
        run_id = place.submit(hosts=4)
        until(lambda: bool(told(place.store, run_id, EventType.BATCH_STARTED)))
    # Its claim would have lasted a minute.
    with place.conductor(runner, lease_seconds=60):
        place.ended(run_id)
    assert counts(place.store, run_id) == {"ok": 4}
    assert 0 in told(place.store, run_id, EventType.BATCH_RESTARTED)


def test_a_conductor_that_is_to_finish_does_so_and_takes_nothing_new(place: Place) -> None:
    go = threading.Event()

    def wait(batch: Batch, lease: Lease) -> None:
        go.wait(60)

    with place.conductor(ScriptedRunner(wait), finish_on_stop=True) as conductor:
        first = place.submit(hosts=4)
        until(lambda: place.state(first) is RunState.RUNNING)
        conductor.stop()
        second = place.submit(hosts=4)
        go.set()
        conductor.join()
        assert place.state(first) is RunState.SUCCEEDED
        assert place.state(second) is RunState.QUEUED


def test_an_unfinished_run_that_the_board_forgot_is_posted_again(place: Place) -> None:
    run_id = place.submit(hosts=4)
    assert place.server.command("DEL", "craton:jobs:listings") == b":1\r\n"
    Housekeeper(place.store, place.dispatcher, None, NEVER).look_after()
    with place.conductor(ScriptedRunner()):
        place.ended(run_id)
    assert counts(place.store, run_id) == {"ok": 4}


def test_a_job_whose_run_has_ended_or_never_was_leaves_the_board(place: Place) -> None:
    runner = ScriptedRunner()
    run_id = place.submit(hosts=4)
    place.store.request_cancel(run_id, "ada")
    place.board.post("run-unknown")
    with place.conductor(runner):
        until(lambda: place.server.command("HLEN", "craton:jobs:listings") == b":0\r\n")
    assert runner.batches == []


def test_a_run_that_goes_wrong_again_and_again_is_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("craton.runs.conductor._SHUN", 0.0)

    def break_down(batch: Batch, lease: Lease) -> None:
        raise RuntimeError

    with place.conductor(ScriptedRunner(break_down)):
        run_id = place.submit(hosts=1)
        place.ended(run_id)
    run = place.store.get(run_id)
    assert run.state is RunState.LOST
    assert run.attempt == 4
    assert "3 conductors" in run.reason


def test_a_claim_that_is_gone_ends_the_batches(place: Place) -> None:
    runner = ScriptedRunner(wait_for_the_end)
    with place.conductor(runner, lease_seconds=6):
        run_id = place.submit(hosts=1)
        until(lambda: bool(runner.batches))
        (job,) = place.board._board._fetch_jobs()
        place.server.command("SET", job.owner_key.decode(), "somebody else")
        until(lambda: runner.under_way == 0)
        assert runner.batches == [0]
        assert place.state(run_id) is RunState.RUNNING


def test_posting_says_when_the_board_is_away(tmp_path: Path, secrets: SecretStore) -> None:
    with redis.started(tmp_path / "redis") as server:
        place = Place(server, tmp_path, secrets)
        run_id = accepted(place.store, secrets)
        run = place.store.get(run_id)
        server.process.stop()
        with pytest.raises(Unavailable):
            place.dispatcher.submit(run)
        place.dispatcher.stop()
        place.store.close()


def test_a_conductor_waits_for_a_board_that_is_away(tmp_path: Path, secrets: SecretStore) -> None:
    with redis.started(tmp_path / "redis", ["--appendonly", "yes"]) as server:
        place = Place(server, tmp_path, secrets)
        run_id = place.submit(hosts=2)
        server.process.stop()
        with place.conductor(ScriptedRunner()):
            server.process.start()
            place.ended(run_id)
        place.dispatcher.stop()
        place.store.close()
