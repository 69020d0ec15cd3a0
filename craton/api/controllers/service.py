"""What the service says of itself: versions, promises, health and numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST
from webob import Response

from craton.api.controllers.resource import Resource, Service, answers
from craton.api.controllers.responses import json_response
from craton.api.metrics import Metrics
from craton.api.request import Request
from craton.errors import CratonError, Unavailable
from craton.models import INVENTORY_KINDS

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
        return json_response(
            orjson.dumps(
                {
                    "contract": driver.contract,
                    "driver": self._service.name,
                    "capabilities": sorted(
                        capability.value for capability in driver.capabilities.supported
                    ),
                    "writable": [
                        kind.kind
                        for kind in sorted(INVENTORY_KINDS, key=lambda kind: kind.kind)
                        if kind in driver.capabilities.writable
                    ],
                    "limits": dataclasses.asdict(self._service.limits),
                }
            )
        )


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
        return json_response(orjson.dumps({"status": "ok", "driver": self._service.name}))


class MetricsOf(Resource):
    """The numbers of the service."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._metrics = metrics

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Read them."""
        return Response(
            body=self._metrics.exposition(), headerlist=[("Content-Type", CONTENT_TYPE_LATEST)]
        )
