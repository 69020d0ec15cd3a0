"""Conductors that die, stop, and are told to end: others go on, and no host is touched unseen."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from craton.runs.board import Board
from craton.runs.models import EventType, RunState
from craton.secrets import SecretStore
from tests.functional.runs.carrying.conductors import House
from tests.functional.runs.carrying.making import counts, told
from tests.services import redis
from tests.waiting import until

#: As by default. Shorter ones are lost now and then by mistake where the machine is busy.
LEASE = {"lease_seconds": 9}

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("conductors")]


@pytest.fixture
def house(tmp_path: Path, secrets: SecretStore) -> Iterator[House]:
    with redis.started(tmp_path / "redis", ["--appendonly", "yes"]) as server:
        house = House(tmp_path, server, secrets)
        yield house
        house.close()


def submit(house: House, run_id: str) -> None:
    board = Board(house.url, 9)
    assert board.post(run_id)
    board.close()


def test_a_run_survives_every_conductor_that_is_killed(house: House) -> None:
    first = house.conductor("first", **LEASE)
    run_id = house.accept(hosts=6, batch_size=2)
    submit(house, run_id)
    house.open(0, 1)
    house.began(2, 3)

    # The first dies in the second batch; another takes over and says so.
    second = house.conductor("second", **LEASE)
    killed = time.time()
    first.kill()
    house.began(2, 3, times=2)
    taken_over = house.events(run_id, [EventType.RUN_TAKEN_OVER])[0].time.timestamp()
    assert taken_over - killed < 15
    house.open(2, 3)
    house.began(4, 5)

    # Nobody is left in the third batch; the hosts are left alone until somebody comes.
    second.kill()
    time.sleep(10)
    assert house.store.get(run_id).state is RunState.RUNNING
    assert house.lines(4) == house.lines(5) == ["begin"]
    house.open()
    house.conductor("third")
    run = house.ended(run_id)
    assert run.state is RunState.SUCCEEDED
    assert run.attempt == 3
    assert counts(house.store, run_id) == {"changed": 6}
    assert [house.lines(host) for host in range(6)] == [
        *([["begin", "end"]] * 2),
        *([["begin", "begin", "end"]] * 4),
    ]
    assert told(house.store, run_id, EventType.BATCH_STARTED) == [0, 1, 2]
    assert told(house.store, run_id, EventType.BATCH_RESTARTED) == [1, 2]
    assert told(house.store, run_id, EventType.BATCH_FINISHED) == [0, 1, 2]


def test_a_conductor_that_slept_through_its_lease_touches_no_further_host(house: House) -> None:
    sleeper = house.conductor("sleeper", **LEASE)
    run_id = house.accept(hosts=6, batch_size=2)
    submit(house, run_id)
    house.began(0, 1)
    sleeper.pause()
    house.conductor("other")
    house.began(0, 1, times=2)
    house.open()
    run = house.ended(run_id)
    assert run.state is RunState.SUCCEEDED
    before = [house.lines(host) for host in range(6)]
    assert before == [["begin", "begin", "end"]] * 2 + [["begin", "end"]] * 4
    sleeper.resume()
    until(lambda: "was interrupted" in sleeper.log.read_text())
    time.sleep(2)
    assert [house.lines(host) for host in range(6)] == before
    assert house.store.get(run_id) == run
    assert house.events(run_id)[-1].type is EventType.RUN_STATE


@pytest.mark.parametrize("finish", [False, True], ids=["give back", "finish"])
def test_a_conductor_that_is_told_to_end_gives_back_or_finishes(house: House, finish: bool) -> None:
    first = house.conductor("first", *(["--finish"] if finish else []), max_attempts=1)
    run_id = house.accept(hosts=4, batch_size=2)
    submit(house, run_id)
    house.began(0, 1)
    house.conductor("second", max_attempts=1)
    if finish:
        os.kill(first.pid, signal.SIGTERM)
        until(lambda: "ends by" in first.log.read_text())
        house.open()
    else:
        first.stop()
        house.open()
    run = house.ended(run_id)
    until(lambda: not first.alive)
    assert run.state is RunState.SUCCEEDED
    # What is given back in order is no attempt that failed.
    assert run.attempt == (1 if finish else 2)
    assert told(house.store, run_id, EventType.BATCH_RESTARTED) == ([] if finish else [0])


def test_a_cancelled_run_ends_soon_and_nothing_of_it_is_alive(house: House) -> None:
    house.conductor("first")
    run_id = house.accept(hosts=4, batch_size=2)
    submit(house, run_id)
    house.began(0, 1)
    # What is under way to the store when the run is cancelled never gets there.
    until(lambda: house.store.get(run_id).progress.pending == 2)
    house.store.request_cancel(run_id, "ada")
    run = house.ended(run_id)
    assert run.state is RunState.CANCELLED
    house.open()
    time.sleep(1)
    assert [house.lines(host) for host in range(4)] == [["begin"], ["begin"], [], []]
    assert run.progress.pending == 2


def test_a_restart_of_redis_loses_and_repeats_nothing(house: House) -> None:
    house.conductor("first")
    run_id = house.accept(hosts=6, batch_size=2)
    submit(house, run_id)
    seen: list[int] = []

    def follow() -> None:
        page = house.store.wait({run_id: seen[-1] if seen else 0}, 0.1).get(run_id)
        seen.extend(event.id for event in page.items) if page else None

    for hosts in ((0, 1), (2, 3), (4, 5)):
        house.began(*hosts)
        follow()
        house.redis.process.stop()
        house.open(*hosts)
        house.redis.process.start()
    run = house.ended(run_id)
    follow()
    assert run.state is RunState.SUCCEEDED
    assert run.attempt == 1
    assert counts(house.store, run_id) == {"changed": 6}
    assert seen == list(range(1, run.last_event + 1))
    assert [house.lines(host) for host in range(6)] == [["begin", "end"]] * 6
