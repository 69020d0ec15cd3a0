"""Runs that a test plays: what hosts do is what it says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from craton.runs.models import EventType, HostState, Progress, Report, Run, RunHost, RunState
from craton.runs.store import RunStore

_OUTCOMES = {
    HostState.OK: EventType.HOST_OK,
    HostState.CHANGED: EventType.HOST_CHANGED,
    HostState.FAILED: EventType.HOST_FAILED,
    HostState.UNREACHABLE: EventType.HOST_UNREACHABLE,
    HostState.SKIPPED: EventType.HOST_SKIPPED,
}

#: How many reports are given to a store at once.
_PORTION = 1000


def names(number: int) -> list[str]:
    """Return names of hosts, in the order in which they are shown."""
    return [f"web{at:05}" for at in range(number)]


class Play:
    """One run, claimed and played.

    Args:
        store: Keeps it.
        region_id: Its region.
        hosts: The names of its hosts; a host's id is its name with ``id-`` before it.
        id: The run's.
    """

    def __init__(
        self, store: RunStore, region_id: str, hosts: Sequence[str], id: str = "run-1"
    ) -> None:
        self.store, self.id = store, id
        run = Run(
            id=id,
            region_id=region_id,
            tenant_id="",
            playbook="site.yml",
            batch_size=50,
            forks=10,
            requested_by="operator",
            created_at=datetime.now(UTC),
            progress=Progress(total=len(hosts)),
        )
        store.create(
            run,
            [
                RunHost(host_id=f"id-{name}", host=name, batch=at // 50)
                for at, name in enumerate(hosts)
            ],
        )
        self.fence = store.claim(id)
        self.told = 0

    def tell(self, reports: Iterable[Report]) -> None:
        """Report."""
        waiting = list(reports)
        while waiting:
            portion, waiting = waiting[:_PORTION], waiting[_PORTION:]
            self.store.report(self.id, self.fence, self.told + 1, portion)
            self.told += len(portion)

    def task(
        self, host: str, outcome: HostState, task: str = "Install", message: str = ""
    ) -> Report:
        """Return what a task did on a host that is still being worked on."""
        return Report(
            type=_OUTCOMES[outcome],
            time=datetime.now(UTC),
            host_id=f"id-{host}",
            host=host,
            task=task,
            message=message,
            host_state=HostState.RUNNING,
        )

    def last_word(self, host: str, state: HostState) -> Report:
        """Return the report that a host is done."""
        return Report(
            type=EventType.HOST_FINISHED,
            time=datetime.now(UTC),
            host_id=f"id-{host}",
            host=host,
            data={"state": state.value},
            host_state=state,
        )

    def finish(self, hosts: Iterable[str], state: HostState, message: str = "") -> None:
        """Let hosts end in a state."""
        self.tell(
            report
            for host in hosts
            for report in (self.task(host, state, message=message), self.last_word(host, state))
        )

    def end(self, state: RunState, message: str = "") -> None:
        """Let the run end."""
        self.tell(
            [
                Report(
                    type=EventType.RUN_STATE,
                    time=datetime.now(UTC),
                    message=message,
                    data={"state": state.value},
                    run_state=state,
                )
            ]
        )
