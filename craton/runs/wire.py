"""Reports as lines of JSON, between the processes of one batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from craton import jsontext
from craton.runs.models import EventType, HostState, Report


def packed(reports: Sequence[Report]) -> bytes:
    """Return a line that holds reports."""
    return line({"reports": [_as_object(report) for report in reports]})


def line(value: object) -> bytes:
    """Return a line that holds a value."""
    return jsontext.dumps(value).encode(errors="replace") + b"\n"


def unpacked(reports: Sequence[Any]) -> list[Report]:
    """Return the reports of a line."""
    return [_from_object(report) for report in reports]


def _as_object(report: Report) -> dict[str, object]:
    found = {
        field.name: value
        for field in dataclasses.fields(report)
        if (value := getattr(report, field.name)) != field.default
    }
    found["type"] = report.type.value
    found["time"] = report.time.isoformat()
    if report.host_state is not None:
        found["host_state"] = report.host_state.value
    return found


def _from_object(value: dict[str, Any]) -> Report:
    state = value.get("host_state")
    return Report(
        **{
            **value,
            "type": EventType(value["type"]),
            "time": datetime.fromisoformat(value["time"]),
            "host_state": None if state is None else HostState(state),
        }
    )
