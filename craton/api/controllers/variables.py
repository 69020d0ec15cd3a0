"""The variables of an entity, own or effective, together or one by one."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from webob import Response

from craton.api.access import changed, one_state, stored
from craton.api.conditions import Conditions
from craton.api.controllers.entities import OfKind
from craton.api.controllers.resource import answers
from craton.api.controllers.responses import json_response, no_content, not_modified
from craton.api.effective import effective, explained
from craton.api.errors import invalid_parameter
from craton.api.patches import merged_variables, with_variables
from craton.api.request import Request
from craton.bundles.references import NO_FILES, ReferencedFiles
from craton.errors import NotFound
from craton.models import E, Entity, Region
from craton.variables import Variables


class _OfVariables(OfKind[E]):
    def write(self, request: Request, change: Callable[[Variables], Variables]) -> E:
        """Change the variables of the entity that the path names, and return it."""

        def with_change(before: E) -> E:
            after = with_variables(before, change(_variables(before)))
            self.service.accept(after, before)
            return after

        return changed(
            self.driver,
            self.kind,
            request.segments["id"],
            self.parent_of(request),
            self.conditions(request),
            with_change,
        )


class AllVariables(_OfVariables[E]):
    """All variables of an entity."""

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Read them, or what Ansible sees of them."""
        conditions = Conditions.of(request)
        if request.values["resolved"]:
            return self._effective(request)
        if request.values["explain"]:
            raise invalid_parameter("explain", "goes with resolved=true only")
        entity = self.stored(request)
        if conditions.for_read(entity.revision):
            return _all_of(entity)
        return not_modified(entity.revision)

    @answers
    def put(self, request: Request, response: Response) -> Response:
        """Replace them all."""
        variables = Variables(request.object())
        return _all_of(self.write(request, lambda before: variables))

    @answers
    def patch(self, request: Request, response: Response) -> Response:
        """Set some and remove some."""
        patch = request.object()
        return _all_of(self.write(request, lambda before: merged_variables(before, patch)))

    def _effective(self, request: Request) -> Response:
        # No entity tag: these change with the groups, the region and the tenant, too.
        files = self._files(self.stored(request))
        with one_state(self.driver) as reader:
            entity = stored(reader, self.kind, request.segments["id"], self.parent_of(request))
            if request.values["explain"]:
                return json_response(explained(self.driver, reader, entity, files))
            return json_response(effective(reader, entity, files))

    def _files(self, entity: Entity) -> ReferencedFiles:
        region = entity.id if isinstance(entity, Region) else getattr(entity, "region_id", None)
        return NO_FILES if region is None else self.service.files(region)


class OneVariable(_OfVariables[E]):
    """One variable of an entity: its bare value."""

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Read it."""
        entity = self.stored(request)
        body = _one_of(entity, request.segments["name"])
        if Conditions.of(request).for_read(entity.revision):
            return body
        return not_modified(entity.revision)

    @answers
    def put(self, request: Request, response: Response) -> Response:
        """Set it; the value may be null."""
        name = request.segments["name"]
        value = Variables({name: request.document()})
        was_there = False

        def set_it(before: Variables) -> Variables:
            nonlocal was_there
            was_there = name in before
            return Variables.from_members({**before.members(), **value.members()})

        entity = self.write(request, set_it)
        return _one_of(entity, name, HTTPStatus.OK if was_there else HTTPStatus.CREATED)

    @answers
    def delete(self, request: Request, response: Response) -> Response:
        """Remove it."""
        name = request.segments["name"]

        def remove_it(before: Variables) -> Variables:
            if name not in before:
                raise NotFound("variable", name)
            return before.without(name)

        return no_content(self.write(request, remove_it).revision)


def _variables(entity: Entity) -> Variables:
    found: Variables = entity.variables  # type: ignore[attr-defined]
    return found


def _all_of(entity: Entity) -> Response:
    return json_response(_variables(entity).text.encode(), revision=entity.revision)


def _one_of(entity: Entity, name: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    text = _variables(entity).members().get(name)
    if text is None:
        raise NotFound("variable", name)
    return json_response(text.encode(), status, entity.revision)
