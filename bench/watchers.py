"""How late clients learn what happens in a run, and what they cost the server: 500 of them."""

from __future__ import annotations

import json
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench.http import Connection
from bench.measure import Growth, Timing
from bench.memory import PeakMemory
from bench.processes import Server, craton_server
from bench.stage import Stage, progress
from craton.runs.models import EventType, Origin, Progress, Report, Run, RunHost, RunState
from craton.runs.redis import RedisRunStore
from tests.services.redis import started

WATCHERS = 500

#: What Ansible tells while ten forks work on hosts, gathered as a conductor gathers it.
EVENTS_A_SECOND = 200
_PORTIONS_A_SECOND = 10

#: How long it is watched, in seconds, for each measurement.
_SECONDS = 10

_HOSTS = 200

#: How many events a run begins with.
_BEGINNING = 2

#: How late they may be, and what memory they may take.
_AIM_SECONDS = 0.5
_AIM_MIB = 100

_TIME = b'"time":"'
_EVENT = b"\nid: "

#: Takes reports: those of a portion, and whether they are the last.
Tell = Callable[[list[Report], bool], None]


def measure_watchers(stage: Stage, repeat: int) -> Iterator[Timing | Growth]:
    """Let many clients follow one run, on both stores."""
    for name, told in (("Redis", _by_redis), ("memory", _by_request)):
        progress(f"{WATCHERS} clients that follow a run, {name}")
        with told(stage.directory / f"watchers-{name.lower()}") as (server, path, tell):
            yield from _watched(name, server, path, tell)


@contextmanager
def _by_redis(directory: Path) -> Iterator[tuple[Server, str, Tell]]:
    """A server on a Redis, to which somebody else writes, as a conductor does."""
    directory.mkdir()
    with (
        started(directory / "redis", ["--appendonly", "yes"]) as redis,
        craton_server(
            directory, f"[runs]\nredis_url = redis://127.0.0.1:{redis.port}/0\n"
        ) as server,
        server.connect() as connection,
    ):
        region = _region(connection)
        store = RedisRunStore(f"redis://127.0.0.1:{redis.port}/0", max_events=100_000, keep_days=1)
        store.open()
        rows = [RunHost(host_id=f"h{n}", host=f"host{n}", batch=0) for n in range(_HOSTS)]
        run = store.create(_run(region), rows)
        fence = store.claim(run.id)
        told = 0

        def tell(reports: list[Report], is_last: bool) -> None:
            nonlocal told
            if is_last:
                state = RunState.SUCCEEDED
                data = {"state": state.value}
                type = EventType.RUN_STATE
                reports = [*reports, Report(type=type, time=_now(), data=data, run_state=state)]
            store.report(run.id, fence, told + 1, reports)
            told += len(reports)

        yield server, f"/v1/runs/{region}/{run.id}/events", tell
        store.close()


@contextmanager
def _by_request(directory: Path) -> Iterator[tuple[Server, str, Tell]]:
    """A server alone, to which a callback plugin reports."""
    directory.mkdir()
    with craton_server(directory) as server, server.connect() as connection:
        region = _region(connection)
        names = [f"host{number}" for number in range(_HOSTS)]
        changes = [{"op": "create", "kind": "host", "value": {"name": name}} for name in names]
        connection.post(f"/v1/batch/{region}", json.dumps({"changes": changes}).encode())
        announced = {"origin": "reported", "playbook": "site.yml", "hosts": names}
        body = json.dumps(announced).encode()
        run = connection.post(f"/v1/runs/{region}", body, expect=201).json()["id"]
        path, told = f"/v1/runs/{region}/{run}/events", 0

        def tell(reports: list[Report], is_last: bool) -> None:
            nonlocal told
            events = [
                {
                    "type": report.type.value,
                    "time": report.time.isoformat(timespec="milliseconds"),
                    "host": report.host,
                    "task": report.task,
                    "message": report.message,
                }
                for report in reports
            ]
            state = "succeeded" if is_last else None
            document = {"first": told + 1, "events": events, "run_state": state}
            connection.post(path, json.dumps(document).encode(), expect=204)
            told += len(events) + is_last

        yield server, path, tell


def _watched(name: str, server: Server, path: str, tell: Tell) -> Iterator[Timing | Growth]:
    memory = PeakMemory(server.pid)
    with ExitStack() as opened:
        watchers = [opened.enter_context(_follow(server, path)) for _ in range(WATCHERS)]
        reporter = threading.Thread(target=_report, args=(tell,))
        clock = server.cpu_seconds()
        reporter.start()
        lags, events = _read(watchers)
        share = (server.cpu_seconds() - clock) / _SECONDS
        reporter.join()
        peak = memory.peak()
    # One event more tells of the end.
    assert events == WATCHERS * (_SECONDS * EVENTS_A_SECOND + 1), events
    lags.sort()
    note = (
        f"{EVENTS_A_SECOND} events/s for {_SECONDS} s; the server took {share:.0%} of a processor"
    )
    for words, part, aim in (("p50", 0.5, None), ("p99", 0.99, 1.0)):
        yield Timing(
            what=f"event lag {words}, {WATCHERS} watchers, {name}",
            floor=_AIM_SECONDS if aim else None,
            craton=lags[int(len(lags) * part)],
            aim=aim,
            note=note,
        )
    what = f"{WATCHERS} watchers, {name}"
    yield Growth(what=what, hosts=_HOSTS, before=memory.before, peak=peak, aim=_AIM_MIB)


def _report(tell: Tell) -> None:
    """Tell events at an even rate."""
    portion = EVENTS_A_SECOND // _PORTIONS_A_SECOND
    portions = _SECONDS * _PORTIONS_A_SECOND
    began = time.monotonic()
    for number in range(portions):
        time.sleep(max(0.0, began + number / _PORTIONS_A_SECOND - time.monotonic()))
        now = _now()
        reports = [
            Report(
                type=EventType.HOST_OK,
                time=now,
                host_id=f"h{host % _HOSTS}",
                host=f"host{host % _HOSTS}",
                task="Install the packages that every host needs",
                message="all of them were there already",
            )
            for host in range(number * portion, (number + 1) * portion)
        ]
        tell(reports, number == portions - 1)


def _read(watchers: list[socket.socket]) -> tuple[list[float], int]:
    """Read until all streams end; return how late the oldest event of each piece was."""
    lags: list[float] = []
    events = 0
    left = len(watchers)
    with selectors.DefaultSelector() as selector:
        for watcher in watchers:
            watcher.setblocking(False)
            selector.register(watcher, selectors.EVENT_READ, bytearray())
        while left:
            for key, _ in selector.select():
                piece = key.fileobj.recv(2**20)  # type: ignore[union-attr]
                if not piece:
                    selector.unregister(key.fileobj)
                    left -= 1
                    continue
                now = time.time()
                # The beginning of an event may stand in two pieces.
                events += (key.data + piece).count(_EVENT)
                key.data[:] = (key.data + piece)[1 - len(_EVENT) :]
                at = piece.find(_TIME)
                # What a piece begins with may be the end of an event; the next is whole enough.
                text = piece[at + len(_TIME) : at + len(_TIME) + 24]
                if at >= 0 and len(text) == 24:
                    lags.append(now - datetime.fromisoformat(text.decode()).timestamp())
    return lags, events


@contextmanager
def _follow(server: Server, path: str) -> Iterator[socket.socket]:
    """Follow from now on: what the run began with is old, and would count as late."""
    with socket.create_connection((server.host, server.port)) as connection:
        lines = (
            f"GET {path}?after={_BEGINNING} HTTP/1.1",
            f"Host: {server.host}",
            "Accept: text/event-stream",
        )
        connection.sendall("\r\n".join((*lines, "", "")).encode())
        # The head comes first, so all are there before anything is told.
        assert connection.recv(15, socket.MSG_WAITALL) == b"HTTP/1.1 200 OK"
        yield connection


def _region(connection: Connection) -> str:
    tenant = connection.post("/v1/tenants", b'{"name": "acme"}', expect=201).json()["id"]
    path = f"/v1/regions/{tenant}"
    region: str = connection.post(path, b'{"name": "north"}', expect=201).json()["id"]
    return region


def _run(region: str) -> Run:
    return Run(
        id="bench",
        region_id=region,
        tenant_id="acme",
        playbook="site.yml",
        batch_size=_HOSTS,
        forks=10,
        requested_by="bench",
        origin=Origin.REPORTED,
        created_at=_now(),
        progress=Progress(total=0),
    )


def _now() -> datetime:
    return datetime.now(UTC)
