"""The board: one entry a run, claims that expire and only their owner renews."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from craton.errors import ConfigurationError, Unavailable
from craton.runs.board import Board, run_id_of
from tests.services import redis
from tests.services.redis import Redis
from tests.waiting import until

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with redis.started(tmp_path_factory.mktemp("redis"), ["--appendonly", "yes"]) as server:
        yield server


@pytest.fixture
def server(shared: Redis) -> Redis:
    shared.clear()
    return shared


@pytest.fixture
def board(server: Redis) -> Iterator[Board]:
    board = made(server, lease_seconds=60)
    yield board
    board.close()


def made(server: Redis, lease_seconds: float) -> Board:
    return Board(f"redis://127.0.0.1:{server.port}/0", lease_seconds)


def unclaimed(board: Board) -> list[str]:
    return [run_id_of(job) for job in board.unclaimed()]


def test_a_run_is_posted_once_and_the_oldest_comes_first(board: Board) -> None:
    assert board.post("run-2")
    assert board.post("run-1")
    assert not board.post("run-2")
    assert unclaimed(board) == ["run-2", "run-1"]


def test_an_entry_holds_the_id_of_the_run_and_nothing_else(board: Board, server: Redis) -> None:
    board.post("run-1")
    entry = server.command("HVALS", "craton:jobs:listings")
    assert b"run-1" in entry
    assert len(entry) < 300


def test_one_of_many_gets_an_entry(board: Board) -> None:
    board.post("run-1")
    (job,) = board.unclaimed()
    assert board.claim(job, "one")
    assert not board.claim(job, "two")
    assert unclaimed(board) == []


def test_a_claim_that_is_not_renewed_expires(server: Redis) -> None:
    board = made(server, lease_seconds=0.3)
    board.post("run-1")
    (job,) = board.unclaimed()
    assert board.claim(job, "one")
    until(lambda: unclaimed(board) == ["run-1"])
    assert board.claim(job, "two")
    board.close()


def test_a_claim_that_is_renewed_lasts_as_long_as_a_new_one(board: Board, server: Redis) -> None:
    board.post("run-1")
    (job,) = board.unclaimed()
    board.claim(job, "one")
    key = job.owner_key.decode()
    assert server.command("PEXPIRE", key, "30000") == b":1\r\n"
    assert board.renew(job, "one")
    milliseconds = int(server.command("PTTL", key)[1:])
    assert 30_000 < milliseconds <= 60_000


def test_nobody_renews_or_ends_the_claim_of_another(board: Board) -> None:
    board.post("run-1")
    (job,) = board.unclaimed()
    board.claim(job, "one")
    assert not board.renew(job, "two")
    assert not board.consume(job, "two")
    assert not board.abandon(job, "two")
    assert board.renew(job, "one")


def test_an_entry_that_is_given_back_can_be_claimed_again(board: Board) -> None:
    board.post("run-1")
    (job,) = board.unclaimed()
    board.claim(job, "one")
    assert board.abandon(job, "one")
    assert not board.renew(job, "one")
    assert board.claim(job, "two")


def test_an_entry_that_was_consumed_is_gone(board: Board) -> None:
    board.post("run-1")
    (job,) = board.unclaimed()
    board.claim(job, "one")
    assert board.consume(job, "one")
    assert unclaimed(board) == []
    assert not board.claim(job, "two")
    assert board.post("run-1")


def test_a_board_that_is_away_says_so_and_comes_back(board: Board, server: Redis) -> None:
    board.post("run-1")
    (job,) = board.unclaimed()
    board.claim(job, "one")
    server.process.stop()
    for call in (board.unclaimed, lambda: board.renew(job, "one"), lambda: board.post("run-2")):
        with pytest.raises(Unavailable):
            call()
    server.process.start()
    assert board.renew(job, "one")
    assert unclaimed(board) == []


def test_a_lock_is_held_by_one_at_a_time(board: Board, server: Redis) -> None:
    with board.lock("upgrade"):
        assert server.command("EXISTS", "craton:jobs:lock:upgrade") == b":1\r\n"
    assert server.command("EXISTS", "craton:jobs:lock:upgrade") == b":0\r\n"


@pytest.mark.parametrize("url", ["", "http://127.0.0.1", "redis://127.0.0.1:port/0"])
def test_what_is_no_url_of_a_redis_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="redis_url"):
        Board(url, 9)
