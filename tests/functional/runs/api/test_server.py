"""Many who follow events at a real server: nothing is left out or sent twice, and nobody waits."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.functional.commands import Place, Running
from tests.functional.runs.api.following import Message, Stream
from tests.functional.runs.api.telling import Teller
from tests.services import redis
from tests.services.redis import Redis
from tests.waiting import PATIENCE, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("runs-api-server")]

#: More clients than threads, and fewer than all threads of the service would hold.
WATCHERS = 12


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with two threads, which lets twelve clients follow events."""
    place = Place(tmp_path_factory.mktemp("server"))
    path = place.configuration(
        "[inventory]\ndriver = memory\n[api]\nthreads = 2\n"
        f"[runs]\nmax_watchers = {WATCHERS}\nmax_events = 10000\n"
    )
    with place.server("--config-file", path) as server:
        yield server


@pytest.fixture(scope="module")
def everything(server: Running) -> Teller:
    return Teller(server.url)


@pytest.fixture
def teller(everything: Teller) -> Teller:
    """A run that was just announced."""
    everything.announce()
    return everything


def numbers(messages: list[Message]) -> list[int | None]:
    return [message.id for message in messages if message.name != "end"]


def watchers(server: Running) -> float:
    text = requests.get(f"{server.url}/metrics", timeout=PATIENCE).text
    (line,) = (line for line in text.splitlines() if line.startswith("craton_watchers "))
    return float(line.split()[1])


def test_a_stream_is_what_the_list_is(server: Running, teller: Teller) -> None:
    teller.tell(700, end="succeeded")
    with Stream(teller.events) as stream:
        found = list(stream)
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["connection"] == "close"
    assert stream.headers["cache-control"] == "no-store"
    assert stream.headers["x-content-type-options"] == "nosniff"
    assert stream.headers["x-openstack-request-id"].startswith("req-")
    listed = server.get(f"{teller.run}/events?limit=1000")["events"]
    assert [message.data for message in found[:-1]] == listed
    assert (found[-1].name, found[-1].data) == ("end", {"state": "succeeded"})


class Wanderer(threading.Thread):
    """Follows a run, and loses the connection again and again."""

    def __init__(self, url: str, seed: int) -> None:
        super().__init__()
        self.url = url
        self.found: list[Message] = []
        self.connections = 0
        self._random = random.Random(seed)

    def run(self) -> None:
        after: int | None = None
        while True:
            # What is on its way when the block ends is lost with the connection.
            with Stream(self.url, after) as stream:
                self.connections += 1
                left = self._random.randrange(120)
                for message in stream:
                    self.found.append(message)
                    if message.name == "end":
                        return
                    after = message.id
                    left -= 1
                    if left <= 0:
                        break


def test_whoever_comes_back_misses_nothing_and_gets_nothing_twice(teller: Teller) -> None:
    followers = [Wanderer(teller.events, seed) for seed in range(6)]
    for follower in followers:
        follower.start()
    for _ in range(60):
        teller.tell(10)
    teller.tell(1, end="succeeded")
    for follower in followers:
        follower.join(PATIENCE)
        assert numbers(follower.found) == list(range(1, teller.last + 1))
        assert follower.connections > 3


def test_those_who_follow_hold_no_thread(server: Running, teller: Teller) -> None:
    streams = [Stream(teller.events) for _ in range(WATCHERS)]
    for _ in range(10):
        assert server.get(f"{teller.run}/hosts")["hosts"]
    assert watchers(server) == WATCHERS
    teller.tell(1, end="failed")
    for stream in streams:
        assert numbers(list(stream)) == [1, 2, 3, 4]
        stream.close()
    until(lambda: watchers(server) == 0)


def test_one_too_many_is_told_to_come_back(server: Running, teller: Teller) -> None:
    streams = [Stream(teller.events) for _ in range(WATCHERS)]
    refused = requests.get(teller.events, headers={"Accept": "text/event-stream"}, timeout=PATIENCE)
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.json()["code"] == "too_many_watchers"
    assert server.get(f"{teller.run}/events")["events"]
    streams.pop().close()

    def let_in() -> bool:
        with Stream(teller.events) as stream:
            return stream.status == 200

    until(let_in)
    for stream in streams:
        stream.close()
    until(lambda: watchers(server) == 0)


def test_who_reads_slowly_holds_nobody_up_and_gets_all(server: Running, teller: Teller) -> None:
    process = psutil.Process(server.process.pid).children()[0]
    slow = Stream(teller.events, receive=4096)
    quick = Stream(teller.events)
    before = process.memory_info().rss
    message = "x" * 4000
    for _ in range(40):
        teller.tell(100, message)
    received = iter(quick)
    seen = [next(received).id for _ in range(teller.last)]
    assert seen == list(range(1, teller.last + 1))
    # Sixteen megabytes wait for the slow one, and not in the memory of the service twice.
    assert process.memory_info().rss - before < 48 * 2**20
    teller.tell(0, end="succeeded")
    assert numbers(list(slow)) == list(range(1, teller.last + 1))
    slow.close()
    quick.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis that loses nothing when it is restarted."""
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with redis.started(tmp_path_factory.mktemp("shared-redis"), options) as server:
        yield server


class Follower(threading.Thread):
    """Follows a run as a browser does: comes back until it is told the end."""

    def __init__(self, teller: Teller) -> None:
        super().__init__()
        self._teller = teller
        self.found: list[Message] = []
        self.broken = 0

    def run(self) -> None:
        after: int | None = None
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                with Stream(self._teller.events, after) as stream:
                    for message in stream if stream.status == 200 else ():
                        self.found.append(message)
                        after = message.id if message.id is not None else after
                        if message.name == "end":
                            return
            except (OSError, EOFError):
                pass
            self.broken += 1
            time.sleep(0.1)


def test_a_restart_of_the_server_or_of_the_redis_leaves_no_gap(
    tmp_path: Path, shared: Redis
) -> None:
    place = Place(tmp_path)
    path = place.configuration(
        f"[runs]\nredis_url = redis://127.0.0.1:{shared.port}/0\nmax_events = 10000\n"
    )
    with place.server("--config-file", path) as server:
        teller = Teller(server.url)
        followers = [Follower(teller) for _ in range(3)]
        for follower in followers:
            follower.start()
        teller.tell(100)
        shared.process.stop()
        shared.process.start()
        teller.tell(100)
        assert not any(follower.broken for follower in followers)
        server.kill()
    with place.server("--config-file", path) as server:
        teller.url = server.url
        teller.tell(100)
        with Stream(teller.events) as idle:
            assert server.stop() == 0
            assert numbers(list(idle)) == list(range(1, teller.last + 1))
    with place.server("--config-file", path) as server:
        teller.url = server.url
        teller.tell(100, end="failed")
        for follower in followers:
            follower.join(PATIENCE)
            assert numbers(follower.found) == list(range(1, teller.last + 1))
            assert follower.found[-1].data == {"state": "failed"}
            assert follower.broken
