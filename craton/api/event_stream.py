"""Events of a run as server-sent events, as the HTML standard defines them.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import orjson

from craton.api.representation import moment_text
from craton.runs.models import Event, EventType, Run, RunState
from craton.runs.store import EventPage

MEDIA_TYPE: Final = "text/event-stream"

#: The header by which a client that comes back says what it had last.
LAST_EVENT_ID: Final = "Last-Event-ID"

#: What an event's id looks like; fewer digits than would be rounded in JavaScript.
ID_PATTERN: Final = "[0-9]{1,15}"

#: A comment, which clients pass over: it tells them, and whatever stands between, that all is well.
HEARTBEAT: Final = b":\n\n"

#: How long at most nothing is sent, in seconds.
SILENCE: Final = 15.0


@dataclass(frozen=True, slots=True)
class Frame:
    """An event as it is sent.

    Attributes:
        id: Its number.
        content: Its bytes, the same for all who follow.
        end: What is sent behind it, if it is the last of its run; else nothing.
    """

    id: int
    content: bytes
    end: bytes = b""


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a stream begins.

    Attributes:
        content: What is sent first.
        position: The number of the last event that the client has.
        is_end: Whether that was the last one of all.
    """

    content: bytes
    position: int
    is_end: bool


def event_document(event: Event) -> dict[str, object]:
    """Return what stands for an event, ready for orjson."""
    return {
        "id": event.id,
        "run_id": event.run_id,
        "time": moment_text(event.time),
        "type": event.type.value,
        "host_id": event.host_id,
        "host": event.host,
        "task": event.task,
        "message": event.message,
        "data": event.data,
    }


def frames(events: Iterable[Event]) -> list[Frame]:
    """Return events as they are sent."""
    return [_frame(event) for event in events]


def missing(page: EventPage, after: int) -> bytes:
    """Return what says that events are gone which were asked for; nothing if none are.

    It has no id, so that a client which loses the connection here asks for the same again.
    """
    if not page.missing:
        return b""
    return _told("events.missing", {"after": after, "next": page.items[0].id})


def rewound(after: int, last: int) -> bytes:
    """Return what says that the store lost events which were sent before."""
    return _told("events.missing", {"after": after, "next": last + 1})


def ended(state: RunState) -> bytes:
    """Return what says that nothing comes any more, so that a client need not ask again."""
    return _told("end", {"state": state.value})


def beginning(run: Run, after: int) -> Beginning:
    """Return how the stream of a run begins for a client that has all events up to a number."""
    content, position = b"", after
    if after > run.last_event:
        content, position = rewound(after, run.last_event), run.last_event
    is_end = run.state.is_final and position == run.last_event
    return Beginning(content + (ended(run.state) if is_end else b""), position, is_end)


def opening(retry_milliseconds: int) -> bytes:
    """Return what a stream begins with: when to come back after it breaks."""
    return b"retry: %d\n\n" % retry_milliseconds


def _frame(event: Event) -> Frame:
    # orjson escapes line ends, so the data is one line whatever a host said.
    data = orjson.dumps(event_document(event))
    content = b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.type.value.encode(), data)
    return Frame(event.id, content, _end(event))


def _end(event: Event) -> bytes:
    if event.type is not EventType.RUN_STATE:
        return b""
    state = RunState(str(event.data["state"]))
    return ended(state) if state.is_final else b""


def _told(name: str, data: dict[str, object]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data))
