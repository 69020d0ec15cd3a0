"""Runs, events and rows as Redis keeps them, and back.

Times are milliseconds since 1970. What never changes of a run is one JSON document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from craton import jsontext
from craton.runs import effects
from craton.runs.models import (
    Event,
    EventType,
    HostState,
    Origin,
    Progress,
    Reachability,
    Report,
    Run,
    RunHost,
    RunState,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

#: The fields of a run that change, each a field of the hash.
_CHANGING: Final = frozenset(
    "state reason cancelling attempt started_at finished_at progress last_event heard_at".split()
)
_FIXED: Final = tuple(field.name for field in fields(Run) if field.name not in _CHANGING)


def _read(document: str) -> Any:
    """Read what this module wrote."""
    return jsontext.loads(document)


def milliseconds(time: datetime) -> int:
    """Return a time as a number."""
    return (time - _EPOCH) // _MILLISECOND


def moment(number: str | int) -> datetime:
    """Return the time of a number."""
    return _EPOCH + int(number) * _MILLISECOND


def new_run(run: Run) -> dict[str, str | int]:
    """Return the hash of a queued run; what is ``None`` is not in it."""
    fixed = {name: getattr(run, name) for name in _FIXED}
    fixed |= {"created_at": milliseconds(run.created_at), "origin": run.origin.value}
    return {
        "document": jsontext.dumps(fixed),
        "region_id": run.region_id,
        "state": run.state.value,
        "reason": run.reason,
        "cancelling": 0,
        "attempt": 0,
        "taken": 0,
        "last_event": 1,
        "total": run.progress.total,
        **{state.value: getattr(run.progress, state.value) for state in HostState},
    }


def run(kept: Mapping[bytes, bytes]) -> Run | None:
    """Return the run of a hash; ``None`` if there is none."""
    if not kept:
        return None
    found = {name.decode(): value.decode() for name, value in kept.items()}
    fixed: dict[str, Any] = _read(found["document"])
    fixed["created_at"] = moment(fixed["created_at"])
    fixed["origin"] = Origin(fixed["origin"])
    fixed["tags"] = tuple(fixed["tags"])
    return Run(
        **fixed,
        state=RunState(found["state"]),
        reason=found["reason"],
        cancelling=found["cancelling"] == "1",
        attempt=int(found["attempt"]),
        started_at=moment(found["started_at"]) if "started_at" in found else None,
        finished_at=moment(found["finished_at"]) if "finished_at" in found else None,
        progress=Progress(
            total=int(found["total"]),
            **{state.value: int(found[state.value]) for state in HostState},
        ),
        last_event=int(found["last_event"]),
        heard_at=moment(found["heard_at"]) if "heard_at" in found else None,
    )


def new_event(report: Report) -> str:
    """Return what a stream keeps of an event; what is empty is not in it."""
    told = {
        "type": report.type.value,
        "time": milliseconds(report.time),
        "host_id": report.host_id,
        "host": report.host,
        "task": report.task,
        "message": report.message,
        "data": report.data,
    }
    return jsontext.dumps({name: value for name, value in told.items() if value or name == "time"})


def event(run_id: str, entry: tuple[bytes, Mapping[bytes, bytes]]) -> Event:
    """Return the event of an entry of a stream."""
    number, kept = entry
    told: dict[str, Any] = _read(kept[b"e"].decode())
    told |= {"type": EventType(told["type"]), "time": moment(told["time"])}
    return Event(id=int(number.partition(b"-")[0]), run_id=run_id, **told)


def report(report: Report) -> Sequence[str]:
    """Return what ``report.lua`` takes of a report."""
    change = effects.row_change(report)
    started = effects.batch(report, EventType.BATCH_STARTED)
    finished = effects.batch(report, EventType.BATCH_FINISHED)
    batch = f"s{started}" if started is not None else f"f{finished}"
    ending = report.run_state
    ends = ending is not None and ending.is_final
    return (
        new_event(report),
        "" if change is None else change.host_id,
        "" if change is None else _state(change),
        "" if change is None or change.task is None else f"={change.task}",
        f"={report.message}" if ends or (change and change.message is not None) else "",
        "" if started is None and finished is None else batch,
        f"{ending.value} {milliseconds(report.time)}" if ending is not None and ends else "",
    )


def _state(change: effects.RowChange) -> str:
    trouble = "-" if change.trouble is None else change.trouble.value
    final = int(change.state.is_final)
    return f"{final} {change.state.value} {trouble} {milliseconds(change.time)}"


def new_row(row: RunHost) -> str:
    """Return what never changes of a host."""
    return jsontext.dumps([row.host, row.batch])


def row(
    host_id: str, fixed: bytes, state: bytes | None, task: bytes | None, message: bytes | None
) -> RunHost:
    """Return the row of a host."""
    host, batch = _read(fixed.decode())
    if state is None:
        return RunHost(host_id=host_id, host=host, batch=batch)
    _, name, trouble, time = state.decode().split(" ")
    return RunHost(
        host_id=host_id,
        host=host,
        batch=batch,
        state=HostState(name),
        trouble=None if trouble == "-" else HostState(trouble),
        task=(task or b"").decode(),
        message=(message or b"").decode(),
        updated_at=moment(time),
    )


def new_reachability(known: Reachability) -> str:
    """Return what is kept of reaching a host: the time, a space, and the rest."""
    told = [known.reachable, known.run_id, known.message]
    return f"{milliseconds(known.time)} {jsontext.dumps(told)}"


def reachability(host_id: str, kept: bytes) -> Reachability:
    """Return what is known of reaching a host."""
    time, _, told = kept.decode().partition(" ")
    reachable, run_id, message = _read(told)
    return Reachability(
        host_id=host_id,
        reachable=reachable,
        time=moment(time),
        run_id=run_id,
        message=message,
    )
