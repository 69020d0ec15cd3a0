"""Short ways to make runs and reports."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from craton.runs.models import (
    EventType,
    HostState,
    Progress,
    Report,
    Run,
    RunHost,
    RunState,
)
from craton.runs.store import RunStore

REGION = "0f0e0d0c-region"
START = datetime(2026, 5, 17, 9, 30, 0, 123_000, tzinfo=UTC)

_numbers = itertools.count(1)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def new_run(**fields: object) -> Run:
    given: dict[str, object] = {
        "id": f"run-{next(_numbers):06}",
        "region_id": REGION,
        "tenant_id": "acme",
        "playbook": "site.yml",
        "filters": {"group": ["web"], "vars": ["role:frontend"]},
        "tags": ("packages", "configuration"),
        "batch_size": 2,
        "forks": 5,
        "bundle_sha256": "ab" * 32,
        "requested_by": "ada",
        "request_id": "req-1",
        "created_at": START,
        "progress": Progress(total=0),
        **fields,
    }
    return Run(**given)  # type: ignore[arg-type]


def rows(count: int) -> list[RunHost]:
    """Hosts ``id-0`` called ``web-000`` and so on, two in a batch."""
    return [
        RunHost(host_id=f"id-{index}", host=f"web-{index:03}", batch=index // 2)
        for index in range(count)
    ]


@dataclass
class Executor:
    """Carries out a run by the book: counts what it has told under its fence."""

    store: RunStore
    run_id: str
    fence: int
    told: int = 0

    def tell(self, *reports: Report) -> None:
        self.store.report(self.run_id, self.fence, self.told + 1, reports)
        self.told += len(reports)

    def end(self, state: RunState = RunState.SUCCEEDED, message: str = "done") -> None:
        self.tell(run_state(state, message))


def claimed(store: RunStore, hosts: int = 3, **fields: object) -> Executor:
    """Make a run and take it up."""
    run = store.create(new_run(**fields), rows(hosts), b"sealed")
    return Executor(store, run.id, store.claim(run.id))


def taken_over(store: RunStore, run_id: str) -> Executor:
    return Executor(store, run_id, store.claim(run_id))


def host(index: int, type: EventType = EventType.HOST_OK, **fields: object) -> Report:
    given: dict[str, object] = {
        "type": type,
        "time": at(index),
        "host_id": f"id-{index}",
        "host": f"web-{index:03}",
        "task": "install",
        **fields,
    }
    return Report(**given)  # type: ignore[arg-type]


def finished(index: int, state: HostState = HostState.OK, **fields: object) -> Report:
    given = {"task": "", "host_state": state, "data": {"state": state.value}, **fields}
    return host(index, EventType.HOST_FINISHED, **given)


def batch(type: EventType, number: int) -> Report:
    return Report(type=type, time=START, data={"batch": number, "hosts": 2})


def run_state(state: RunState, message: str = "") -> Report:
    return Report(
        type=EventType.RUN_STATE,
        time=at(60),
        message=message,
        data={"state": state.value},
        run_state=state,
    )


def remark(text: str) -> Report:
    return Report(type=EventType.TASK_STARTED, time=START, task=text)


def remarks(count: int) -> Sequence[Report]:
    return [remark(f"task {index}") for index in range(count)]


def whole(progress: Progress) -> int:
    """The sum of all counts but the total."""
    return sum(getattr(progress, name) for name in Progress.__dataclass_fields__ if name != "total")
