"""Runs in the memory of one process, which forgets them when it ends."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from craton.errors import LeaseLost, NotFound, RunEnded
from craton.runs import effects, incoming
from craton.runs.effects import RowChange
from craton.runs.models import (
    Event,
    EventType,
    HostState,
    Progress,
    Reachability,
    Report,
    Run,
    RunHost,
    RunState,
)
from craton.runs.store import MAX_PAGE, RunStore, stands_in, utcnow


@dataclass
class _Kept:
    """A run with all of its own.

    Attributes:
        run: What it is and where it stands, but for its progress and its last event.
        rows: By the host's id, in the order of names.
        running: The ids of the hosts that are running.
        counts: How many hosts are in each state.
        events: By number; the oldest are missing.
        fence: Of whoever claimed the run last, if anybody did.
        taken: How many reports were taken under that fence.
        ended_at: When it ended by the clock of this process, whatever its reporter's says.
        heard_at: When somebody who carries it out was last heard of, by the same clock.
    """

    run: Run
    rows: dict[str, RunHost]
    material: bytes | None
    running: set[str] = field(default_factory=set)
    counts: Counter[HostState] = field(default_factory=Counter)
    events: dict[int, Event] = field(default_factory=dict)
    last_event: int = 0
    fence: int | None = None
    taken: int = 0
    started: set[int] = field(default_factory=set)
    finished: set[int] = field(default_factory=set)
    ended_at: datetime | None = None
    heard_at: datetime | None = None

    def seen(self) -> Run:
        """Return the run as it stands."""
        counts = {state.value: self.counts[state] for state in HostState}
        progress = Progress(total=len(self.rows), **counts)
        return replace(
            self.run, progress=progress, last_event=self.last_event, heard_at=self.heard_at
        )

    def add(self, report: Report, max_events: int) -> None:
        """Append an event, and drop the oldest one if there are too many."""
        self.last_event = number = self.last_event + 1
        self.events[number] = Event(
            id=number,
            run_id=self.run.id,
            time=report.time,
            type=report.type,
            host_id=report.host_id,
            host=report.host,
            task=report.task,
            message=report.message,
            data=report.data,
        )
        self.events.pop(number - max_events, None)

    def after(self, number: int, limit: int) -> list[Event]:
        """Return the events after a number that are still there."""
        first = max(number + 1, self.last_event - len(self.events) + 1)
        last = min(self.last_event, first + limit - 1)
        return [self.events[number] for number in range(first, last + 1)]

    def change(self, change: RowChange) -> None:
        """Bring a host's row up to date, unless its state is final."""
        row = self.rows.get(change.host_id)
        if row is None or row.state.is_final:
            return
        self._move(row, change.state)
        # Not by replace, which would be half of the time that a report takes.
        self.rows[row.host_id] = RunHost(
            host_id=row.host_id,
            host=row.host,
            batch=row.batch,
            state=change.state,
            trouble=change.trouble,
            task=row.task if change.task is None else change.task,
            message=row.message if change.message is None else change.message,
            updated_at=change.time,
        )

    def end(self, state: RunState, report: Report) -> None:
        """Leave nothing of the run open."""
        for host_id in list(self.running):
            row = self.rows[host_id]
            self._move(row, HostState.FAILED)
            self.rows[host_id] = replace(
                row,
                state=HostState.FAILED,
                trouble=None,
                message=report.message,
                updated_at=report.time,
            )
        self.material = None
        self.run = replace(self.run, state=state, reason=report.message, finished_at=report.time)

    def _move(self, row: RunHost, state: HostState) -> None:
        self.counts[row.state] -= 1
        self.counts[state] += 1
        if state is HostState.RUNNING:
            self.running.add(row.host_id)
        else:
            self.running.discard(row.host_id)


class MemoryRunStore(RunStore):
    """Keeps runs in this process; one lock guards all of them."""

    def __init__(
        self, *, max_events: int, keep_days: int, clock: Callable[[], datetime] = utcnow
    ) -> None:
        super().__init__(max_events=max_events, keep_days=keep_days, clock=clock)
        self._runs: dict[str, _Kept] = {}
        self._reached: dict[str, dict[str, Reachability]] = {}
        self._changed = threading.Condition()
        self._closed = False

    def open(self) -> None:
        self._closed = False

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def check(self) -> None:
        """Do nothing: memory is never away."""

    # -- runs ----------------------------------------------------------------------------------

    def _create(self, run: Run, rows: Sequence[RunHost], material: bytes, first: Report) -> Run:
        with self._changed:
            self._expire()
            kept = self._runs.get(run.id)
            if kept is None:
                kept = _Kept(run, {row.host_id: row for row in rows}, material)
                kept.counts[HostState.PENDING] = len(rows)
                kept.add(first, self.max_events)
                self._runs[run.id] = kept
                self._changed.notify_all()
            return kept.seen()

    def get(self, run_id: str) -> Run:
        with self._changed:
            return self._kept(run_id).seen()

    def _material(self, run_id: str) -> bytes | None:
        with self._changed:
            return self._kept(run_id).material

    def _find(
        self,
        region_id: str,
        host_id: str | None,
        states: frozenset[RunState],
        limit: int,
        after: str | None,
    ) -> tuple[Sequence[Run], str | None]:
        with self._changed:
            found = sorted(
                (
                    kept
                    for kept in self._runs.values()
                    if kept.run.region_id == region_id
                    and (host_id is None or host_id in kept.rows)
                    and (not states or kept.run.state in states)
                    and (after is None or kept.run.id < after)
                ),
                key=lambda kept: kept.run.id,
                reverse=True,
            )
            items = [kept.seen() for kept in found[:limit]]
        return items, items[-1].id if len(found) > limit else None

    def _hosts(
        self, run_id: str, states: frozenset[HostState], limit: int, after: str | None
    ) -> tuple[Sequence[RunHost], str | None]:
        with self._changed:
            rows = list(self._kept(run_id).rows.values())
        found = [
            row for row in rows if (after is None or row.host > after) and stands_in(row, states)
        ]
        items = found[:limit]
        return items, items[-1].host if len(found) > limit else None

    def _host(self, run_id: str, host: str) -> RunHost | None:
        with self._changed:
            rows = self._kept(run_id).rows
            named = (row for row in rows.values() if row.host == host)
            return rows.get(host) or next(named, None)

    def _request_cancel(self, run_id: str, asked: Report, ended: Report) -> Run:
        with self._changed:
            kept = self._kept(run_id)
            if not kept.run.state.is_final and not kept.run.cancelling:
                kept.run = replace(kept.run, cancelling=True)
                kept.add(asked, self.max_events)
                if kept.run.state is RunState.QUEUED:
                    self._take(kept, ended)
                self._changed.notify_all()
            return kept.seen()

    def unfinished(self) -> Iterator[Run]:
        with self._changed:
            runs = [kept.seen() for kept in self._runs.values() if not kept.run.state.is_final]
        yield from sorted(runs, key=lambda run: run.id)

    # -- carrying out --------------------------------------------------------------------------

    def claim(self, run_id: str) -> int:
        now = incoming.moment(self._clock())
        with self._changed:
            kept = self._kept(run_id)
            if kept.run.state.is_final:
                raise RunEnded(run_id, kept.run.state.value)
            fence = kept.fence = (kept.fence or 0) + 1
            kept.taken = 0
            kept.heard_at = now
            kept.run = replace(kept.run, attempt=kept.run.attempt + 1)
            if kept.run.state is RunState.QUEUED:
                kept.run = replace(kept.run, state=RunState.RUNNING, started_at=now)
                type, data = EventType.RUN_STATE, {"state": RunState.RUNNING.value}
                kept.add(Report(type=type, time=now, data=data), self.max_events)
            else:
                again = {"attempt": kept.run.attempt}
                taken_over = Report(type=EventType.RUN_TAKEN_OVER, time=now, data=again)
                kept.add(taken_over, self.max_events)
            self._changed.notify_all()
            return fence

    def fence(self, run_id: str) -> int:
        with self._changed:
            return self._kept(run_id).fence or 0

    def _report(self, run_id: str, fence: int, first: int, reports: Sequence[Report]) -> None:
        last = first + len(reports) - 1
        now = incoming.moment(self._clock())
        with self._changed:
            kept = self._kept(run_id)
            lost = kept.run.state.is_final and last > kept.taken
            if fence != kept.fence or first > kept.taken + 1 or lost:
                raise LeaseLost(run_id)
            for report in reports[kept.taken + 1 - first :]:
                if not kept.run.state.is_final:
                    self._take(kept, report)
            kept.taken = max(kept.taken, last)
            kept.heard_at = now
            self._reach(kept.run, effects.reached(run_id, reports, now))
            self._changed.notify_all()

    def finished_batches(self, run_id: str) -> frozenset[int]:
        with self._changed:
            return frozenset(self._kept(run_id).finished)

    def started_batches(self, run_id: str) -> frozenset[int]:
        with self._changed:
            return frozenset(self._kept(run_id).started)

    # -- following -----------------------------------------------------------------------------

    def _events(self, run_id: str, after: int, limit: int) -> Sequence[Event]:
        with self._changed:
            return self._kept(run_id).after(after, limit)

    def _wait(self, after: Mapping[str, int], timeout: float) -> Mapping[str, Sequence[Event]]:
        deadline = time.monotonic() + timeout
        with self._changed:
            while not (found := self._news(after)) and not self._closed:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            return found

    def _news(self, after: Mapping[str, int]) -> dict[str, Sequence[Event]]:
        return {
            run_id: kept.after(number, MAX_PAGE)
            for run_id, number in after.items()
            if (kept := self._runs.get(run_id)) is not None and kept.last_event > number
        }

    # -- reachability and housekeeping ---------------------------------------------------------

    def reachability(self, region_id: str, host_ids: Collection[str]) -> Mapping[str, Reachability]:
        with self._changed:
            known = self._reached.get(region_id, {})
            return {host_id: known[host_id] for host_id in host_ids if host_id in known}

    def _prune(self, before: datetime) -> int:
        with self._changed:
            ended = [
                run_id
                for run_id, kept in self._runs.items()
                if kept.run.finished_at is not None and kept.run.finished_at < before
            ]
            for run_id in ended:
                del self._runs[run_id]
            return len(ended)

    # -- with the lock held --------------------------------------------------------------------

    def _kept(self, run_id: str) -> _Kept:
        kept = self._runs.get(run_id)
        if kept is None:
            raise NotFound("run", run_id)
        return kept

    def _take(self, kept: _Kept, report: Report) -> None:
        kept.add(report, self.max_events)
        change = effects.row_change(report)
        if change is not None:
            kept.change(change)
        started = effects.batch(report, EventType.BATCH_STARTED)
        if started is not None:
            kept.started.add(started)
        finished = effects.batch(report, EventType.BATCH_FINISHED)
        if finished is not None:
            kept.finished.add(finished)
        if report.run_state is not None and report.run_state.is_final:
            kept.end(report.run_state, report)
            kept.ended_at = self._clock()

    def _reach(self, run: Run, reached: Mapping[str, Reachability]) -> None:
        known = self._reached.setdefault(run.region_id, {})
        for host_id, found in reached.items():
            if host_id not in known or found.time >= known[host_id].time:
                known[host_id] = found

    def _expire(self) -> None:
        oldest = self._clock() - timedelta(days=self.keep_days)
        for run_id, kept in list(self._runs.items()):
            if kept.ended_at is not None and kept.ended_at < oldest:
                del self._runs[run_id]
