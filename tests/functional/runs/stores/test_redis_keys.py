"""What stands in Redis: nothing half made, nothing left over, no more work than needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from craton.errors import NotFound, Unavailable
from craton.runs.models import EventType, RunState
from craton.runs.redis import RedisRunStore
from tests.functional.runs.stores.conftest import redis_store, url
from tests.functional.runs.stores.making import (
    REGION,
    at,
    batch,
    claimed,
    finished,
    host,
    new_run,
    remark,
    rows,
)
from tests.services.process import free_port
from tests.services.redis import Redis, started

DAY = 24 * 60 * 60


@pytest.fixture
def store(shared_redis: Redis) -> Iterator[RedisRunStore]:
    shared_redis.clear()
    with redis_store(shared_redis, keep_days=2) as store:
        yield store


@pytest.fixture
def client(shared_redis: Redis) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url(shared_redis), decode_responses=True) as client:
        yield client


def keys_of(client: redis.Redis, run_id: str) -> list[str]:
    return sorted(client.scan_iter(f"*{run_id}*"))


# -- the end -----------------------------------------------------------------------------------


def test_an_ended_run_goes_by_itself_after_its_days(
    store: RedisRunStore, client: redis.Redis
) -> None:
    executor = claimed(store)
    executor.tell(batch(EventType.BATCH_STARTED, 0), batch(EventType.BATCH_FINISHED, 0), host(0))
    assert {client.ttl(key) for key in keys_of(client, executor.run_id)} == {-1}
    executor.end()
    kept = keys_of(client, executor.run_id)
    assert len(kept) >= 8
    assert all(2 * DAY - 60 < client.ttl(key) <= 2 * DAY for key in kept)
    assert client.zcard("craton:runs:unfinished") == 0


def test_a_run_that_is_cancelled_before_it_began_goes_by_itself(
    store: RedisRunStore, client: redis.Redis
) -> None:
    run = store.create(new_run(), rows(2), b"sealed")
    store.request_cancel(run.id, "eve")
    kept = keys_of(client, run.id)
    assert all(client.ttl(key) > 0 for key in kept)
    assert not any(key.endswith("material") for key in kept)
    assert client.zcard("craton:runs:unfinished") == 0


def test_what_went_by_itself_is_taken_out_of_the_lists(
    store: RedisRunStore, client: redis.Redis
) -> None:
    gone, stays = claimed(store), claimed(store)
    gone.end()
    client.delete(*keys_of(client, gone.run_id))
    assert [run.id for run in store.find(REGION).items] == [stays.run_id]
    assert client.zrange(f"craton:runs:region:{REGION}", 0, -1) == [stays.run_id]
    with pytest.raises(NotFound):
        store.get(gone.run_id)


def test_what_was_pruned_leaves_no_key(store: RedisRunStore, client: redis.Redis) -> None:
    executor = claimed(store)
    executor.tell(batch(EventType.BATCH_STARTED, 0), batch(EventType.BATCH_FINISHED, 0), host(0))
    executor.end()
    assert store.prune(at(1000)) == 1
    assert keys_of(client, executor.run_id) == []
    assert sorted(client.scan_iter("*")) == [
        f"craton:runs:reached:{REGION}",
        "craton:runs:regions",
    ]


def test_who_dies_right_after_the_end_leaves_no_run_unfinished(
    store: RedisRunStore, client: redis.Redis
) -> None:
    executor = claimed(store)
    executor.end()
    client.zadd("craton:runs:unfinished", {executor.run_id: 0})
    assert list(store.unfinished()) == []
    assert client.zcard("craton:runs:unfinished") == 0


# -- the beginning -----------------------------------------------------------------------------


def test_who_dies_while_a_run_is_made_leaves_nothing_for_long(
    store: RedisRunStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*words: object) -> None:
        raise SystemExit

    run = new_run()
    with monkeypatch.context() as patch:
        patch.setitem(store._scripts, "create", dies)
        with pytest.raises(SystemExit):
            store.create(run, rows(2500))
    drafts = list(keys_of(client, run.id))
    assert len(drafts) == 3
    assert all(0 < client.ttl(key) <= 3600 for key in drafts)
    # Whoever looks meanwhile sees nothing, and takes out nothing either.
    for _ in range(2):
        assert store.find(REGION).items == []
        assert list(store.unfinished()) == []
        assert store.wait({run.id: 0}, 0.01) == {}
        assert client.zcard(f"craton:runs:region:{REGION}") == 1
    with pytest.raises(NotFound):
        store.get(run.id)
    kept = store.create(run, rows(3))
    assert [found.id for found in store.find(REGION).items] == [run.id]
    assert kept.progress.total == 3
    other = new_run()
    with monkeypatch.context() as patch:
        patch.setitem(store._scripts, "create", dies)
        with pytest.raises(SystemExit):
            store.create(other, rows(1))
    client.delete(*keys_of(client, other.id))
    assert [found.id for found in store.find(REGION).items] == [run.id]
    assert client.zcard(f"craton:runs:region:{REGION}") == 1


def test_a_draft_that_went_before_it_was_whole_is_made_anew_or_not_at_all(
    store: RedisRunStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, tries = store._rows.write_aside, []

    def forgetful(run_id: str, hosts: list[object]) -> tuple[str, str]:
        aside = write(run_id, hosts)  # type: ignore[arg-type]
        tries.append(run_id)
        client.delete(aside[0])
        return aside

    monkeypatch.setattr(store._rows, "write_aside", forgetful)
    run = new_run()
    with pytest.raises(Unavailable):
        store.create(run, rows(3))
    with pytest.raises(NotFound):
        store.get(run.id)
    monkeypatch.setattr(store._rows, "write_aside", write)
    assert store.create(run, rows(3)).progress.pending == 3


def test_of_two_who_make_a_run_at_once_one_does(
    store: RedisRunStore, shared_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, write = new_run(), store._rows.write_aside
    with redis_store(shared_redis) as other:

        def is_overtaken(run_id: str, hosts: list[object]) -> tuple[str, str]:
            aside = write(run_id, hosts)  # type: ignore[arg-type]
            other.create(run, rows(2), b"theirs")
            other.claim(run.id)
            return aside

        monkeypatch.setattr(store._rows, "write_aside", is_overtaken)
        kept = store.create(run, rows(5), b"mine")
    assert (kept.progress.total, kept.state) == (2, RunState.RUNNING)
    assert store.material(run.id) == b"theirs"
    assert len(store.hosts(run.id).items) == 2


def test_a_run_that_was_made_leaves_no_draft(store: RedisRunStore, client: redis.Redis) -> None:
    run = store.create(new_run(), rows(1500), b"sealed")
    names = {key.partition("}:")[2] for key in keys_of(client, run.id)}
    assert names == {"run", "events", "material", "hosts", "order"}
    assert {client.ttl(key) for key in keys_of(client, run.id)} == {-1}


# -- work and places ---------------------------------------------------------------------------


def commands(client: redis.Redis) -> int:
    stats = client.info("commandstats")
    names = ("hget", "hset", "hmget", "hgetall", "hexists", "xadd", "hincrby", "sadd", "srem")
    return sum(stats[f"cmdstat_{name}"]["calls"] for name in names if f"cmdstat_{name}" in stats)


def test_a_report_costs_as_much_in_a_large_run_as_in_a_small_one(
    store: RedisRunStore, client: redis.Redis
) -> None:
    costs = []
    for hosts in (20, 3000):
        executor = claimed(store, hosts=hosts)
        before = commands(client)
        executor.tell(*(report for index in range(10) for report in (host(index), finished(index))))
        costs.append(commands(client) - before)
    assert costs[0] == costs[1]
    assert costs[0] < 20 * 8


def test_all_that_concerns_one_run_works_on_one_node_of_a_cluster(tmp_path: Path) -> None:
    options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
    with started(tmp_path / "redis", options) as server:
        assert server.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383") == b"+OK\r\n"
        while b"cluster_state:ok" not in server.command("CLUSTER", "INFO"):
            pass
        with redis_store(server) as store:
            executor = claimed(store, hosts=5)
            executor.tell(host(0), batch(EventType.BATCH_FINISHED, 0), remark("x"))
            assert len(store.hosts(executor.run_id).items) == 5
            assert len(store.wait({executor.run_id: 0}, 10)[executor.run_id].items) == 5
            store.request_cancel(executor.run_id, "eve")
            executor.end(RunState.CANCELLED)
            assert store.prune(at(1000)) == 1
