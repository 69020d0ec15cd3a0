"""Runs of a region: what was run, what is run, and what is to be."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

import orjson
from webob import Response

from craton import caller
from craton.api import acceptance
from craton.api.access import checked_id, stored
from craton.api.controllers.events import EventsOf
from craton.api.controllers.resource import Below, Resource, Service, answers
from craton.api.controllers.responses import json_response
from craton.api.idempotency import IdempotencyKey
from craton.api.listing import links
from craton.api.request import Request
from craton.api.run_bodies import Announcement, Start, run_from
from craton.api.run_documents import host_document, reachability_document, run_document
from craton.api.run_errors import WrongOrigin
from craton.api.run_lookup import region_of, run_of
from craton.errors import InvalidPageToken, NotFound, RunEnded
from craton.models import Host, Region
from craton.query import AllOf, Compare, Operator, Query
from craton.runs.material import KeptElsewhere
from craton.runs.models import HostState, Origin, Run, RunState


class RunsOf(Resource):
    """All runs of a region."""

    def __init__(self, service: Service, below: tuple[Below, ...]) -> None:
        super().__init__(below=below)
        self._service = service

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """List them."""
        region = region_of(self._service, request)
        host = request.values["host"]
        try:
            page = self._service.runs.store.find(
                region.id,
                host_id=None if host is None else self._host_id(region, host),
                states=[RunState(word) for word in request.values.get("state", ())],
                limit=request.values["limit"],
                marker=request.values["marker"],
            )
        except InvalidPageToken as error:
            error.fields = {"parameter": "marker"}
            raise
        return _page(request, "runs", [run_document(run) for run in page.items], page.next)

    @answers
    def post(self, request: Request, response: Response) -> Response:
        """Start one, or announce one that somebody else carries out."""
        region = region_of(self._service, request)
        document = request.document()
        wanted = run_from(document)
        run_id = acceptance.new_run_id()
        key = IdempotencyKey.of(request, document, self._service.limits.idempotency_key_hours)
        if key is not None:
            run_id = key.reserve(self._service.driver, run_id)
            known = self._known(run_id)
            if known is not None:
                return _accepted(request, known)
        return _accepted(request, self._accept(region, wanted, run_id))

    def _accept(self, region: Region, wanted: Start | Announcement, run_id: str) -> Run:
        runs = self._service.runs
        if isinstance(wanted, Announcement):
            return acceptance.announce(self._service, runs, region, wanted, run_id)
        return acceptance.start(self._service, runs, region, wanted, run_id)

    def _known(self, run_id: str) -> Run | None:
        """Return the run that a request with the same key began, if it came so far."""
        try:
            run = self._service.runs.store.get(run_id)
        except NotFound:
            return None
        return None if run.origin is Origin.REPORTED and run.attempt == 0 else run

    def _host_id(self, region: Region, name_or_id: str) -> str:
        """Return the id of a host that may be gone, and then has no name any more."""
        parts = (("region_id", region.id), ("name", name_or_id))
        where = AllOf(*(Compare((field,), Operator.EQ, value) for field, value in parts))
        found = self._service.driver.find(Host, Query(where=where, limit=1)).items
        return found[0].id if found else name_or_id


class RunItem(Resource):
    """One run."""

    def __init__(self, service: Service, parts: Mapping[str, Resource]) -> None:
        super().__init__(parts)
        self._service = service

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Read it."""
        return json_response(orjson.dumps(run_document(run_of(self._service, request))))

    @answers
    def delete(self, request: Request, response: Response) -> Response:
        """Ask for its end."""
        run = run_of(self._service, request)
        if run.origin is Origin.REPORTED:
            raise WrongOrigin(
                run.id,
                run.origin.value,
                "the run is somebody's own ansible-playbook; it can only be ended where it runs",
            )
        if not run.state.is_final:
            run = self._cancelled(run)
            if not run.state.is_final or run.state is RunState.CANCELLED:
                return json_response(orjson.dumps(run_document(run)), HTTPStatus.ACCEPTED)
        raise RunEnded(run.id, run.state.value)

    def _cancelled(self, run: Run) -> Run:
        store = self._service.runs.store
        kept_elsewhere = KeptElsewhere(store, self._service.secrets, run.id)
        run = store.request_cancel(run.id, caller.current().user_id)
        if run.state is RunState.CANCELLED and run.attempt == 0:
            # Nobody ever took it up, so nobody else will let go of it.
            kept_elsewhere.discard()
        return run


class HostsOf(Resource):
    """The hosts of a run."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """List them."""
        run = run_of(self._service, request)
        try:
            page = self._service.runs.store.hosts(
                run.id,
                host=request.values["host"],
                states=[HostState(word) for word in request.values.get("state", ())],
                limit=request.values["limit"],
                marker=request.values["marker"],
            )
        except InvalidPageToken as error:
            error.fields = {"parameter": "marker"}
            raise
        return _page(request, "hosts", [host_document(host) for host in page.items], page.next)


class PlaybooksOf(Resource):
    """The playbooks that may be run."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """List them."""
        found = [{"name": name} for name in self._service.runs.playbooks.list()]
        return json_response(orjson.dumps({"playbooks": found, "links": []}))


class ReachabilityOf(Resource):
    """What runs last found out about reaching a host."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Read it."""
        region_id, id = request.segments["region_id"], request.segments["id"]
        host = stored(self._service.driver, Host, id, checked_id(Region, region_id))
        known = self._service.runs.store.reachability(region_id, [host.id])
        document = reachability_document(host.id, known.get(host.id))
        return json_response(orjson.dumps(document))


def runs(service: Service) -> tuple[Below, ...]:
    """Return what stands below ``/v1/runs``."""
    parts: dict[str, Resource] = {"hosts": HostsOf(service), "events": EventsOf(service)}
    item = Below(name="id", resource=RunItem(service, parts))
    return (Below(name="region_id", resource=RunsOf(service, (item,))),)


def _accepted(request: Request, run: Run) -> Response:
    status = HTTPStatus.CREATED if run.origin is Origin.REPORTED else HTTPStatus.ACCEPTED
    answer = json_response(orjson.dumps(run_document(run)), status)
    answer.headers["Location"] = f"{request.script_name}{quote(request.path_info)}/{run.id}"
    return answer


def _page(
    request: Request, collection: str, found: list[dict[str, object]], token: str | None
) -> Response:
    path = request.script_name + quote(request.path_info)
    body = {collection: found, "links": links(path, request.pairs, token)}
    return json_response(orjson.dumps(body))
