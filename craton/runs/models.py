"""Runs, their hosts and their events: frozen values that every part of ``craton.runs`` shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from craton.jsontext import JsonValue


class RunState(Enum):
    """Where a run stands. The value is its name in REST."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    #: Nobody knows how it ended: whoever carried it out is gone, and nobody took it over.
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        """Whether a run never leaves this state."""
        return self is not RunState.QUEUED and self is not RunState.RUNNING


class HostState(Enum):
    """Where a host stands in a run. The value is its name in REST.

    A state is final once Ansible is done with the host: a task that failed may be rescued by the
    playbook, so until then the host is ``running``, and its row tells of the trouble.
    """

    PENDING = "pending"
    RUNNING = "running"
    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    #: No task of the playbook did anything on it.
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        """Whether a host never leaves this state within a run."""
        return self is not HostState.PENDING and self is not HostState.RUNNING


class Origin(Enum):
    """Who carries a run out. The value is its name in REST."""

    #: A conductor of Craton.
    CONDUCTOR = "conductor"
    #: Somebody's own ``ansible-playbook``, which reports by the callback plugin.
    REPORTED = "reported"


class EventType(Enum):
    """What an event tells. The value is its name in REST, and of a server-sent event."""

    #: The run is in another state: ``data.state``, and why in ``message``.
    RUN_STATE = "run.state"
    #: Somebody asked for the end of the run.
    RUN_CANCELLING = "run.cancelling"
    #: Another conductor goes on with the run; ``data.attempt`` counts from 1.
    RUN_TAKEN_OVER = "run.taken_over"
    #: A batch begins: ``data.batch``, ``data.hosts`` (how many).
    BATCH_STARTED = "batch.started"
    #: An interrupted batch begins anew: what its hosts were told already is told again.
    BATCH_RESTARTED = "batch.restarted"
    BATCH_FINISHED = "batch.finished"
    #: A play or a task begins in a batch: ``task``, ``data.batch``.
    PLAY_STARTED = "play.started"
    TASK_STARTED = "task.started"
    #: What a task did on one host.
    HOST_OK = "host.ok"
    HOST_CHANGED = "host.changed"
    HOST_FAILED = "host.failed"
    HOST_UNREACHABLE = "host.unreachable"
    HOST_SKIPPED = "host.skipped"
    #: A host is done: ``data.state`` is a final :class:`HostState`.
    HOST_FINISHED = "host.finished"


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How many hosts stand where; the sum of all is ``total``, at any time."""

    total: int
    pending: int = 0
    running: int = 0
    ok: int = 0
    changed: int = 0
    failed: int = 0
    unreachable: int = 0
    skipped: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One playbook over one selection of one region's hosts.

    Attributes:
        id: Opaque; of runs, the later one is the greater string.
        region_id: The region.
        tenant_id: The tenant that the region belongs to.
        playbook: Its path below ``[runs] playbook_path``; for a reported run, its name.
        filters: The host filters that chose the hosts, as the manifest of a bundle has them.
        check: Whether Ansible only says what it would do.
        tags: Run only tasks with one of these tags; all, if empty.
        batch_size: How many hosts are given to one ``ansible-playbook``.
        forks: How many hosts one ``ansible-playbook`` works on at once.
        bundle_sha256: The SHA-256 of the bundle that is run, in hexadecimal digits; ``None`` for a
            reported run.
        requested_by: The id of the user.
        request_id: What the log calls the request that started it.
        origin: Who carries it out.
        state: Where it stands.
        reason: Why it stands there, for people; empty if there is nothing to say.
        cancelling: Whether somebody asked for its end.
        attempt: How many conductors took it up so far.
        progress: Its hosts.
        last_event: The number of its newest event; 0 before the first.
        heard_at: When whoever carries it out was last heard of, by the store's clock: by a claim or
            a report, also one that tells nothing. ``None`` before that.
    """

    id: str
    region_id: str
    tenant_id: str
    playbook: str
    filters: Mapping[str, JsonValue] = field(default_factory=dict)
    check: bool = False
    tags: tuple[str, ...] = ()
    batch_size: int
    forks: int
    bundle_sha256: str | None = None
    requested_by: str
    request_id: str = ""
    origin: Origin = Origin.CONDUCTOR
    state: RunState = RunState.QUEUED
    reason: str = ""
    cancelling: bool = False
    attempt: int = 0
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    progress: Progress
    last_event: int = 0
    heard_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunHost:
    """One host of a run.

    Attributes:
        host_id: The host's id.
        host: The host's name when the run was accepted.
        batch: The number of its batch, from 0.
        state: Where it stands.
        trouble: What Ansible said last of a host that is still running, if that was bad:
            ``FAILED`` or ``UNREACHABLE``.
        task: The last task.
        message: What Ansible said of it.
        updated_at: When that was; ``None`` for a pending host.
    """

    host_id: str
    host: str
    batch: int
    state: HostState = HostState.PENDING
    trouble: HostState | None = None
    task: str = ""
    message: str = ""
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What somebody who carries out a run tells: an event that has no number yet.

    Attributes:
        type: What it tells.
        time: When it happened.
        host_id: The host, for events of the type ``host.…``.
        host: Its name.
        task: The task or the play.
        message: For people: what a module or Ansible said; at most ``MAX_MESSAGE`` characters.
        data: More, by the type; ``MAX_DATA`` characters as JSON at most.
        host_state: The state that the host is in from now on. A host never leaves a final state,
            nor goes back to ``pending``: then its row and the counts stay as they are.
        run_state: The state that the run is in from now on; after a final one nothing is taken.
    """

    type: EventType
    time: datetime
    host_id: str | None = None
    host: str | None = None
    task: str = ""
    message: str = ""
    data: Mapping[str, JsonValue] = field(default_factory=dict)
    host_state: HostState | None = None
    run_state: RunState | None = None


#: The longest message of an event or a row, in characters; the end of a longer one is cut.
MAX_MESSAGE: Final = 4096

#: The longest data of an event, in characters of JSON; longer data are left out, and say so.
MAX_DATA: Final = 16_384


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened in a run, in its place.

    Attributes:
        id: Its number in its run: 1 for the first, and no gap.
        run_id: The run.
        time, type, host_id, host, task, message, data: As they were reported.
    """

    id: int
    run_id: str
    time: datetime
    type: EventType
    host_id: str | None = None
    host: str | None = None
    task: str = ""
    message: str = ""
    data: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reachability:
    """What was last known of reaching a host.

    Attributes:
        host_id: The host.
        reachable: Whether a task ran on it.
        time: When that was found out.
        run_id: The run that found it out.
        message: What Ansible said, if it could not be reached.
    """

    host_id: str
    reachable: bool
    time: datetime
    run_id: str
    message: str = ""
