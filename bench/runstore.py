"""What it costs to keep what a run tells: 10,000 hosts, five events each, 500 events at once."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

import psutil
import redis

from bench.measure import Cost, Timing, Work, best_of
from bench.stage import Stage, progress
from craton.runs.memory import MemoryRunStore
from craton.runs.models import EventType, HostState, Progress, Report, Run, RunHost
from craton.runs.redis import RedisRunStore, records
from craton.runs.store import RunStore
from tests.services.redis import Redis, started

_HOSTS = 10_000

#: Events of one report; a conductor gathers what comes within moments.
_PORTION = 500

_MAX_EVENTS = 100_000
_KEEP_DAYS = 1

_numbers = itertools.count()


def measure_run_store(stage: Stage, repeat: int) -> Iterator[Timing]:
    """Compare both stores with the same events appended raw to one stream of the same Redis."""
    hosts = min(_HOSTS, stage.fleet.hosts)
    reports = _reports(hosts)
    memory = MemoryRunStore(max_events=_MAX_EVENTS, keep_days=_KEEP_DAYS)
    with started(stage.directory / "runs-redis", ["--appendonly", "yes"]) as server:
        url = f"redis://127.0.0.1:{server.port}/0"
        shared = RedisRunStore(url, max_events=_MAX_EVENTS, keep_days=_KEEP_DAYS)
        progress(f"reports of {hosts:,} hosts to both stores, and the same appended raw")
        with redis.Redis.from_url(url) as client:
            clock = partial(_cpu_seconds, server)
            raw, by_redis, by_memory = best_of(
                repeat,
                Work(action=partial(_append, client, reports), cpu_clock=clock),
                Work(action=partial(_tell, shared, hosts, reports), cpu_clock=clock),
                Work(action=partial(_tell, memory, hosts, reports)),
            )
        shared.close()
    note = f"{len(reports):,} events, {_PORTION} at once, and a run made"
    yield _line("run kept in Redis", raw, by_redis, note)
    yield _line("run kept in memory", raw, by_memory, note)


def _line(what: str, floor: Cost, craton: Cost, note: str) -> Timing:
    ratio = craton.cpu / floor.cpu if floor.cpu else None
    return Timing(what=what, floor=floor.wall, craton=craton.wall, cpu_ratio=ratio, note=note)


def _cpu_seconds(server: Redis) -> float:
    times = psutil.Process(server.process.pid).cpu_times()
    return time.process_time() + times.user + times.system


def _append(client: redis.Redis, reports: Sequence[Report]) -> None:
    stream = f"raw-{next(_numbers)}"
    for portion in _portions(reports):
        with client.pipeline(transaction=True) as steps:
            for report in portion:
                steps.xadd(stream, {"e": records.new_event(report)})
            steps.execute()


def _tell(store: RunStore, hosts: int, reports: Sequence[Report]) -> None:
    run = Run(
        id=f"{next(_numbers):09}",
        region_id="region",
        tenant_id="tenant",
        playbook="site.yml",
        batch_size=100,
        forks=10,
        requested_by="bench",
        created_at=datetime.now(UTC),
        progress=Progress(total=0),
    )
    rows = [
        RunHost(host_id=f"id-{index}", host=f"web-{index:05}", batch=index // 100)
        for index in range(hosts)
    ]
    store.create(run, rows)
    fence, first = store.claim(run.id), 1
    for portion in _portions(reports):
        store.report(run.id, fence, first, portion)
        first += len(portion)


def _portions(reports: Sequence[Report]) -> Iterator[Sequence[Report]]:
    for first in range(0, len(reports), _PORTION):
        yield reports[first : first + _PORTION]


def _reports(hosts: int) -> list[Report]:
    """Return four tasks and an end for every host, of about 130 characters each."""
    now = datetime.now(UTC)
    tasks = [
        (EventType.HOST_OK, "install the packages of the web front", "12 packages are there"),
        (EventType.HOST_CHANGED, "write the configuration", "changed 3 files"),
        (EventType.HOST_OK, "restart what is outdated", ""),
        (EventType.HOST_OK, "check that it answers", "200 OK after 3 tries"),
    ]
    return [
        report
        for index in range(hosts)
        for report in (
            *(
                Report(
                    type=type,
                    time=now,
                    host_id=f"id-{index}",
                    host=f"web-{index:05}",
                    task=task,
                    message=message,
                    data={"batch": index // 100},
                )
                for type, task, message in tasks
            ),
            Report(
                type=EventType.HOST_FINISHED,
                time=now,
                host_id=f"id-{index}",
                host=f"web-{index:05}",
                data={"state": HostState.CHANGED.value},
                host_state=HostState.CHANGED,
            ),
        )
    ]
