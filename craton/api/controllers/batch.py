"""Many changes of one region, all or nothing."""

from __future__ import annotations

import orjson
from webob import Response

from craton.api.access import checked_id
from craton.api.batches import read_batch
from craton.api.controllers.resource import Resource, Service, answers
from craton.api.controllers.responses import json_response
from craton.api.errors import TooLarge
from craton.api.request import Request
from craton.errors import CratonError, InvalidValue
from craton.models import Region


class BatchOf(Resource):
    """The batch of one region."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service
        self._driver = service.driver
        self._limit = service.limits.max_batch_changes

    @answers
    def post(self, request: Request, response: Response) -> Response:
        """Make the changes."""
        body = request.object()
        changes = body.pop("changes", None)
        if body:
            raise InvalidValue(", ".join(sorted(body)), "is no field of a batch")
        if not isinstance(changes, list):
            raise InvalidValue("changes", "must be a list of changes")
        if len(changes) > self._limit:
            raise TooLarge("changes", self._limit)
        region_id = request.segments["region_id"]
        region = self._driver.get(Region, checked_id(Region, region_id))
        try:
            stamps = self._driver.apply(
                read_batch(
                    self._driver,
                    region.id,
                    changes,
                    self._service.accept,
                    self._service.access,
                )
            )
        except CratonError as error:
            if error.change is not None:
                error.fields = {**error.fields, "change": error.change}
            raise
        done = [{"id": stamp.id, "revision": stamp.revision or None} for stamp in stamps]
        return json_response(orjson.dumps({"changes": done}))
