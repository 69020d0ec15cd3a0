"""Runs, their hosts and what is known of reaching hosts, as JSON."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from craton.api.representation import moment_text
from craton.runs.models import Reachability, Run, RunHost


def run_document(run: Run) -> dict[str, object]:
    """Return what stands for a run, ready for orjson."""
    return {
        "id": run.id,
        "region_id": run.region_id,
        "state": run.state.value,
        "reason": run.reason,
        "origin": run.origin.value,
        "playbook": run.playbook,
        "filters": dict(run.filters),
        "check": run.check,
        "tags": list(run.tags),
        "batch_size": run.batch_size,
        "forks": run.forks,
        "bundle_sha256": run.bundle_sha256,
        "progress": dataclasses.asdict(run.progress),
        "cancelling": run.cancelling,
        "attempt": run.attempt,
        "last_event": run.last_event,
        "requested_by": run.requested_by,
        "request_id": run.request_id,
        "created_at": moment_text(run.created_at),
        "started_at": _moment(run.started_at),
        "finished_at": _moment(run.finished_at),
    }


def host_document(host: RunHost) -> dict[str, object]:
    """Return what stands for a host of a run, ready for orjson."""
    return {
        "host_id": host.host_id,
        "host": host.host,
        "batch": host.batch,
        "state": host.state.value,
        "trouble": None if host.trouble is None else host.trouble.value,
        "task": host.task,
        "message": host.message,
        "updated_at": _moment(host.updated_at),
    }


def reachability_document(host_id: str, known: Reachability | None) -> dict[str, object]:
    """Return what is known of reaching a host; all is null if nobody ever tried."""
    return {
        "host_id": host_id,
        "reachable": None if known is None else known.reachable,
        "time": None if known is None else moment_text(known.time),
        "run_id": None if known is None else known.run_id,
        "message": None if known is None else known.message,
    }


def _moment(time: datetime | None) -> str | None:
    return None if time is None else moment_text(time)
