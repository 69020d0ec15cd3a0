"""The schemas of what the API takes and gives of runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from craton.api import run_bodies
from craton.api.examples import BODIES
from craton.api.schema import Schema, array, record, reference, schema_of
from craton.fields import Spec
from craton.runs.models import EventType, HostState, Origin, RunState

_TEXT: Final[Schema] = {"type": "string"}
_MAYBE: Final[Schema] = {"type": ["string", "null"]}
_FLAG: Final[Schema] = {"type": "boolean"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_MAYBE_TIME: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
_OBJECT: Final[Schema] = {"type": "object"}


def run_schemas() -> dict[str, Schema]:
    """Return the schemas by name."""
    events = schema_of_members(run_bodies.REPORTS, ("first", "events"))
    return {
        "Run": record(
            id=_TEXT,
            region_id=_TEXT,
            state=_one_of(state.value for state in RunState),
            reason=_TEXT,
            origin=_one_of(origin.value for origin in Origin),
            playbook=_TEXT,
            filters={"type": "object", "additionalProperties": array(_TEXT)},
            check=_FLAG,
            tags=array(_TEXT),
            batch_size=_COUNT,
            forks=_COUNT,
            bundle_sha256=_MAYBE,
            progress=record(total=_COUNT, **{state.value: _COUNT for state in HostState}),
            cancelling=_FLAG,
            attempt=_COUNT,
            last_event=_COUNT,
            requested_by=_TEXT,
            request_id=_TEXT,
            created_at=_TIME,
            started_at=_MAYBE_TIME,
            finished_at=_MAYBE_TIME,
        ),
        "RunBody": {
            "oneOf": [
                schema_of_members(run_bodies.STARTING, ("playbook",)),
                schema_of_members(run_bodies.REPORTED, ("origin", "playbook", "hosts")),
            ],
            "examples": [BODIES["Run"]],
        },
        "RunList": _page("runs", reference("Run")),
        "RunHost": record(
            host_id=_TEXT,
            host=_TEXT,
            batch=_COUNT,
            state=_one_of(state.value for state in HostState),
            trouble=_MAYBE,
            task=_TEXT,
            message=_TEXT,
            updated_at=_MAYBE_TIME,
        ),
        "RunHostList": _page("hosts", reference("RunHost")),
        "Event": record(
            id=_COUNT,
            run_id=_TEXT,
            time=_TIME,
            type=_one_of(type.value for type in EventType),
            host_id=_MAYBE,
            host=_MAYBE,
            task=_TEXT,
            message=_TEXT,
            data=_OBJECT,
        ),
        "EventList": _page(
            "events",
            reference("Event"),
            missing={**_FLAG, "description": "Whether older events were asked for, and are gone."},
        ),
        "EventReport": schema_of_members(run_bodies.EVENT, ("type", "time")),
        "EventReports": {
            **events,
            "properties": {
                **_properties(events),
                "events": {**array(reference("EventReport")), "maxItems": run_bodies.MOST_EVENTS},
            },
        },
        "PlaybookList": _page("playbooks", record(name=_TEXT)),
        "Reachability": record(
            host_id=_TEXT,
            reachable={"type": ["boolean", "null"]},
            time=_MAYBE_TIME,
            run_id=_MAYBE,
            message=_MAYBE,
        ),
    }


def schema_of_members(members: Mapping[str, Spec], required: Collection[str]) -> Schema:
    """Return the schema of a body of these members."""
    return {
        "type": "object",
        "properties": {
            name: {**schema_of(spec), "description": spec.help} for name, spec in members.items()
        },
        "required": list(required),
        "additionalProperties": False,
    }


def _page(name: str, items: Schema, **others: Schema) -> Schema:
    link = record(rel={"const": "next"}, href={"type": "string", "format": "uri-reference"})
    return record(**{name: array(items)}, **others, links={**array(link), "maxItems": 1})


def _one_of(words: Iterable[str]) -> Schema:
    return {"type": "string", "enum": list(words)}


def _properties(schema: Schema) -> Schema:
    found = schema["properties"]
    assert isinstance(found, dict)
    return found
