"""Collections and entities: one controller for every kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Generic
from urllib.parse import quote

import orjson
from webob import Response

from craton.api import types
from craton.api.access import changed, checked_id, stored
from craton.api.auth.content import is_bound
from craton.api.auth.tenancy import narrowed
from craton.api.conditions import Conditions
from craton.api.controllers.resource import Below, Resource, Service, answers
from craton.api.controllers.responses import (
    entity_response,
    json_response,
    no_content,
    not_modified,
)
from craton.api.idempotency import Answer, IdempotencyKey
from craton.api.listing import column_filters, given_host_filters, links, query_of
from craton.api.naming import collection_name, parent_name
from craton.api.pages import read_page
from craton.api.patches import completed, patched
from craton.api.representation import encode
from craton.api.request import Request
from craton.api.run_routes import REACHABILITY
from craton.bundles.references import NO_FILES
from craton.errors import InvalidPageToken, InvalidReference, NotFound
from craton.models import E, Entity, Host, Region, Secret, parent_field, specs
from craton.query import Compare, Operator, Query


class OfKind(Resource, Generic[E]):
    """What the resources of one kind of entity have in common.

    Args:
        service: What controllers work with.
        kind: The kind.
        fixed: What stands below, by the segment of the path.
        below: What stands below where the segment is variable.
    """

    def __init__(
        self,
        service: Service,
        kind: type[E],
        fixed: Mapping[str, Resource] | None = None,
        below: tuple[Below, ...] = (),
    ) -> None:
        super().__init__(fixed, below)
        self.service = service
        self.driver = service.driver
        self.limits = service.limits
        self.kind = kind
        self.parent_field = parent_field(kind)
        self.parent_name = parent_name(kind)

    def parent_of(self, request: Request) -> str | None:
        """Return the id of the parent that the path names, ``None`` for a root."""
        return request.segments[self.parent_name] if self.parent_name else None

    def stored(self, request: Request) -> E:
        """Return the entity that the path names.

        Raises:
            NotFound: There is none.
        """
        return stored(self.driver, self.kind, request.segments["id"], self.parent_of(request))

    def conditions(self, request: Request) -> Conditions:
        """Return the conditions of a write.

        Raises:
            PreconditionRequired: The service insists on If-Match, and there is none.
        """
        return Conditions.of(request, required=self.limits.require_if_match)

    def page(self, request: Request, kind: type[Entity], query: Query) -> Response:
        """Answer with one page of a list."""
        variables = request.values.get("variables", False)
        query = narrowed(kind, query)
        try:
            found, token = read_page(
                self.driver, kind, query, variables, self.limits.max_page_bytes
            )
        except InvalidPageToken as error:
            error.fields = {"parameter": "marker"}
            raise
        path = request.script_name + quote(request.path_info)
        body = {collection_name(kind): found, "links": links(path, request.pairs, token)}
        return json_response(orjson.dumps(body))


class Collection(OfKind[E]):
    """All entities of a kind under one parent."""

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """List them."""
        where = column_filters(self.kind, request.values) if self.kind is not Host else []
        parent = self._existing_parent(request)
        if self.parent_field is not None:
            where.append(Compare((self.parent_field,), Operator.EQ, self.parent_of(request)))
        if self.kind is Host and (filters := given_host_filters(request.values)):
            assert isinstance(parent, Region)
            files = self.service.files(parent.id) if filters.is_resolved else NO_FILES
            where.append(filters.predicate(self.driver, parent, files))
        return self.page(request, self.kind, query_of(request.values, where))

    @answers
    def post(self, request: Request, response: Response) -> Response:
        """Create one."""
        parent, document = self.parent_of(request), request.document()
        key = IdempotencyKey.of(request, document, self.limits.idempotency_key_hours)
        before = None if key is None else key.answer(self.driver)
        if before is not None:
            return _created(request, before)
        entity = types.entity_from(self.kind, document, parent=parent)
        if parent is not None and self.kind.parent is not None:
            checked_id(self.kind.parent, parent)
        entity = self._placed(entity, request)
        self.service.accept(entity)
        try:
            answer = self._create(entity, key)
        except InvalidReference as error:
            if self.kind.parent is not None and error.field == self.parent_field:
                raise NotFound(self.kind.parent.kind, error.id) from error
            raise
        return _created(request, answer)

    def _create(self, entity: E, key: IdempotencyKey | None) -> Answer:
        if key is not None:
            return key.create(self.driver, entity, encode)
        created = self.driver.create(entity)
        return Answer(id=created.id, revision=created.revision, body=encode(created))

    def _placed(self, entity: E, request: Request) -> E:
        """Return an entity with the region that it is in, where that is not its parent."""
        if "region_id" not in specs(self.kind) or self.parent_field == "region_id":
            return entity
        parent: Any = self._existing_parent(request)
        return dataclasses.replace(entity, region_id=parent.region_id)  # type: ignore[call-arg]

    def _existing_parent(self, request: Request) -> Entity | None:
        parent = self.parent_of(request)
        if parent is None or self.kind.parent is None:
            return None
        return self.driver.get(self.kind.parent, checked_id(self.kind.parent, parent))


class Item(OfKind[E]):
    """One entity."""

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Read it."""
        entity = self.stored(request)
        if not Conditions.of(request).for_read(entity.revision):
            return not_modified(entity.revision)
        answer = entity_response(entity)
        if self.kind is Host:
            path = f"{request.script_name}{quote(request.path_info)}/{REACHABILITY}"
            answer.headers["Link"] = f'<{path}>; rel="related"; title="{REACHABILITY}"'
        return answer

    @answers
    def put(self, request: Request, response: Response) -> Response:
        """Replace it as a whole."""
        conditions = self.conditions(request)
        entity = types.entity_from(
            self.kind,
            request.document(),
            id=request.segments["id"],
            parent=self.parent_of(request),
        )
        before = self.stored(request)
        revision = conditions.for_write(before.revision)
        entity = completed(entity, before)
        self.service.accept(entity, before)
        if is_bound(self.service.access, entity):
            revision = before.revision
        return entity_response(self.driver.replace(entity, if_revision=revision))

    @answers
    def patch(self, request: Request, response: Response) -> Response:
        """Change some of its fields."""
        conditions = self.conditions(request)
        id, parent = request.segments["id"], self.parent_of(request)
        patch = request.object()
        types.agree(self.kind, patch, id=id, parent=parent)

        def change(before: E) -> E:
            after = patched(before, patch)
            self.service.accept(after, before)
            return after

        entity = changed(self.driver, self.kind, id, parent, conditions, change)
        return entity_response(entity)

    @answers
    def delete(self, request: Request, response: Response) -> Response:
        """Delete it."""
        conditions = self.conditions(request)
        entity = self.stored(request)
        revision = conditions.for_write(entity.revision)
        cascade = request.values.get("cascade", self.kind is Secret)
        payloads = self.service.sealing.below(entity) if cascade else []
        self.driver.delete(self.kind, entity.id, if_revision=revision, cascade=cascade)
        for payload in payloads:
            self.service.sealing.forget(payload)
        return no_content()


def _created(request: Request, created: Answer) -> Response:
    answer = json_response(created.body, HTTPStatus.CREATED, created.revision)
    answer.location = f"{request.path_url}/{quote(created.id, safe='')}"
    return answer
