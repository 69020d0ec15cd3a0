"""One attempt of one conductor at a run: what all of its tasks share."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

from craton.errors import LeaseLost, Unavailable
from craton.runs.batch import BatchRunner
from craton.runs.deadlines import boottime
from craton.runs.lease import RunLease
from craton.runs.models import EventType, Report, Run, RunHost, RunState
from craton.runs.persistence import Persistence
from craton.runs.playbooks import Playbooks
from craton.runs.private import PrivateDirectories
from craton.runs.recorder import Recorder
from craton.runs.store import MAX_PAGE, RunStore, utcnow
from craton.secrets import SecretStore

_T = TypeVar("_T")

#: How often somebody who waits looks whether there is still sense in it, in seconds.
LOOK: Final = 0.2

#: How long to wait for a store that is away, and between two tries, in seconds.
_PATIENCE: Final = 60.0
_PAUSE: Final = 1.0


class Interrupted(Exception):
    """The attempt ends before the run does."""


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """What every attempt of this process works with.

    Attributes:
        store: Keeps runs.
        secrets: Opens what runs take.
        playbooks: Those that may be run.
        runner: Carries out batches.
        persistence: Keeps how far flows are.
        directories: Makes the places for what must not outlive a run.
        workers: How many batches may be worked on at once, in all runs.
        slots: One for each of these.
        max_attempts: How many attempts a run may take.
    """

    store: RunStore
    secrets: SecretStore
    playbooks: Playbooks
    runner: BatchRunner
    persistence: Persistence
    directories: PrivateDirectories
    workers: int
    slots: threading.Semaphore
    max_attempts: int


class Attempt:
    """An attempt at a run, under one fence and one lease.

    Args:
        equipment: What it works with.
        run: The run as it was when it was taken up.
        lease: Asked by everybody.
        recorder: Takes what happens.

    Attributes:
        refusal: Why nobody can carry out the run, for people; empty as long as that is not known.
        complaint: What was wrong with a batch as a whole, for people; empty if nothing was.
        interrupted: Whether somebody found that it ends before the run does.
    """

    def __init__(self, equipment: Equipment, run: Run, lease: RunLease, recorder: Recorder) -> None:
        self.equipment = equipment
        self.run = run
        self.lease = lease
        self.recorder = recorder
        self.refusal = ""
        self.complaint = ""
        self.interrupted = False

    @cached_property
    def finished(self) -> frozenset[int]:
        """The batches that somebody finished before."""
        return self.patiently(lambda: self.equipment.store.finished_batches(self.run.id))

    @cached_property
    def started(self) -> frozenset[int]:
        """The batches that somebody began before."""
        return self.patiently(lambda: self.equipment.store.started_batches(self.run.id))

    @cached_property
    def hosts(self) -> Mapping[int, Sequence[RunHost]]:
        """The hosts by batch, by name within each."""
        hosts: dict[int, list[RunHost]] = defaultdict(list)
        marker: str | None = None
        while True:
            page = self.patiently(
                lambda marker=marker: self.equipment.store.hosts(  # type: ignore[misc]
                    self.run.id, limit=MAX_PAGE, marker=marker
                )
            )
            for host in page.items:
                hosts[host.batch].append(host)
            marker = page.next
            if marker is None:
                return hosts

    def go_on(self) -> None:
        """Raise ``Interrupted`` if the lease is over."""
        if self.lease.is_over:
            raise Interrupted

    def patiently(self, call: Callable[[], _T]) -> _T:
        """Call something that may be away for a while, again and again, under the lease.

        Raises:
            Interrupted: The lease is over.
            Unavailable: It is away for too long.
        """
        until = boottime() + _PATIENCE
        while True:
            self.go_on()
            try:
                return call()
            except Unavailable:
                if boottime() > until:
                    raise
            time.sleep(_PAUSE)

    def report(self, report: Report) -> None:
        """Report something. Raises ``Interrupted`` if nobody takes it any more."""
        self._unless_lost(lambda: self.recorder.add([report]))

    def flush(self) -> None:
        """Wait until the store has everything. Raises ``Interrupted`` if it will not take it."""
        self._unless_lost(self.recorder.flush)

    def conclude(self, state: RunState, message: str) -> None:
        """Let the run end, once everything that was reported before is kept.

        Raises:
            Interrupted: Nobody takes it any more.
        """
        data = {"state": state.value}
        type = EventType.RUN_STATE
        self.report(Report(type=type, time=utcnow(), message=message, data=data, run_state=state))
        self.flush()

    def _unless_lost(self, call: Callable[[], None]) -> None:
        try:
            call()
        except LeaseLost as error:
            raise Interrupted from error
