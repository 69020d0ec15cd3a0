"""The events of a run: read as a list, followed as they come, or told by somebody's own Ansible."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, urlencode

import orjson
from webob import Response

from craton.api.controllers.resource import Resource, Service, answers
from craton.api.controllers.responses import json_response, no_content
from craton.api.errors import MalformedRequest
from craton.api.event_stream import ID_PATTERN, LAST_EVENT_ID, MEDIA_TYPE, event_document
from craton.api.request import SUBSCRIPTION, Request
from craton.api.route import JSON
from craton.api.run_bodies import Told, told_from
from craton.api.run_errors import WrongOrigin
from craton.api.run_lookup import run_of
from craton.driver import now
from craton.errors import LeaseLost, RunEnded
from craton.runs.models import EventType, Origin, Report, Run
from craton.runs.store import RunStore


class EventsOf(Resource):
    """The events of a run."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """List them, or follow them if that is what the client prefers."""
        run = run_of(self._service, request)
        offers = request.accept.acceptable_offers((JSON, MEDIA_TYPE))
        if offers and offers[0][0] == MEDIA_TYPE:
            return self._stream(request, run)
        return self._list(request, run)

    @answers
    def post(self, request: Request, response: Response) -> Response:
        """Take what somebody's own Ansible tells."""
        told = told_from(request.document())
        run = run_of(self._service, request)
        if run.origin is not Origin.REPORTED:
            raise WrongOrigin(
                run.id, run.origin.value, "this service carries out the run, and tells of it itself"
            )
        store = self._service.runs.store
        reports = list(_with_end(told))
        ids = _ids(store, run.id, reports)
        try:
            fence = store.fence(run.id)
            store.report(run.id, fence, told.first, [_placed(report, ids) for report in reports])
        except LeaseLost as error:
            state = store.get(run.id).state
            if state.is_final:
                raise RunEnded(run.id, state.value) from error
            raise
        return no_content()

    def _list(self, request: Request, run: Run) -> Response:
        limit, after = request.values["limit"], request.values["after"] or 0
        page = self._service.runs.store.events(run.id, after=after, limit=limit)
        links = []
        if len(page.items) == limit:
            path = request.script_name + quote(request.path_info)
            query = urlencode({"limit": limit, "after": page.items[-1].id})
            links.append({"rel": "next", "href": f"{path}?{query}"})
        found = [event_document(event) for event in page.items]
        body = {"events": found, "missing": page.missing, "links": links}
        return json_response(orjson.dumps(body))

    def _stream(self, request: Request, run: Run) -> Response:
        headers = [
            ("Content-Type", f"{MEDIA_TYPE}; charset=utf-8"),
            ("Cache-Control", "no-store"),
            # What stands between must not wait for more before it passes an event on.
            ("X-Accel-Buffering", "no"),
        ]
        after = _after(request)
        if request.method == "HEAD":
            return Response(headerlist=headers)
        subscription = self._service.runs.watchers.subscribe(run, after)
        request.environ[SUBSCRIPTION] = subscription
        return Response(app_iter=subscription, headerlist=headers)


def _after(request: Request) -> int:
    """Return the number of the last event that a client has.

    A browser that comes back asks by the same path as before, so its header wins.
    """
    last = request.headers.get(LAST_EVENT_ID, "").strip()
    if not last:
        return request.values["after"] or 0
    if re.fullmatch(ID_PATTERN, last) is None:
        raise MalformedRequest(f"{LAST_EVENT_ID} must be the id of an event", header=LAST_EVENT_ID)
    return int(last)


def _with_end(told: Told) -> Iterator[Report]:
    """Yield what is told, and at last how the run ended, if it did."""
    yield from told.reports
    if told.run_state is not None:
        yield Report(
            type=EventType.RUN_STATE,
            time=now(),
            data={"state": told.run_state.value},
            run_state=told.run_state,
        )


def _placed(report: Report, ids: dict[str, str | None]) -> Report:
    """Return a report with the id of its host; of a host that the run has not, nothing changes."""
    if report.host is None:
        return dataclasses.replace(report, host_state=None)
    id = ids[report.host]
    return dataclasses.replace(
        report, host_id=id, host_state=None if id is None else report.host_state
    )


def _ids(store: RunStore, run_id: str, reports: Iterable[Report]) -> dict[str, str | None]:
    return {
        report.host: _id(store, run_id, report.host)
        for report in reports
        if report.host is not None
    }


@lru_cache(maxsize=10_000)
def _id(store: RunStore, run_id: str, host: str) -> str | None:
    """Return the id of a host of a run; the hosts of a run never change."""
    rows = store.hosts(run_id, host=host, limit=1).items
    return rows[0].host_id if rows and rows[0].host == host else None
