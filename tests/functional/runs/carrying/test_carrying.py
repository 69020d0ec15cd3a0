"""Carrying out a run: each batch once, from where it stands, and a true end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from craton.errors import NotFound
from craton.runs.batch import Batch, Lease
from craton.runs.carrying import carry_out
from craton.runs.flow import MAX_PORTIONS, portions
from craton.runs.lease import RunLease
from craton.runs.models import EventType, HostState, RunState
from craton.secrets import SecretStore
from tests.functional.runs.carrying.making import (
    ScriptedRunner,
    accepted,
    bundle,
    counts,
    equipment,
    events,
    memory_store,
    told,
    wait_for_the_end,
)
from tests.functional.secrets.elsewhere import Elsewhere
from tests.services import mariadb
from tests.waiting import until


def test_every_batch_is_run_once_and_told_of(tmp_path: Path, secrets: SecretStore) -> None:
    runner = ScriptedRunner()
    tools = equipment(tmp_path, secrets, runner, workers=1)
    run_id = accepted(tools.store, secrets, hosts=7, batch_size=2)
    assert carry_out(tools, run_id, RunLease())
    assert runner.batches == [0, 1, 2, 3]
    assert [len(batch.hosts) for batch in runner.given] == [2, 2, 2, 1]
    run = tools.store.get(run_id)
    assert run.state is RunState.SUCCEEDED
    assert run.reason == ""
    assert counts(tools.store, run_id) == {"ok": 7}
    assert told(tools.store, run_id, EventType.BATCH_STARTED) == [0, 1, 2, 3]
    assert told(tools.store, run_id, EventType.BATCH_FINISHED) == [0, 1, 2, 3]
    assert events(tools.store, run_id)[-1].type is EventType.RUN_STATE


def test_a_batch_gets_what_the_run_says(tmp_path: Path, secrets: SecretStore) -> None:
    seen: list[str] = []
    runner = ScriptedRunner(lambda batch, lease: seen.append((batch.bundle / "hosts").read_text()))
    tools = equipment(tmp_path, secrets, runner)
    run_id = accepted(
        tools.store,
        secrets,
        hosts=1,
        content=bundle(hosts="all: {}"),
        extra_vars={"password": "hunter2"},
        check=True,
        tags=("packages",),
        forks=7,
    )
    assert carry_out(tools, run_id, RunLease())
    (batch,) = runner.given
    assert seen == ["all: {}"]
    assert batch.extra_vars == {"password": "hunter2"}
    assert (batch.check, batch.tags, batch.forks) == (True, ("packages",), 7)
    assert batch.playbook == tmp_path / "playbooks" / "site.yml"
    assert list((tmp_path / "private").iterdir()) == []


def test_nothing_is_left_elsewhere_of_what_a_run_took(tmp_path: Path) -> None:
    elsewhere = Elsewhere()
    lease = RunLease()
    tools = equipment(tmp_path, elsewhere, ScriptedRunner(lambda batch, _: lease.end()))
    run_id = accepted(tools.store, elsewhere)
    assert not carry_out(tools, run_id, lease)
    assert len(elsewhere.kept) == 1
    assert carry_out(replace(tools, runner=ScriptedRunner()), run_id, RunLease())
    assert elsewhere.kept == {}


@pytest.mark.parametrize("state", [HostState.FAILED, HostState.UNREACHABLE])
def test_one_bad_host_makes_the_run_fail(
    tmp_path: Path, secrets: SecretStore, state: HostState
) -> None:
    tools = equipment(tmp_path, secrets, ScriptedRunner(states={"web-0003": state}))
    run_id = accepted(tools.store, secrets, hosts=6)
    assert carry_out(tools, run_id, RunLease())
    run = tools.store.get(run_id)
    assert run.state is RunState.FAILED
    assert "of 6 hosts 1" in run.reason
    assert counts(tools.store, run_id) == {"ok": 5, state.value: 1}


def test_what_was_wrong_with_a_batch_is_told(tmp_path: Path, secrets: SecretStore) -> None:
    states = {"web-0000": HostState.FAILED}
    tools = equipment(tmp_path, secrets, ScriptedRunner(states=states, message="no such role"))
    run_id = accepted(tools.store, secrets, hosts=1)
    assert carry_out(tools, run_id, RunLease())
    assert tools.store.get(run_id).reason.endswith("no such role")


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.service)])
def shared_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that several processes, or several machines, can reach."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/flows.sqlite"
        return
    with mariadb.started(tmp_path / "mariadb") as server, server.database() as name:
        yield server.url(name)


def test_another_attempt_runs_only_what_is_left_and_says_so(
    tmp_path: Path, secrets: SecretStore, shared_database: str
) -> None:
    kept = shared_database
    lease = RunLease()

    def die_in_the_third(batch: Batch, _: Lease) -> None:
        if batch.number == 2:
            lease.end()

    first = equipment(
        tmp_path, secrets, ScriptedRunner(die_in_the_third), persistence=kept, workers=1
    )
    run_id = accepted(first.store, secrets, hosts=10)
    assert not carry_out(first, run_id, lease)
    assert first.store.get(run_id).state is RunState.RUNNING

    runner = ScriptedRunner()
    second = equipment(tmp_path, secrets, runner, store=first.store, persistence=kept, workers=1)
    assert carry_out(second, run_id, RunLease())
    assert runner.batches == [2, 3, 4]
    assert told(first.store, run_id, EventType.BATCH_RESTARTED) == [2]
    assert told(first.store, run_id, EventType.BATCH_STARTED) == [0, 1, 2, 3, 4]
    assert sorted(told(first.store, run_id, EventType.BATCH_FINISHED)) == [0, 1, 2, 3, 4]
    assert first.store.get(run_id).state is RunState.SUCCEEDED
    assert rows(kept) == 0


def rows(database: str) -> int:
    """Return how much TaskFlow keeps there."""
    engine = create_engine(database)
    with closing(engine.connect()) as connection:
        found: int = sum(
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            for table in ("logbooks", "flowdetails", "atomdetails")
        )
    engine.dispose()
    return found


def test_batches_that_share_a_task_are_known_one_by_one(
    tmp_path: Path, secrets: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("craton.runs.flow.MAX_PORTIONS", 2)
    lease = RunLease()

    def die_in_the_fifth(batch: Batch, _: Lease) -> None:
        if batch.number == 4:
            lease.end()

    first = equipment(tmp_path, secrets, ScriptedRunner(die_in_the_fifth), workers=1)
    run_id = accepted(first.store, secrets, hosts=12)
    assert not carry_out(first, run_id, lease)
    runner = ScriptedRunner()
    second = equipment(tmp_path, secrets, runner, store=first.store, workers=1)
    assert carry_out(second, run_id, RunLease())
    assert runner.batches == [4, 5]
    assert told(first.store, run_id, EventType.BATCH_RESTARTED) == [4]


def test_a_run_that_cannot_begin_anywhere_is_lost_in_the_end(
    tmp_path: Path, secrets: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = equipment(tmp_path, secrets, ScriptedRunner(), max_attempts=2)
    run_id = accepted(tools.store, secrets)
    monkeypatch.setattr(tools.directories, "base", tmp_path / "gone")
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            carry_out(tools, run_id, RunLease())
    assert carry_out(tools, run_id, RunLease())
    assert tools.store.get(run_id).state is RunState.LOST


def test_the_store_counts_where_taskflow_knows_more(tmp_path: Path, secrets: SecretStore) -> None:
    # As after a crash of a Redis that lost its last second.
    kept = f"sqlite:///{tmp_path}/flows.sqlite"
    lease = RunLease()

    def die_in_the_last(batch: Batch, _: Lease) -> None:
        if batch.number == 2:
            lease.end()

    first = equipment(
        tmp_path, secrets, ScriptedRunner(die_in_the_last), persistence=kept, workers=1
    )
    run_id = accepted(first.store, secrets)
    assert not carry_out(first, run_id, lease)

    runner = ScriptedRunner()
    store = memory_store()
    second = equipment(tmp_path, secrets, runner, store=store, persistence=kept)
    accepted(store, secrets, id=run_id)
    assert carry_out(second, run_id, RunLease())
    assert sorted(runner.batches) == [0, 1, 2]


def test_a_cancelled_run_ends_its_batches_and_leaves_the_rest_untouched(
    tmp_path: Path, secrets: SecretStore
) -> None:
    lease = RunLease()

    def cancel(batch: Batch, _: Lease) -> None:
        if batch.number == 1:
            tools.store.request_cancel(run_id, "ada")
            lease.cancel()
            wait_for_the_end(batch, lease)

    runner = ScriptedRunner(cancel)
    tools = equipment(tmp_path, secrets, runner, workers=1)
    run_id = accepted(tools.store, secrets, hosts=8)
    assert carry_out(tools, run_id, lease)
    assert runner.batches == [0, 1]
    assert tools.store.get(run_id).state is RunState.CANCELLED
    assert counts(tools.store, run_id) == {"ok": 2, "pending": 6}


def test_a_run_that_was_cancelled_before_it_was_taken_over_touches_nothing(
    tmp_path: Path, secrets: SecretStore
) -> None:
    runner = ScriptedRunner()
    tools = equipment(tmp_path, secrets, runner)
    run_id = accepted(tools.store, secrets)
    tools.store.claim(run_id)
    tools.store.request_cancel(run_id, "ada")
    assert carry_out(tools, run_id, RunLease())
    assert runner.batches == []
    assert tools.store.get(run_id).state is RunState.CANCELLED


def test_a_run_whose_bundle_is_broken_fails_with_the_reason(
    tmp_path: Path, secrets: SecretStore
) -> None:
    runner = ScriptedRunner()
    tools = equipment(tmp_path, secrets, runner)
    run_id = accepted(tools.store, secrets, content=b"no archive")
    assert carry_out(tools, run_id, RunLease())
    run = tools.store.get(run_id)
    assert run.state is RunState.FAILED
    assert "bundle" in run.reason
    assert runner.batches == []
    assert counts(tools.store, run_id) == {"pending": 6}


def test_a_run_whose_playbook_is_gone_fails_with_the_reason(
    tmp_path: Path, secrets: SecretStore
) -> None:
    tools = equipment(tmp_path, secrets, ScriptedRunner())
    run_id = accepted(tools.store, secrets, playbook="gone.yml")
    assert carry_out(tools, run_id, RunLease())
    run = tools.store.get(run_id)
    assert run.state is RunState.FAILED
    assert "playbook" in run.reason


def test_after_too_many_attempts_a_run_is_lost(tmp_path: Path, secrets: SecretStore) -> None:
    def break_down(batch: Batch, lease: Lease) -> None:
        raise RuntimeError

    runner = ScriptedRunner(break_down)
    tools = equipment(tmp_path, secrets, runner, workers=1, max_attempts=3)
    run_id = accepted(tools.store, secrets, hosts=1)
    assert [carry_out(tools, run_id, RunLease()) for _ in range(4)] == [False] * 3 + [True]
    assert runner.batches == [0, 0, 0]
    run = tools.store.get(run_id)
    assert run.state is RunState.LOST
    assert "3 conductors" in run.reason


def test_attempts_that_were_given_back_in_order_do_not_count(
    tmp_path: Path, secrets: SecretStore
) -> None:
    tools = equipment(tmp_path, secrets, ScriptedRunner(), max_attempts=1)
    run_id = accepted(tools.store, secrets)
    for _ in range(3):
        tools.store.claim(run_id)
        tools.persistence.give_back(run_id)
    assert carry_out(tools, run_id, RunLease())
    assert tools.store.get(run_id).state is RunState.SUCCEEDED


def test_there_is_nothing_to_do_for_a_run_that_has_ended_or_never_was(
    tmp_path: Path, secrets: SecretStore
) -> None:
    runner = ScriptedRunner()
    tools = equipment(tmp_path, secrets, runner)
    run_id = accepted(tools.store, secrets)
    tools.store.request_cancel(run_id, "ada")
    assert carry_out(tools, run_id, RunLease())
    assert carry_out(tools, "run-unknown", RunLease())
    assert runner.batches == []


def test_somebody_who_was_superseded_stops_before_the_next_batch(
    tmp_path: Path, secrets: SecretStore
) -> None:
    lease = RunLease()

    def be_superseded(batch: Batch, _: Lease) -> None:
        if batch.number == 1:
            tools.store.claim(run_id)

    runner = ScriptedRunner(be_superseded)
    tools = equipment(tmp_path, secrets, runner, workers=1)
    run_id = accepted(tools.store, secrets, hosts=400, batch_size=2)
    assert not carry_out(tools, run_id, lease)
    # What was in the air when it happened may have begun; no more than that.
    assert len(runner.batches) < 200
    assert lease.is_over
    assert tools.store.get(run_id).state is RunState.RUNNING


def test_no_more_batches_at_once_than_there_are_workers(
    tmp_path: Path, secrets: SecretStore
) -> None:
    runner = ScriptedRunner(lambda batch, lease: time.sleep(0.002))
    tools = equipment(tmp_path, secrets, runner, workers=2)
    runs = [accepted(tools.store, secrets, hosts=40, batch_size=2) for _ in range(3)]
    threads = [
        threading.Thread(target=carry_out, args=(tools, run_id, RunLease())) for run_id in runs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runner.most == 2
    assert all(tools.store.get(run_id).state is RunState.SUCCEEDED for run_id in runs)


def test_as_many_batches_as_hosts_are_few_tasks(tmp_path: Path, secrets: SecretStore) -> None:
    assert len(list(portions(range(10_000)))) <= MAX_PORTIONS
    assert [number for part in portions(range(10_000)) for number in part] == list(range(10_000))
    runner = ScriptedRunner()
    tools = equipment(tmp_path, secrets, runner)
    run_id = accepted(tools.store, secrets, hosts=2_000, batch_size=1)
    assert carry_out(tools, run_id, RunLease())
    assert sorted(runner.batches) == list(range(2_000))
    assert counts(tools.store, run_id) == {"ok": 2_000}


def test_what_is_in_clear_goes_even_with_a_process_that_is_killed(tmp_path: Path) -> None:
    directory = tmp_path / "private"
    (directory / "bundle").mkdir(parents=True)
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from craton.runs.removing import removed_at_any_rate\n"
        "with removed_at_any_rate(Path(sys.argv[1])):\n"
        "    os.killpg(0, 9)\n"
    )
    command = [sys.executable, "-c", script, str(directory)]
    assert subprocess.run(command, start_new_session=True).returncode == -9
    until(lambda: not directory.exists())


def test_taskflow_is_told_nothing_secret_and_forgets_the_run(
    tmp_path: Path, secrets: SecretStore
) -> None:
    file = tmp_path / "flows.sqlite"

    def break_down(batch: Batch, lease: Lease) -> None:
        raise RuntimeError("canary-error")

    tools = equipment(
        tmp_path, secrets, ScriptedRunner(break_down), persistence=f"sqlite:///{file}"
    )
    run_id = accepted(
        tools.store,
        secrets,
        content=bundle(hosts="canary-bundle"),
        extra_vars={"password": "canary-vars"},
    )
    assert not carry_out(tools, run_id, RunLease())
    kept = file.read_bytes()
    assert run_id.encode() in kept
    assert b"canary" not in kept
    tools = equipment(
        tmp_path, secrets, ScriptedRunner(), store=tools.store, persistence=f"sqlite:///{file}"
    )
    assert carry_out(tools, run_id, RunLease())
    with pytest.raises(NotFound):
        tools.store.material(run_id)
    _, detail = tools.persistence.detail(run_id)
    assert len(detail) == 0
