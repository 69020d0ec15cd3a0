"""What a group holds: the hosts and the groups that name it among theirs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from webob import Response

from craton.api.access import changed
from craton.api.controllers.entities import OfKind
from craton.api.controllers.resource import Below, Resource, Service, answers
from craton.api.controllers.responses import no_content
from craton.api.listing import query_of
from craton.api.request import Request
from craton.bundles.groups import GroupGraph, in_region
from craton.errors import InvalidReference, NotFound
from craton.models import Entity, Group, Host
from craton.query import Overlaps


class _OfMembers(OfKind[Group]):
    """Members of one kind, which name the group in one field."""

    def __init__(
        self, service: Service, member: type[Entity], field: str, below: tuple[Below, ...] = ()
    ) -> None:
        super().__init__(service, Group, below=below)
        self.member = member
        self.field = field


class Members(_OfMembers):
    """All members of one kind of a group."""

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """List them, the direct ones or all."""
        group = self.stored(request)
        ids: tuple[str, ...] = (group.id,)
        if request.values["recursive"]:
            graph = GroupGraph.load(self.driver, group.region_id)
            ids = graph.subtree(ids)
        where = Overlaps((self.field,), ids)
        query = query_of(request.values, [in_region(group.region_id), where])
        return self.page(request, self.member, query)


class Member(_OfMembers):
    """One member of a group. Its entity tag is the one of the member, which is what changes."""

    @answers
    def put(self, request: Request, response: Response) -> Response:
        """Put it into the group."""
        group = self.stored(request).id
        try:
            return self._write(request, lambda ids: ids if group in ids else (*ids, group))
        except InvalidReference as error:
            raise NotFound(Group.kind, error.id) from error

    @answers
    def delete(self, request: Request, response: Response) -> Response:
        """Take it out of the group."""
        group = self.stored(request).id

        def without(ids: tuple[str, ...]) -> tuple[str, ...]:
            if group not in ids:
                raise NotFound("member", request.segments[f"{self.member.kind}_id"])
            return tuple(id for id in ids if id != group)

        return self._write(request, without)

    def _write(
        self, request: Request, change: Callable[[tuple[str, ...]], tuple[str, ...]]
    ) -> Response:
        def changed_links(before: Entity) -> Entity:
            changes: dict[str, Any] = {self.field: change(getattr(before, self.field))}
            return dataclasses.replace(before, **changes)

        entity = changed(
            self.driver,
            self.member,
            request.segments[f"{self.member.kind}_id"],
            self.parent_of(request),
            self.conditions(request),
            changed_links,
        )
        return no_content(entity.revision)


def members(service: Service) -> dict[str, Resource]:
    """Return what stands below a group: ``hosts`` and ``children``."""
    parts: dict[str, tuple[type[Entity], str]] = {
        "hosts": (Host, "groups"),
        "children": (Group, "parents"),
    }
    return {
        part: Members(
            service,
            kind,
            field,
            below=(Below(name=f"{kind.kind}_id", resource=Member(service, kind, field)),),
        )
        for part, (kind, field) in parts.items()
    }
