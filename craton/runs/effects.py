"""What a report changes, beside leaving an event: the same for every store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from craton.runs.models import EventType, HostState, Reachability, Report

_TROUBLES: Final = {
    EventType.HOST_FAILED: HostState.FAILED,
    EventType.HOST_UNREACHABLE: HostState.UNREACHABLE,
}
_TOUCHES: Final = {
    EventType.HOST_OK,
    EventType.HOST_CHANGED,
    EventType.HOST_FAILED,
    EventType.HOST_UNREACHABLE,
    EventType.HOST_SKIPPED,
    EventType.HOST_FINISHED,
}
_REACHED: Final = {
    EventType.HOST_OK: True,
    EventType.HOST_CHANGED: True,
    EventType.HOST_FAILED: True,
    EventType.HOST_UNREACHABLE: False,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RowChange:
    """What becomes of a host's row, unless its state is final already.

    Attributes:
        host_id: The host.
        state: ``RUNNING``, or a final state.
        trouble: See :class:`~craton.runs.models.RunHost`.
        task, message: The new ones; ``None`` leaves what is there.
        time: When that was.
    """

    host_id: str
    state: HostState
    trouble: HostState | None
    task: str | None
    message: str | None
    time: datetime


def row_change(report: Report) -> RowChange | None:
    """Return what a report changes of its host's row, if anything.

    Whatever is told of a host means that it is being worked on. A last word without a task or a
    message leaves those of the task before, which say what the host ended with.
    """
    touched = report.type in _TOUCHES or report.host_state is not None
    if report.host_id is None or not touched:
        return None
    state = report.host_state or HostState.RUNNING
    if state is HostState.PENDING:
        state = HostState.RUNNING
    last_word = report.type is EventType.HOST_FINISHED or report.type not in _TOUCHES
    return RowChange(
        host_id=report.host_id,
        state=state,
        trouble=None if state.is_final else _TROUBLES.get(report.type),
        task=None if last_word and not report.task else report.task,
        message=None if last_word and not report.message else report.message,
        time=report.time,
    )


def batch(report: Report, type: EventType) -> int | None:
    """Return the number of the batch, if the report is of that type and names one."""
    number = report.data.get("batch")
    if report.type is type and isinstance(number, int) and not isinstance(number, bool):
        return number
    return None


def reached(run_id: str, reports: Iterable[Report], now: datetime) -> Mapping[str, Reachability]:
    """Return the last that reports tell of reaching each host.

    What is said to happen later than now happens now: else a clock that is ahead would have the
    last word until its time comes.
    """
    found: dict[str, Reachability] = {}
    for report in reports:
        reachable = _REACHED.get(report.type)
        if reachable is None or report.host_id is None:
            continue
        known = found.get(report.host_id)
        time = min(report.time, now)
        if known is None or time >= known.time:
            found[report.host_id] = Reachability(
                host_id=report.host_id,
                reachable=reachable,
                time=time,
                run_id=run_id,
                message="" if reachable else report.message,
            )
    return found
