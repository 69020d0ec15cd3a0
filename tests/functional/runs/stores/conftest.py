"""Both stores, empty; what holds of one holds of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pytest

from craton.runs.memory import MemoryRunStore
from craton.runs.redis import RedisRunStore
from craton.runs.store import RunStore
from tests.functional.runs.stores.making import START
from tests.services import redis
from tests.services.redis import Redis


@dataclass
class Clock:
    """Tells the time that a test sets."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis for all tests that neither stop it nor look at what it keeps on disk."""
    with redis.started(tmp_path_factory.mktemp("redis")) as server:
        yield server


def url(server: Redis) -> str:
    return f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture(params=["memory", "redis"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


#: Opens a store; those of one test share what they keep, as far as their kind can.
Opener = Callable[..., RunStore]


@pytest.fixture
def opened(kind: str, request: pytest.FixtureRequest, clock: Clock) -> Iterator[Opener]:
    stores: list[RunStore] = []

    def memory(**options: int) -> RunStore:
        return MemoryRunStore(**{"max_events": 1000, "keep_days": 14, **options}, clock=clock)

    def shared(**options: int) -> RunStore:
        server = request.getfixturevalue("shared_redis")
        given = {"max_events": 1000, "keep_days": 14, **options}
        return RedisRunStore(url(server), **given, clock=clock)

    def opened(**options: int) -> RunStore:
        store = (memory if kind == "memory" else shared)(**options)
        store.open()
        stores.append(store)
        return store

    if kind == "redis":
        request.getfixturevalue("shared_redis").clear()
    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Opener) -> RunStore:
    """An open, empty store."""
    return opened()


@contextmanager
def redis_store(server: Redis, keep_days: int = 14) -> Iterator[RedisRunStore]:
    """A store on a server of a test's own."""
    store = RedisRunStore(url(server), max_events=1000, keep_days=keep_days)
    store.open()
    try:
        yield store
    finally:
        store.close()
