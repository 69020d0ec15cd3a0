"""What clients send about runs: what is to be run, or what somebody's own Ansible did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from craton import jsontext
from craton.api.errors import TooLarge
from craton.api.specs import ListOf, ObjectOf, OneOf, Printed
from craton.api.types import Body
from craton.errors import InvalidQuery, InvalidValue
from craton.fields import Flag, Integer, Spec, Text
from craton.filters import HostFilters
from craton.jsontext import JsonValue
from craton.runs.models import EventType, HostState, Origin, Report, RunState
from craton.runs.store import MAX_PAGE

#: The most events that one request reports.
MOST_EVENTS: Final = MAX_PAGE

_PLAYBOOK: Final = Text(
    help="The playbook: its path below the service's playbook directory.",
    min_length=1,
    max_length=1000,
)
_CHECK: Final = Flag(help="Whether Ansible only says what it would do.")


def _check_tag(value: str, field: str) -> None:
    if "," in value or not value.isprintable() or value != value.strip():
        raise InvalidValue(field, "must be one tag: no commas, no blanks around it")


#: The members of a body that starts a run.
STARTING: Final[Mapping[str, Spec]] = {
    "origin": OneOf(
        help="Who carries the run out: `conductor`, a part of this service.",
        words=(Origin.CONDUCTOR.value,),
    ),
    "playbook": _PLAYBOOK,
    "filters": ObjectOf(
        help="Which hosts: the filters of a list of hosts by name, each with a list of its values. "
        "Without a word on `active`, only hosts that are."
    ),
    "extra_vars": ObjectOf(
        help="Variables that win over all others; they are kept sealed.", max_characters=2**18
    ),
    "check": _CHECK,
    "tags": ListOf(
        help="Only tasks with one of these tags.",
        items=Text(help="A tag.", min_length=1, max_length=200, rule=_check_tag),
        most=100,
    ),
    "batch_size": Integer(
        help="How many hosts are given to one ansible-playbook.", minimum=1, maximum=100_000
    ),
    "forks": Integer(
        help="How many hosts one ansible-playbook works on at once.", minimum=1, maximum=1000
    ),
}

#: The members of a body that announces the run of somebody's own ansible-playbook.
REPORTED: Final[Mapping[str, Spec]] = {
    "origin": OneOf(
        help="Who carries the run out: `reported`, an ansible-playbook elsewhere.",
        words=(Origin.REPORTED.value,),
    ),
    "playbook": Text(help="What the playbook is called.", min_length=1, max_length=1000),
    "hosts": ListOf(
        help="The names of the hosts.",
        items=Text(help="A name.", min_length=1, max_length=255),
        most=100_000,
    ),
    "check": _CHECK,
}

#: The members of a body with what happened in a reported run.
REPORTS: Final[Mapping[str, Spec]] = {
    "first": Integer(
        help="The number of the first of these events, counted from 1 by who reports them. What "
        "was taken before is not taken again.",
        minimum=1,
        maximum=2**53,
    ),
    "events": ListOf(
        help="What happened.", items=ObjectOf(help="An event, as EventReport."), most=MOST_EVENTS
    ),
    "run_state": OneOf(
        help="How the run ended; null while it goes on.",
        words=(RunState.SUCCEEDED.value, RunState.FAILED.value),
        optional=True,
    ),
}

#: What somebody else's Ansible can tell of; the rest is what this service does itself.
_TOLD: Final = (
    EventType.PLAY_STARTED,
    EventType.TASK_STARTED,
    EventType.HOST_OK,
    EventType.HOST_CHANGED,
    EventType.HOST_FAILED,
    EventType.HOST_UNREACHABLE,
    EventType.HOST_SKIPPED,
    EventType.HOST_FINISHED,
)

#: The members of one event.
EVENT: Final[Mapping[str, Spec]] = {
    "type": OneOf(help="What it tells.", words=tuple(type.value for type in _TOLD)),
    "time": Text(help="When it happened, with a time zone.", max_length=40),
    "host": Text(help="The name of the host.", max_length=255, optional=True),
    "task": Printed(help="The play or the task."),
    "message": Printed(help="What Ansible said; the end of a long one is cut."),
    "data": ObjectOf(help="More."),
    "host_state": OneOf(
        help="The state that the host is in from now on.",
        words=tuple(state.value for state in HostState),
        optional=True,
    ),
}

_STARTING: Final = Body("run", STARTING, required=("playbook",))
_REPORTED: Final = Body("reported run", REPORTED, required=("origin", "playbook", "hosts"))
_REPORTS: Final = Body("report", REPORTS, required=("first", "events"))
_EVENT: Final = Body("event", EVENT, required=("type", "time"))

#: The years that a clock may show.
_YEARS: Final = range(2000, 3000)


@dataclass(frozen=True, kw_only=True)
class Start:
    """A run to start; ``None`` stands for what the service is configured to."""

    playbook: str
    filters: HostFilters
    extra_vars: Mapping[str, JsonValue]
    check: bool
    tags: tuple[str, ...]
    batch_size: int | None
    forks: int | None


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """A run of somebody's own ``ansible-playbook``."""

    playbook: str
    hosts: tuple[str, ...]
    check: bool


@dataclass(frozen=True, kw_only=True)
class Told:
    """What happened in a reported run; the hosts of the reports have no ids yet."""

    first: int
    reports: tuple[Report, ...]
    run_state: RunState | None


def run_from(document: JsonValue) -> Start | Announcement:
    """Read a run.

    Raises:
        InvalidValue, InvalidQuery: It is none, or a filter is malformed.
    """
    if isinstance(document, dict) and document.get("origin") == Origin.REPORTED.value:
        told = _REPORTED.read(document)
        if len(set(told["hosts"])) < len(told["hosts"]) or not told["hosts"]:
            raise InvalidValue("hosts", "must have at least one name, and each name once")
        return Announcement(
            playbook=told["playbook"],
            hosts=tuple(told["hosts"]),
            check=told.get("check", False),
        )
    given = _STARTING.read(document)
    extra_vars = given.get("extra_vars", {})
    jsontext.encode(extra_vars, "extra_vars")
    return Start(
        playbook=given["playbook"],
        filters=_filters(given.get("filters", {})),
        extra_vars=extra_vars,
        check=given.get("check", False),
        tags=tuple(given.get("tags", ())),
        batch_size=given.get("batch_size"),
        forks=given.get("forks"),
    )


def told_from(document: JsonValue) -> Told:
    """Read what happened.

    Raises:
        InvalidValue: It is no report, or an event is none.
        TooLarge: There are too many events.
    """
    if isinstance(document, dict):
        events = document.get("events")
        if isinstance(events, list) and len(events) > MOST_EVENTS:
            raise TooLarge("events", MOST_EVENTS)
    given = _REPORTS.read(document)
    state = given.get("run_state")
    return Told(
        first=given["first"],
        reports=tuple(_report(event, number) for number, event in enumerate(given["events"])),
        run_state=None if state is None else RunState(state),
    )


def _filters(given: Mapping[str, Any]) -> HostFilters:
    for name, values in given.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise InvalidQuery(f"{name}: must be a list of strings", parameter=name)
    return HostFilters.parse(given)


def _report(event: JsonValue, number: int) -> Report:
    try:
        given = _EVENT.read(event)
        type = EventType(given["type"])
        if type.value.startswith("host.") and not given.get("host"):
            raise InvalidValue("host", "is required for events of a host")
        state = given.get("host_state")
        return Report(
            type=type,
            time=_time(given["time"]),
            host=given.get("host"),
            task=given.get("task", ""),
            message=given.get("message", ""),
            data=given.get("data", {}),
            host_state=None if state is None else HostState(state),
        )
    except InvalidValue as error:
        raise InvalidValue(f"events.{number}.{error.field}", error.rule) from error


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue("time", "must be a time such as 2026-11-22T10:00:00.000Z") from error
    if time.tzinfo is None or time.year not in _YEARS:
        raise InvalidValue("time", "must have a time zone, and a year of our own")
    return time
