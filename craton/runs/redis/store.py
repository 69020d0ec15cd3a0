"""The store: what is one step is a Lua script, all else is reading.

What is found by region (which runs there are, which have not ended, which hosts were reached)
stands outside of the run's own keys, so it is written in a step of its own, in an order that leaves
nothing wrong when a process dies between the two: a run is known to its region before it can be
seen, and who reads such a list passes over what is not there.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from craton.errors import LeaseLost, NotFound, RunEnded, Unavailable
from craton.runs import effects, incoming
from craton.runs.models import (
    Event,
    EventType,
    HostState,
    Reachability,
    Report,
    Run,
    RunHost,
    RunState,
)
from craton.runs.redis import keys, records, scripts
from craton.runs.redis.connection import Connection
from craton.runs.redis.directory import RunDirectory
from craton.runs.redis.keys import RunKeys
from craton.runs.redis.rows import HostRows, member
from craton.runs.store import MAX_PAGE, RunStore, utcnow

#: Runs or hosts that a search looks at in one step, and steps that one page may take.
_CHUNK: Final = 1000
_MAX_CHUNKS: Final = 16

#: Seconds after which a wait looks whether the store was closed.
_SLICE_SECONDS: Final = 0.4


class RedisRunStore(RunStore):
    """Keeps runs in a Redis of version 6 or later.

    Args:
        url: As of ``[runs] redis_url``; ``rediss://`` for TLS.
        max_events, keep_days, clock: As for :class:`~craton.runs.store.RunStore`.

    Raises:
        ConfigurationError: The URL is none of a Redis.
    """

    def __init__(
        self,
        url: str,
        *,
        max_events: int,
        keep_days: int,
        clock: Callable[[], datetime] = utcnow,
    ) -> None:
        super().__init__(max_events=max_events, keep_days=keep_days, clock=clock)
        self._connection = Connection(url)
        self._call = self._connection.call
        self._client = self._connection.client
        self._directory = RunDirectory(self._client)
        self._rows = HostRows(self._client)
        self._closed = threading.Event()
        self._scripts = {
            name: self._client.register_script(scripts.source(name))
            for name in ("create", "claim", "cancel", "report", "reached")
        }

    def open(self) -> None:
        self._closed.clear()
        self._connection.look()

    def close(self) -> None:
        self._closed.set()
        self._connection.close()

    def check(self) -> None:
        self._connection.once(self._client.ping)

    # -- runs ----------------------------------------------------------------------------------

    def _create(self, run: Run, rows: Sequence[RunHost], material: bytes, first: Report) -> Run:
        fixed = [word for pair in records.new_run(run).items() for word in pair]
        arguments = [len(rows), records.new_event(first), material, *fixed]

        def create() -> Run | None:
            if (known := self._read(run.id)) is not None:
                return known
            aside = self._rows.write_aside(run.id, rows)
            self._directory.enter(run.region_id, run.id)
            self._scripts["create"]([*RunKeys(run.id).all, *aside], arguments)
            return self._read(run.id)

        kept = self._call(create)
        if kept is None:
            raise Unavailable("the Redis of runs lost a run while it was made")
        return kept

    def get(self, run_id: str) -> Run:
        run = self._call(self._read, run_id)
        if run is None:
            raise NotFound("run", run_id)
        return run

    def _read(self, run_id: str) -> Run | None:
        return records.run(self._client.hgetall(RunKeys(run_id).run))

    def _material(self, run_id: str) -> bytes | None:
        material: bytes | None = self._call(self._client.get, RunKeys(run_id).part("material"))
        return material

    def _find(
        self,
        region_id: str,
        host_id: str | None,
        states: frozenset[RunState],
        limit: int,
        after: str | None,
    ) -> tuple[Sequence[Run], str | None]:
        found: list[Run] = []
        size = _size(limit, states or host_id)
        for _ in range(_MAX_CHUNKS):
            ids = self._call(self._directory.newest, region_id, after, size)
            runs = self._call(self._directory.runs, ids, region_id=region_id, host_id=host_id)
            found += [run for run in runs if not states or run.state in states]
            if len(found) > limit:
                return found[:limit], found[limit - 1].id
            if len(ids) < size:
                return found, None
            after = ids[-1]
        return found, after

    def _request_cancel(self, run_id: str, asked: Report, ended: Report) -> Run:
        arguments = [
            self.max_events,
            self._keep_seconds,
            records.new_event(asked),
            records.new_event(ended),
            RunState.CANCELLED.value,
            records.milliseconds(ended.time),
            ended.message,
        ]
        self._call(self._scripts["cancel"], RunKeys(run_id).all, arguments)
        run = self.get(run_id)
        if run.state.is_final:
            self._call(self._directory.ended, run_id)
        return run

    def unfinished(self) -> Iterator[Run]:
        after: str | None = None
        while ids := self._call(self._directory.unfinished, after, _CHUNK):
            for run in self._call(self._directory.runs, ids):
                if run.state.is_final:
                    self._call(self._directory.ended, run.id)
                else:
                    yield run
            after = ids[-1]

    # -- hosts ---------------------------------------------------------------------------------

    def _hosts(
        self, run_id: str, states: frozenset[HostState], limit: int, after: str | None
    ) -> tuple[Sequence[RunHost], str | None]:
        found: list[RunHost] = []
        size = _size(limit, states)
        for _ in range(_MAX_CHUNKS):
            members = self._call(self._rows.members, run_id, after, size)
            found += self._call(self._rows.of, run_id, members, states)
            if len(found) > limit:
                return found[:limit], member(found[limit - 1])
            if len(members) < size:
                return found, None
            after = members[-1]
        return found, after

    def _host(self, run_id: str, host: str) -> RunHost | None:
        return self._call(self._rows.find, run_id, host)

    # -- carrying out --------------------------------------------------------------------------

    def claim(self, run_id: str) -> int:
        now = incoming.moment(self._clock())
        data = {"state": RunState.RUNNING.value}
        started = Report(type=EventType.RUN_STATE, time=now, data=data)
        again = Report(type=EventType.RUN_TAKEN_OVER, time=now, data={"attempt": "%d"})
        arguments = [
            secrets.token_hex(8),
            records.milliseconds(now),
            self.max_events,
            records.new_event(started),
            records.new_event(again).replace('"%d"', "%d"),
        ]
        answer = self._call(self._scripts["claim"], RunKeys(run_id).all, arguments)
        match answer:
            case [b"claimed", fence]:
                return int(fence)
            case [b"ended", state]:
                raise RunEnded(run_id, state.decode())
        raise NotFound("run", run_id)

    def fence(self, run_id: str) -> int:
        return int(self._call(self._with_run, run_id, "hget", "run", "fence") or 0)

    def _report(self, run_id: str, fence: int, first: int, reports: Sequence[Report]) -> None:
        now = incoming.moment(self._clock())
        heard_at = records.milliseconds(now)
        arguments = [fence, first, len(reports), self.max_events, self._keep_seconds, heard_at]
        told = [word for report in reports for word in records.report(report)]
        answer = self._call(self._scripts["report"], RunKeys(run_id).all, [*arguments, *told])
        match answer:
            case [b"missing"]:
                raise NotFound("run", run_id)
            case [b"lost"]:
                raise LeaseLost(run_id)
        self._reach(answer[1].decode(), effects.reached(run_id, reports, now))
        if any(report.run_state is not None and report.run_state.is_final for report in reports):
            self._call(self._directory.ended, run_id)

    def _reach(self, region_id: str, found: Mapping[str, Reachability]) -> None:
        if found:
            arguments = [
                word
                for host_id, known in found.items()
                for word in (
                    host_id,
                    records.milliseconds(known.time),
                    records.new_reachability(known),
                )
            ]
            self._call(self._scripts["reached"], [keys.reached(region_id)], arguments)

    def finished_batches(self, run_id: str) -> frozenset[int]:
        numbers = self._call(self._with_run, run_id, "smembers", "finished")
        return frozenset(int(number) for number in numbers)

    def started_batches(self, run_id: str) -> frozenset[int]:
        numbers = self._call(self._with_run, run_id, "smembers", "started")
        return frozenset(int(number) for number in numbers)

    def _with_run(self, run_id: str, command: str, part: str, *words: object) -> Any:
        """Return what one part of a run holds. Raises ``NotFound``."""
        own = RunKeys(run_id)
        with self._client.pipeline(transaction=True) as steps:
            steps.exists(own.run)
            getattr(steps, command)(own.part(part), *words)
            exists, answer = steps.execute()
        if not exists:
            raise NotFound("run", run_id)
        return answer

    # -- following -----------------------------------------------------------------------------

    def _events(self, run_id: str, after: int, limit: int) -> Sequence[Event]:
        words = (f"{after + 1}-0", "+", limit)
        entries = self._call(self._with_run, run_id, "xrange", "events", *words)
        return [records.event(run_id, entry) for entry in entries]

    def _wait(self, after: Mapping[str, int], timeout: float) -> Mapping[str, Sequence[Event]]:
        deadline = time.monotonic() + timeout
        streams = {RunKeys(run_id).events: f"{last}-0" for run_id, last in after.items()}
        runs = {RunKeys(run_id).events.encode(errors="replace"): run_id for run_id in after}
        while not self._closed.is_set():
            left = max(0.0, min(deadline - time.monotonic(), _SLICE_SECONDS))
            if not streams:
                self._closed.wait(left)
            elif found := self._call(self._next, streams, left):
                return {
                    runs[key]: [records.event(runs[key], entry) for entry in entries]
                    for key, entries in found
                }
            if time.monotonic() >= deadline:
                break
        return {}

    def _next(self, streams: Mapping[str, str], seconds: float) -> Any:
        # No time is for ever to Redis.
        block = int(seconds * 1000) or None
        return self._client.xread(dict(streams), MAX_PAGE, block)

    # -- reachability and housekeeping ---------------------------------------------------------

    def reachability(self, region_id: str, host_ids: Collection[str]) -> Mapping[str, Reachability]:
        ids = [incoming.name(host_id) for host_id in host_ids]
        found: dict[str, Reachability] = {}
        for first in range(0, len(ids), _CHUNK):
            some = ids[first : first + _CHUNK]
            kept = self._call(self._client.hmget, keys.reached(region_id), some)
            for host_id, known in zip(some, kept, strict=True):
                if known is not None:
                    found[host_id] = records.reachability(host_id, known)
        return found

    def _prune(self, before: datetime) -> int:
        regions = self._call(self._directory.regions)
        return sum(self._prune_region(region_id, before) for region_id in regions)

    def _prune_region(self, region_id: str, before: datetime) -> int:
        dropped = 0
        after: str | None = None
        while ids := self._call(self._directory.newest, region_id, after, _CHUNK):
            for run in self._call(self._directory.runs, ids, region_id=region_id):
                if run.finished_at is not None and run.finished_at < before:
                    dropped += self._call(self._directory.drop, region_id, run.id)
            after = ids[-1]
        return dropped

    @property
    def _keep_seconds(self) -> int:
        return self.keep_days * 24 * 60 * 60


def _size(limit: int, filtered: object) -> int:
    """Return how much to read at once for a page: one more tells whether there is another."""
    return _CHUNK if filtered else limit + 1
