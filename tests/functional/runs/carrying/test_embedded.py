"""Runs in the threads of a server: each once, as many at once as there are workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from craton.runs.batch import Batch, BatchRunner, Lease
from craton.runs.embedded import EmbeddedDispatcher
from craton.runs.models import RunState
from craton.runs.store import RunStore
from craton.secrets import SecretStore
from tests.functional.runs.carrying.making import (
    ScriptedRunner,
    accepted,
    counts,
    equipment,
    wait_for_the_end,
)
from tests.waiting import until


class Place:
    def __init__(self, tmp_path: Path, secrets: SecretStore, runner: BatchRunner) -> None:
        self.secrets = secrets
        tools = equipment(tmp_path, secrets, runner, workers=2)
        self.store: RunStore = tools.store
        self.dispatcher = EmbeddedDispatcher(tools)

    @contextmanager
    def started(self) -> Iterator[Place]:
        self.dispatcher.start()
        yield self
        self.dispatcher.stop()

    def submit(self, hosts: int = 4) -> str:
        run_id = accepted(self.store, self.secrets, hosts=hosts)
        self.dispatcher.submit(self.store.get(run_id))
        return run_id

    def state(self, run_id: str) -> RunState:
        return self.store.get(run_id).state

    def ended(self, *run_ids: str) -> None:
        until(lambda: all(self.state(run_id).is_final for run_id in run_ids))


def test_runs_are_carried_out_once_however_often_they_are_handed_over(
    tmp_path: Path, secrets: SecretStore
) -> None:
    runner = ScriptedRunner()
    place = Place(tmp_path, secrets, runner)
    run_ids = [place.submit() for _ in range(4)]
    with place.started():
        for run_id in run_ids * 3:
            place.dispatcher.submit(place.store.get(run_id))
        place.ended(*run_ids)
    assert {place.state(run_id) for run_id in run_ids} == {RunState.SUCCEEDED}
    assert {place.store.get(run_id).attempt for run_id in run_ids} == {1}
    assert len(runner.batches) == 8
    assert runner.most <= 2


def test_a_cancelled_run_ends(tmp_path: Path, secrets: SecretStore) -> None:
    runner = ScriptedRunner(wait_for_the_end)
    with Place(tmp_path, secrets, runner).started() as place:
        run_id = place.submit()
        until(lambda: bool(runner.batches))
        place.store.request_cancel(run_id, "ada")
        place.ended(run_id)
        assert place.state(run_id) is RunState.CANCELLED
        assert sum(counts(place.store, run_id).values()) == 4


def test_a_run_that_goes_wrong_again_and_again_is_lost(
    tmp_path: Path, secrets: SecretStore
) -> None:
    def break_down(batch: Batch, lease: Lease) -> None:
        raise RuntimeError

    with Place(tmp_path, secrets, ScriptedRunner(break_down)).started() as place:
        run_id = place.submit()
        place.ended(run_id)
        assert place.state(run_id) is RunState.LOST


def test_a_server_that_stops_ends_what_it_carries_out(tmp_path: Path, secrets: SecretStore) -> None:
    runner = ScriptedRunner(wait_for_the_end)
    with Place(tmp_path, secrets, runner).started() as place:
        for _ in range(4):
            place.submit()
        until(lambda: runner.under_way == 2)
    assert runner.under_way == 0
    assert list((tmp_path / "private").iterdir()) == []
