"""The contract of what keeps runs: their state, their hosts, their events.

A store is shared by all servers and conductors of a deployment (or belongs to one process, as the
embedded one does). Two rules make it more than a place:

* **A fence.** Whoever carries out a run takes it up by :meth:`RunStore.claim` and gets a number.
  What is reported under an older number is refused with :class:`~craton.errors.LeaseLost`, so a
  conductor that was away for too long changes nothing any more.
* **One order.** The events of a run are numbered 1, 2, 3… without a gap. An event, what it changes
  of its host's row, the counts, and the state of the run are one step: a reader who has seen event
  *n* and asks for the run finds what *n* told. Whoever follows from *n* gets *n + 1* next, or is
  told that it is gone.

Public methods are here, with what holds for every store: limits, markers, and what is made of text
that comes from hosts. A store writes the hooks, whose names begin with an underscore. All may be
called by several threads at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from craton.errors import InvalidQuery, InvalidValue, NotFound
from craton.runs import incoming, markers
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

#: The most that one page may hold.
MAX_PAGE: Final = 1000


def utcnow() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class RunPage:
    """Some runs, newest first; ``next`` is ``None`` at the end, else what to ask for next."""

    items: Sequence[Run]
    next: str | None


@dataclass(frozen=True, kw_only=True)
class RunHostPage:
    """Some hosts of a run; ``next`` is ``None`` at the end, else what to ask for next."""

    items: Sequence[RunHost]
    next: str | None


@dataclass(frozen=True, kw_only=True)
class EventPage:
    """Some events of a run, in order.

    Attributes:
        items: The events.
        missing: Whether older ones than the first of ``items`` were asked for and are gone.
    """

    items: Sequence[Event]
    missing: bool


class RunStore(ABC):
    """Keeps runs. See the module for what holds of all methods.

    Every method may raise ``Unavailable`` while the store is away. A write that raises it may have
    been done, and is safe to repeat as it was.

    Times are kept in UTC, to the millisecond; one without a time zone is ``InvalidValue``. Of names
    and messages, what cannot be stored is replaced by U+FFFD.

    Args:
        max_events: How many events of one run are kept; the oldest go first.
        keep_days: How long a run is kept after its end.
        clock: What tells the time.
    """

    def __init__(
        self, *, max_events: int, keep_days: int, clock: Callable[[], datetime] = utcnow
    ) -> None:
        self.max_events = max_events
        self.keep_days = keep_days
        self._clock = clock

    @abstractmethod
    def open(self) -> None:
        """Get ready. Raises ``ConfigurationError`` for what will never work."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything; who waits in :meth:`wait` returns soon."""

    @abstractmethod
    def check(self) -> None:
        """Raise ``Unavailable`` if the store cannot be used now."""

    # -- runs ----------------------------------------------------------------------------------

    def create(self, run: Run, hosts: Sequence[RunHost], material: bytes = b"") -> Run:
        """Keep a new run, queued, with its hosts, pending; and its first event, ``run.state``.

        Nobody sees a part of it. Repeated with the same id it does nothing.

        Args:
            run: The run. ``state``, ``attempt``, ``progress``, ``last_event`` and ``heard_at`` are
                set here.
            hosts: Its hosts, each name and each id once, in any order.
            material: What carrying it out takes, sealed; it is dropped at the end of the run.

        Returns:
            The run as kept.

        Raises:
            InvalidValue: A name or an id of a host is there twice.
        """
        rows = sorted(map(incoming.row, hosts), key=lambda row: row.host)
        if len({row.host for row in rows}) < len(rows) or len({r.host_id for r in rows}) < len(
            rows
        ):
            raise InvalidValue("hosts", "must have each name and each id once")
        queued = incoming.run(run, len(rows))
        first = Report(
            type=EventType.RUN_STATE,
            time=queued.created_at,
            data={"state": RunState.QUEUED.value},
        )
        return self._create(queued, rows, material, first)

    @abstractmethod
    def get(self, run_id: str) -> Run:
        """Return a run. Raises ``NotFound``."""

    def material(self, run_id: str) -> bytes:
        """Return what :meth:`create` was given. Raises ``NotFound``; also after the run's end."""
        material = self._material(run_id)
        if material is None:
            raise NotFound("run", run_id)
        return material

    def find(
        self,
        region_id: str,
        *,
        host_id: str | None = None,
        states: Collection[RunState] = (),
        limit: int = 100,
        marker: str | None = None,
    ) -> RunPage:
        """Return runs of a region, newest first.

        Args:
            region_id: The region.
            host_id: Only those that have this host.
            states: Only those in one of these states; all, if empty.
            limit: At most so many, from 1 to ``MAX_PAGE``; a page may hold fewer and go on.
            marker: The ``next`` of the page before.

        Raises:
            InvalidQuery: The limit is out of bounds.
            InvalidPageToken: The marker is none.
        """
        _check_limit(limit)
        question = ("runs", region_id, host_id, _names(states))
        after = markers.decode(question, marker)
        items, position = self._find(region_id, host_id, frozenset(states), limit, after)
        return RunPage(items=items, next=_marker(question, position))

    def hosts(
        self,
        run_id: str,
        *,
        host: str | None = None,
        states: Collection[HostState] = (),
        limit: int = 100,
        marker: str | None = None,
    ) -> RunHostPage:
        """Return hosts of a run, by name, in the order of code points.

        A host that stands throughout is neither skipped nor repeated, but with ``states`` a host
        is judged when its page is read.

        Args:
            run_id: The run.
            host: Only the host of this id or name.
            states: Only hosts in one of these states; all, if empty. A running host with trouble
                counts as in the state that its trouble names, too.
            limit: At most so many, from 1 to ``MAX_PAGE``; a page may hold fewer and go on.
            marker: The ``next`` of the page before.

        Raises:
            NotFound: There is no such run.
            InvalidQuery: The limit is out of bounds.
            InvalidPageToken: The marker is none.
        """
        _check_limit(limit)
        question = ("hosts", run_id, host, _names(states))
        after = markers.decode(question, marker)
        wanted = frozenset(states)
        if host is None:
            items, position = self._hosts(run_id, wanted, limit, after)
            return RunHostPage(items=items, next=_marker(question, position))
        row = self._host(run_id, incoming.name(host))
        items = [row] if row is not None and stands_in(row, wanted) else []
        return RunHostPage(items=items, next=None)

    def request_cancel(self, run_id: str, requested_by: str) -> Run:
        """Ask for the end of a run; whoever carries it out sees ``cancelling``.

        A queued run that nobody claimed is ``cancelled`` at once. An ended run stays as it is.
        Asking again changes nothing. Events: ``run.cancelling``, ``run.state``.

        Raises:
            NotFound: There is no such run.
        """
        now = incoming.moment(self._clock())
        asked = Report(
            type=EventType.RUN_CANCELLING,
            time=now,
            data={"requested_by": requested_by},
        )
        ended = Report(
            type=EventType.RUN_STATE,
            time=now,
            message="cancelled before it began",
            data={"state": RunState.CANCELLED.value},
            run_state=RunState.CANCELLED,
        )
        return self._request_cancel(run_id, incoming.report(asked), ended)

    @abstractmethod
    def unfinished(self) -> Iterator[Run]:
        """Yield the runs of all regions that have not ended, oldest first."""

    # -- carrying out --------------------------------------------------------------------------

    @abstractmethod
    def claim(self, run_id: str) -> int:
        """Take up a run; return the fence, greater than that of everybody before.

        ``attempt`` is one more. The first claim makes a queued run ``running`` (event
        ``run.state``); a later one leaves the event ``run.taken_over``.

        Raises:
            NotFound: There is no such run.
            RunEnded: It has ended.
        """

    @abstractmethod
    def fence(self, run_id: str) -> int:
        """Return the number that the last :meth:`claim` gave, 0 before the first.

        For a run that is reported over several requests, none of which knows of the others.

        Raises:
            NotFound: There is no such run.
        """

    def report(self, run_id: str, fence: int, first: int, reports: Sequence[Report]) -> None:
        """Add events, with all that they change, in their order, as one step.

        What is told of a pending host makes it ``running``. ``host.finished`` without a task or a
        message leaves those of the task before in the host's row. Reporting nothing is a sign of
        life, as any report is: ``heard_at`` is now.

        Args:
            run_id: The run.
            fence: From :meth:`claim`.
            first: The number of the first report among those under this fence, from 1 on. What was
                taken before is not taken again, so a call whose answer was lost can be repeated.
            reports: What to tell. With a final ``run_state`` the material is dropped, hosts that
                are running are ``failed`` with the message of that report, and pending ones stay
                pending, because they were never touched. What follows it in the call is left out.

        Raises:
            NotFound: There is no such run.
            LeaseLost: Somebody else claimed the run, or it has ended; or the store does not know
                the reports before ``first``, because it lost what it had kept.
            InvalidValue: A time has no time zone, or ``first`` is not a number from 1 on.
        """
        if first < 1:
            raise InvalidValue("first", "must be at least 1")
        self._report(run_id, fence, first, [incoming.report(report) for report in reports])

    @abstractmethod
    def finished_batches(self, run_id: str) -> frozenset[int]:
        """Return the numbers of the batches that were reported by ``batch.finished``.

        Raises:
            NotFound: There is no such run.
        """

    @abstractmethod
    def started_batches(self, run_id: str) -> frozenset[int]:
        """Return the numbers of the batches that were reported by ``batch.started``.

        Raises:
            NotFound: There is no such run.
        """

    # -- following -----------------------------------------------------------------------------

    def events(self, run_id: str, *, after: int = 0, limit: int = MAX_PAGE) -> EventPage:
        """Return the events after one, in order.

        Raises:
            NotFound: There is no such run.
            InvalidQuery: The limit is out of bounds.
        """
        _check_limit(limit)
        number = _number(after)
        return _event_page(number, self._events(run_id, number, limit))

    def wait(self, after: Mapping[str, int], timeout: float) -> Mapping[str, EventPage]:
        """Wait until one of several runs has events after a number; return those that have.

        Args:
            after: The number of the last known event, by run. May be empty.
            timeout: Seconds; then the answer is empty. Runs that do not exist are left out.
        """
        numbers = {run_id: _number(last) for run_id, last in after.items()}
        found = self._wait(numbers, max(timeout, 0.0))
        return {run_id: _event_page(numbers[run_id], events) for run_id, events in found.items()}

    # -- reachability --------------------------------------------------------------------------

    @abstractmethod
    def reachability(self, region_id: str, host_ids: Collection[str]) -> Mapping[str, Reachability]:
        """Return what the reports of all runs of the region last told of reaching hosts.

        ``host.ok``, ``host.changed`` and ``host.failed`` tell that a host was reached,
        ``host.unreachable`` that it was not; a later time wins over an earlier one, but none later
        than it is by the clock of the store. Hosts that nobody ever tried are left out.
        """

    # -- housekeeping --------------------------------------------------------------------------

    def prune(self, before: datetime) -> int:
        """Drop runs that ended before a time, with all of theirs; return how many."""
        return self._prune(incoming.moment(before, "before"))

    # -- hooks ---------------------------------------------------------------------------------

    @abstractmethod
    def _create(self, run: Run, rows: Sequence[RunHost], material: bytes, first: Report) -> Run:
        """See :meth:`create`: ``rows`` are by name, ``first`` is the event to begin with."""

    @abstractmethod
    def _find(
        self,
        region_id: str,
        host_id: str | None,
        states: frozenset[RunState],
        limit: int,
        after: str | None,
    ) -> tuple[Sequence[Run], str | None]:
        """See :meth:`find`: return runs behind a position, and the position to go on from."""

    @abstractmethod
    def _hosts(
        self, run_id: str, states: frozenset[HostState], limit: int, after: str | None
    ) -> tuple[Sequence[RunHost], str | None]:
        """See :meth:`hosts`: return rows behind a position, and the position to go on from."""

    @abstractmethod
    def _host(self, run_id: str, host: str) -> RunHost | None:
        """Return the row of a host by its id, else by its name. Raises ``NotFound``: the run."""

    @abstractmethod
    def _request_cancel(self, run_id: str, asked: Report, ended: Report) -> Run:
        """See :meth:`request_cancel`; ``ended`` is for a run that nobody claimed."""

    @abstractmethod
    def _material(self, run_id: str) -> bytes | None:
        """See :meth:`material`; ``None`` if there is none."""

    @abstractmethod
    def _report(self, run_id: str, fence: int, first: int, reports: Sequence[Report]) -> None:
        """See :meth:`report`; nothing in the reports needs checking."""

    @abstractmethod
    def _events(self, run_id: str, after: int, limit: int) -> Sequence[Event]:
        """Return those of the events after one that are still kept."""

    @abstractmethod
    def _wait(self, after: Mapping[str, int], timeout: float) -> Mapping[str, Sequence[Event]]:
        """See :meth:`wait`: return events by run, at most ``MAX_PAGE`` of one, never none of it."""

    @abstractmethod
    def _prune(self, before: datetime) -> int:
        """See :meth:`prune`."""


def stands_in(row: RunHost, states: Collection[HostState]) -> bool:
    """Return whether a host counts as in one of some states; any, if there are none."""
    return not states or row.state in states or row.trouble in states


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidQuery(f"the limit must be from 1 to {MAX_PAGE}", limit=limit)


def _number(after: int) -> int:
    """Return a number that every store can compare; no run has so many events."""
    return min(max(after, 0), 2**53)


def _names(states: Collection[RunState] | Collection[HostState]) -> list[str]:
    return sorted(state.value for state in states)


def _marker(question: object, position: str | None) -> str | None:
    return None if position is None else markers.encode(question, position)


def _event_page(after: int, events: Sequence[Event]) -> EventPage:
    return EventPage(items=events, missing=bool(events) and events[0].id > after + 1)
