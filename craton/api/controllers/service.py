"""What the service says of itself: versions, promises, health and numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST
from webob import Response

from craton.api.controllers.resource import Resource, Service, answers
from craton.api.controllers.responses import json_response
from craton.api.metrics import Metrics
from craton.api.mirrors import exposition, sync_document
from craton.api.request import Request
from craton.errors import CratonError, Unavailable
from craton.models import INVENTORY_KINDS, Entity

#: Version 1 as ``/`` and ``/v1`` list it.
_VERSION_1: dict[str, Any] = {
    "id": "v1",
    "status": "CURRENT",
    "links": [
        {"rel": "self", "href": "/v1"},
        {"rel": "service-desc", "href": "/v1/openapi.json"},
        {"rel": "capabilities", "href": "/v1/capabilities"},
        {"rel": "tenants", "href": "/v1/tenants"},
    ],
}


class Versions(Resource):
    """The versions of the API and where to go on."""

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """List them."""
        links = [
            {**link, "href": f"{request.script_name}{link['href']}"} for link in _VERSION_1["links"]
        ]
        return json_response(orjson.dumps({"versions": [{**_VERSION_1, "links": links}]}))


class CapabilitiesOf(Resource):
    """What the driver promises."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Read it; opening the driver may have narrowed it."""
        driver = self._service.driver
        document: dict[str, object] = {
            "contract": driver.contract,
            "driver": self._service.name,
            "capabilities": sorted(
                capability.value for capability in driver.capabilities.supported
            ),
            "writable": _names(driver.capabilities.writable),
            "amendable": _names(driver.capabilities.amendable),
            "limits": dataclasses.asdict(self._service.limits),
            "sync": sync_document(driver),
        }
        return json_response(orjson.dumps(document))


class OpenApi(Resource):
    """The OpenAPI document."""

    def __init__(self, document: dict[str, object]) -> None:
        super().__init__()
        self._content = orjson.dumps(document)

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Read it."""
        return json_response(self._content)


class Health(Resource):
    """Whether the service can do its work."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Reach for the store."""
        try:
            self._service.driver.ping()
        except Unavailable:
            raise
        except CratonError as error:
            raise Unavailable("the inventory's store does not answer as it should") from error
        runs = self._service.offered_runs
        document = {
            "status": "ok",
            "driver": self._service.name,
            # The inventory does without, so whoever balances load must not take it away.
            "runs": "none" if runs is None else runs.health(),
        }
        return json_response(orjson.dumps(document))


class MetricsOf(Resource):
    """The numbers of the service."""

    def __init__(self, metrics: Metrics, service: Service) -> None:
        super().__init__()
        self._metrics = metrics
        self._service = service

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Read them."""
        body = self._metrics.exposition() + exposition(self._service.driver)
        if self._service.offered_runs is not None:
            body += self._service.offered_runs.exposition()
        return Response(body=body, headerlist=[("Content-Type", CONTENT_TYPE_LATEST)])


def _names(kinds: Collection[type[Entity]]) -> list[str]:
    return sorted(kind.kind for kind in INVENTORY_KINDS if kind in kinds)
