"""The region and the run that a path names."""

from __future__ import annotations

from craton.api.access import checked_id
from craton.api.controllers.resource import Service
from craton.api.request import Request
from craton.errors import InvalidValue, NotFound
from craton.fields import ID
from craton.models import Region
from craton.runs.models import Run


def region_of(service: Service, request: Request) -> Region:
    """Return the region.

    Raises:
        NotFound: There is none.
    """
    return service.driver.get(Region, checked_id(Region, request.segments["region_id"]))


def run_of(service: Service, request: Request) -> Run:
    """Return the run.

    Raises:
        NotFound: There is none in this region, or no such region.
    """
    region, id = region_of(service, request), request.segments["id"]
    try:
        ID.check(id, "id")
    except InvalidValue as error:
        raise NotFound("run", id) from error
    run = service.runs.store.get(id)
    if run.region_id != region.id:
        raise NotFound("run", id)
    return run
