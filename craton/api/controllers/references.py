"""References: one collection for an owner that is a region or a group."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from webob import Response

from craton.api.access import checked_id, stored
from craton.api.controllers.entities import Collection, Item
from craton.api.controllers.resource import Below, Resource, Service, answers
from craton.api.controllers.responses import json_response
from craton.api.naming import REFERENCE_KINDS
from craton.api.representation import moment_text
from craton.api.request import Request
from craton.driver import InventoryReader
from craton.errors import NotFound
from craton.models import GroupReference, RegionReference
from craton.references import Wanted, variables_of

_Reference = RegionReference | GroupReference


class _ByOwner(Resource):
    """A place that answers as the one for regions or the one for groups does.

    Args:
        service: What controllers work with.
        choices: What answers, by the kind of reference.
        fixed: What stands below, by the segment of the path.
        below: What stands below where the segment is variable.
    """

    def __init__(
        self,
        service: Service,
        choices: Mapping[type[_Reference], Resource],
        fixed: Mapping[str, Resource] | None = None,
        below: tuple[Below, ...] = (),
    ) -> None:
        super().__init__(fixed, below)
        self._driver = service.driver
        self._choices = choices

    def answer(self, method: str, request: Request, response: Response) -> Response:
        """Let the place for the owner that the path names answer.

        Raises:
            NotFound: There is neither a region nor a group of this id.
        """
        kind = reference_kind(self._driver, request.segments["owner_id"])
        answer: Response = getattr(self._choices[kind], method)(request, response)
        return answer


class References(_ByOwner):
    """All references of an owner."""

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """List them."""
        return self.answer("get", request, response)

    @answers
    def post(self, request: Request, response: Response) -> Response:
        """Create one."""
        return self.answer("post", request, response)


class Reference(_ByOwner):
    """One reference."""

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Read it."""
        return self.answer("get", request, response)

    @answers
    def put(self, request: Request, response: Response) -> Response:
        """Replace it as a whole."""
        return self.answer("put", request, response)

    @answers
    def patch(self, request: Request, response: Response) -> Response:
        """Change some of its fields."""
        return self.answer("patch", request, response)

    @answers
    def delete(self, request: Request, response: Response) -> Response:
        """Delete it."""
        return self.answer("delete", request, response)


def reference_kind(reader: InventoryReader, owner_id: str) -> type[_Reference]:
    """Return the kind of an owner's references.

    Raises:
        NotFound: There is neither a region nor a group of this id.
    """
    for kind in REFERENCE_KINDS:
        assert kind.parent is not None
        try:
            reader.get(kind.parent, checked_id(kind.parent, owner_id))
        except NotFound:
            continue
        return kind
    raise NotFound("owner", owner_id)


class Refresh(Resource):
    """The file of one reference, fetched anew."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service

    @answers
    def post(self, request: Request, response: Response) -> Response:
        """Fetch it, and say what it is."""
        driver, owner = self._service.driver, request.segments["owner_id"]
        kind = reference_kind(driver, owner)
        one = stored(driver, kind, request.segments["id"], owner)
        self._service.references.refresh(one.url)
        [fetched] = self._service.references.fetch([Wanted(url=one.url, sha256=one.sha256)])
        variables_of(fetched.content, one.url)
        body = {
            "url": one.url,
            "sha256": fetched.sha256,
            "size": len(fetched.content),
            "commit": fetched.commit,
            "stale": fetched.stale,
            "fetched_at": moment_text(fetched.fetched_at),
        }
        return json_response(orjson.dumps(body))


def references(service: Service) -> tuple[Below, ...]:
    """Return what stands below ``/v1/references``."""
    one = Reference(
        service,
        {kind: Item(service, kind) for kind in REFERENCE_KINDS},
        fixed={"refresh": Refresh(service)},
    )
    every = References(
        service,
        {kind: Collection(service, kind) for kind in REFERENCE_KINDS},
        below=(Below(name="id", resource=one),),
    )
    return (Below(name="owner_id", resource=every),)
