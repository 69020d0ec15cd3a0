"""The change log of a region, or of a tenant with its regions."""

from __future__ import annotations

from webob import Response

from craton.api.access import checked_id
from craton.api.change_listing import change_filters
from craton.api.controllers.entities import OfKind
from craton.api.controllers.resource import Service, answers
from craton.api.listing import query_of
from craton.api.request import Request
from craton.errors import NotFound
from craton.models import ChangeRecord, Entity, Region, Tenant
from craton.query import Compare, Operator, Predicate, Query


class ChangesOf(OfKind[ChangeRecord]):
    """The records of one region or tenant, which may be gone."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, ChangeRecord)

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """List them."""
        self.driver.capabilities.require_writable(ChangeRecord)
        where = [self._log(request.segments["region_id"]), *change_filters(request.values)]
        return self.page(request, ChangeRecord, query_of(request.values, where))

    def _log(self, id: str) -> Predicate:
        """Return what holds of the records of a region, or of a tenant and its regions.

        Raises:
            NotFound: There never was one of this id, as far as anybody remembers.
        """
        checked_id(Region, id)
        of_tenant = Compare(("tenant_id",), Operator.EQ, id)
        if self._is_there(Tenant, Compare(("id",), Operator.EQ, id)):
            return of_tenant
        of_region = Compare(("region_id",), Operator.EQ, id)
        if self._is_there(Region, Compare(("id",), Operator.EQ, id)):
            return of_region
        for where in (of_tenant, of_region):
            if self._is_there(ChangeRecord, where):
                return where
        raise NotFound(Region.kind, id)

    def _is_there(self, kind: type[Entity], where: Predicate) -> bool:
        return bool(self.driver.find(kind, Query(where=where, limit=1)).items)
