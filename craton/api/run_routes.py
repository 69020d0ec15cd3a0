"""The routes of runs, of the playbooks that may be run, and of what runs found out about hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Final

from craton.api.errors import invalid_parameter
from craton.api.event_stream import MEDIA_TYPE
from craton.api.limits import Limits
from craton.api.parameters import Parameter, number
from craton.api.route import JSON, Route, Takes
from craton.api.schema import reference
from craton.query import DEFAULT_LIMIT
from craton.runs.models import HostState, RunState
from craton.runs.store import MAX_PAGE

RUNS: Final = "/v1/runs"

#: The part of a host that tells whether it was reached.
REACHABILITY: Final = "reachability"

_OF_REGION: Final = f"{RUNS}/{{region_id}}"
_RUN: Final = f"{_OF_REGION}/{{id}}"


def run_routes(limits: Limits) -> Iterator[Route]:
    """Yield them."""
    size = _size(limits)
    page = (
        size,
        Parameter(name="marker", help="Where to go on, from the link `next` of the page before."),
    )
    yield Route(
        method="GET",
        path=_OF_REGION,
        summary="List the runs of a region, newest first.",
        parameters=(
            *page,
            Parameter(name="host", help="Only those that have the host of this id or name."),
            _states((state.value for state in RunState), "Only those in one of these states."),
        ),
        schema=reference("RunList"),
    )
    yield Route(
        method="POST",
        path=_OF_REGION,
        summary="Start a run (202), or announce one of somebody's own ansible-playbook (201).",
        body=Takes(schema=reference("RunBody"), limit=limits.max_body_bytes),
        status=HTTPStatus.ACCEPTED,
        others=(HTTPStatus.CREATED,),
        schema=reference("Run"),
        lengthy=True,
    )
    yield Route(method="GET", path=_RUN, summary="Read a run.", schema=reference("Run"))
    yield Route(
        method="DELETE",
        path=_RUN,
        summary="Ask for the end of a run; it goes on until its hosts are left alone.",
        status=HTTPStatus.ACCEPTED,
        schema=reference("Run"),
    )
    yield Route(
        method="GET",
        path=f"{_RUN}/hosts",
        summary="List the hosts of a run, by name.",
        parameters=(
            *page,
            Parameter(name="host", help="Only the host of this id or name."),
            _states(
                (state.value for state in HostState),
                "Only those in one of these states; a running host that is in trouble counts as "
                "failed or unreachable, too.",
            ),
        ),
        schema=reference("RunHostList"),
    )
    yield Route(
        method="GET",
        path=f"{_RUN}/events",
        summary="List the events of a run, in order; or follow them, as server-sent events.",
        parameters=(
            size,
            number("after", "Only those after this one.", minimum=0, maximum=2**53),
        ),
        schema=reference("EventList"),
        media_types=(JSON, MEDIA_TYPE),
    )
    yield Route(
        method="POST",
        path=f"{_RUN}/events",
        summary="Report what somebody's own ansible-playbook did.",
        body=Takes(schema=reference("EventReports"), limit=limits.max_body_bytes),
        status=HTTPStatus.NO_CONTENT,
    )
    yield Route(
        method="GET",
        path="/v1/playbooks",
        summary="List the playbooks that may be run.",
        schema=reference("PlaybookList"),
    )
    yield Route(
        method="GET",
        path=f"/v1/hosts/{{region_id}}/{{id}}/{REACHABILITY}",
        summary="Read what runs last found out about reaching a host.",
        schema=reference("Reachability"),
    )


def _size(limits: Limits) -> Parameter:
    most = min(limits.max_limit, MAX_PAGE)
    return number(
        "limit", "How many at most.", minimum=1, maximum=most, default=min(DEFAULT_LIMIT, most)
    )


def _states(words: Iterable[str], help: str) -> Parameter:
    known = list(words)

    def read(text: str, name: str) -> str:
        if text not in known:
            raise invalid_parameter(name, f"must be one of {', '.join(known)}")
        return text

    schema = {"type": "string", "enum": known}
    return Parameter(name="state", help=help, schema=schema, read=read, repeatable=True)
