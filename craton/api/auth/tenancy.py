"""Who sees what: a project its own tenants and all that is below them, the system everything.

What a caller cannot see does not exist for them. So every id in a path is looked up here before
anything else happens, and one that is not there and one that is not theirs are refused by the same
words. Nothing that is found is kept for the next request, so nothing can be out of date.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import pecan.hooks

from craton import caller
from craton.api.access import checked_id
from craton.api.naming import SHOWN_KINDS, collection_name
from craton.api.request import Request
from craton.api.routes import Route
from craton.caller import Caller
from craton.driver import InventoryDriver, InventoryReader
from craton.errors import ConfigurationError, NotFound
from craton.models import Entity, Group, Host, Region, Tenant
from craton.query import AllOf, In, Predicate, Query

Kinds: TypeAlias = tuple[type[Entity], ...]

#: What a segment of a path names, wherever it stands.
_NAMED: Final[dict[str, Kinds]] = {
    "tenant_id": (Tenant,),
    "region_id": (Region,),
    "host_id": (Host,),
    "group_id": (Group,),
    "owner_id": (Region, Group),
}
#: What ``{id}`` names, by the collection that the path begins with.
_ITEMS: Final[dict[str, Kinds]] = {
    name: tuple(kind for kind in SHOWN_KINDS if collection_name(kind) == name)
    for name in map(collection_name, SHOWN_KINDS)
}
#: Collections that the inventory does not hold. They are of the region that the path names first.
_OF_REGION: Final = frozenset({"runs", "changes"})

#: Segments that name nothing with an id.
_FREE: Final = frozenset({"name", "file"})


class Tenancy(pecan.hooks.PecanHook):
    """Refuses paths that name what the caller cannot see.

    Args:
        driver: The inventory.
        routes: The table of routes.

    Raises:
        ConfigurationError: A path has a variable segment of which nobody said what it names.
    """

    def __init__(self, driver: InventoryDriver, routes: Mapping[tuple[str, str], Route]) -> None:
        self._driver = driver
        self._segments = {key: _kinds_in(route) for key, route in routes.items()}

    def before(self, state: Any) -> None:
        """Look up what the path names; nothing is looked up for those who see everything."""
        who = caller.current()
        request: Request = state.request
        if who.is_system or request.route is None:
            return
        sight = Sight(self._driver, who)
        above: Entity | None = None
        for name, kinds in self._segments[request.route.method, request.route.path].items():
            # Of the kinds that an id may be of, its parent leaves one.
            fitting = tuple(kind for kind in kinds if above and kind.parent is type(above))
            above = sight.named(fitting or kinds, request.segments[name], name)


class Sight:
    """What one caller sees, during one request.

    Args:
        reader: The inventory.
        who: The caller.
    """

    def __init__(self, reader: InventoryReader, who: Caller) -> None:
        self._reader = reader
        self._who = who
        self._seen: dict[str, bool] = {}

    def named(self, kinds: Kinds, id: str, segment: str) -> Entity:
        """Return what an id names.

        Raises:
            NotFound: Nothing that the caller can see.
        """
        for kind in kinds:
            try:
                entity = self._reader.get(kind, checked_id(kind, id))
            except NotFound:
                continue
            if self.sees(entity):
                return entity
        raise NotFound(kinds[0].kind if len(kinds) == 1 else segment.removesuffix("_id"), id)

    def sees(self, entity: Entity) -> bool:
        """Tell whether the caller sees an entity."""
        if self._who.is_system:
            return True
        if isinstance(entity, Tenant):
            return self._who.project_id is not None and entity.project_id == self._who.project_id
        if isinstance(entity, Region):
            return self.sees_id(Tenant, entity.tenant_id)
        return self.sees_id(Region, getattr(entity, "region_id", ""))

    def sees_id(self, kind: type[Entity], id: str) -> bool:
        """Tell whether the caller sees the entity of an id."""
        if id not in self._seen:
            try:
                self._seen[id] = self.sees(self._reader.get(kind, id))
            except NotFound:  # It went meanwhile.
                self._seen[id] = False
        return self._seen[id]


def narrowed(kind: type[Entity], query: Query) -> Query:
    """Return a query of a list as the present caller may ask it: for tenants that they see.

    What is not a tenant is listed by the path of its parent, which was looked up.
    """
    who = caller.current()
    if kind is not Tenant or who.is_system:
        return query
    projects = () if who.project_id is None else (who.project_id,)
    where: Predicate = AllOf(query.where, In(("project_id",), projects))
    return Query(where=where, order=query.order, limit=query.limit, page=query.page)


def _kinds_in(route: Route) -> dict[str, Kinds]:
    """Return what the segments of a path name, in its order."""
    segments = route.path.split("/")
    collection = segments[2] if len(segments) > 2 else ""
    found: dict[str, Kinds] = {}
    for segment in segments:
        if not segment.startswith("{"):
            continue
        name = segment[1:].partition("}")[0]
        if name in _NAMED:
            found[name] = _NAMED[name]
        elif name == "id" and collection in _ITEMS:
            found[name] = _ITEMS[collection]
        elif not (name in _FREE or (name == "id" and collection in _OF_REGION and found)):
            raise ConfigurationError(
                f"nobody said what {{{name}}} in {route.path} names, and so who may see it"
            )
    return found
