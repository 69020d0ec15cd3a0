"""Places in the tree of paths, and the way from the root to one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import pecan

from craton.api.auth.access import Access
from craton.api.auth.content import check_content
from craton.api.auth.gate import Gate
from craton.api.errors import MethodNotAllowed, NoSuchPath, UnknownMethod
from craton.api.limits import Limits
from craton.api.request import ROUTE, Request
from craton.api.routes import Route
from craton.api.runs import Runs
from craton.api.sealing import Sealing
from craton.api.slots import Slots
from craton.bundles.references import ReferencedFiles, referenced_files
from craton.driver import InventoryDriver
from craton.errors import Unsupported
from craton.models import Entity, GroupReference, RegionReference
from craton.references import References
from craton.secrets import SecretStore

#: The methods that a place may have; HEAD is answered by GET.
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

#: Methods that exist, though no place here has them.
_OTHER_METHODS: Final = frozenset({"OPTIONS", "TRACE", "CONNECT"})

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Service:
    """What every controller works with.

    Attributes:
        driver: The inventory, open.
        name: The name of the driver.
        limits: How much a request may ask for.
        references: Fetches referenced files.
        secrets: Seals and opens the payloads of secrets.
        bundles: How many bundles may be made at once.
        access: What callers may do.
        spools: Where bundles wait for their readers; ``None`` is the system's temporary directory.
        offered_runs: Runs, if this service has any.
    """

    driver: InventoryDriver
    name: str
    limits: Limits
    references: References
    secrets: SecretStore
    bundles: Slots
    access: Access
    spools: Path | None = None
    offered_runs: Runs | None = None

    @property
    def runs(self) -> Runs:
        """Runs.

        Raises:
            Unsupported: They could not be kept where all processes of the service find them.
        """
        if self.offered_runs is None:
            raise Unsupported(
                "RUNS", "this service has several processes, so runs need [runs] redis_url"
            )
        return self.offered_runs

    @cached_property
    def sealing(self) -> Sealing:
        """Writes secrets, and forgets those that go."""
        return Sealing(self.driver, self.secrets)

    def accept(self, entity: Entity, before: Entity | None = None) -> None:
        """Refuse an entity that a store could keep, and the service or its caller must not.

        Args:
            entity: What is to be stored.
            before: What is stored, ``None`` for what is new.

        Raises:
            InvalidValue: Nobody could fetch what a reference refers to.
            PermissionDenied: The caller may not write what is in it.
        """
        check_content(self.access, entity, before)
        if isinstance(entity, RegionReference | GroupReference):
            self.references.check_url(entity.url)

    def files(self, region_id: str) -> ReferencedFiles:
        """Fetch the files that a region and its groups refer to.

        Not to be called in a snapshot, which would last as long as the slowest server.

        Raises:
            ReferenceUnusable: One cannot be had or used.
        """
        return referenced_files(self.driver, region_id, self.references.fetch)


def answers(method: F) -> F:
    """Mark a method of a resource as one that answers requests.

    It takes Pecan's request and response, and returns a response of its own. Content is negotiated
    by the table of routes, so Pecan is told of no type.
    """
    exposed: F = pecan.expose(content_type=None)(method)
    return exposed


@dataclass(frozen=True, kw_only=True)
class Below:
    """What stands below a resource where a segment of the path is variable.

    Attributes:
        name: What the segment is called.
        resource: What stands there.
        ending: How the segment must end; the ending is no part of the value.
        rest: Whether it is the whole rest of the path, and not one segment.
    """

    name: str
    resource: Resource
    ending: str = ""
    rest: bool = False

    def value(self, segment: str) -> str | None:
        """Return the value that a segment holds, ``None`` if it does not fit."""
        value = segment[: len(segment) - len(self.ending)]
        return value if value and segment.endswith(self.ending) else None


class Resource:
    """A place in the tree of paths: it answers methods, and knows what stands below it.

    Pecan's own way would look a segment up among the attributes of a controller, so an entity whose
    id is ``index`` or ``__class__`` would be something else. Ids are opaque, so the tree is walked
    by what is declared here and nothing else.

    Args:
        fixed: What stands below, by the segment of the path.
        below: What stands below where the segment is variable; the first that fits.
    """

    def __init__(
        self, fixed: Mapping[str, Resource] | None = None, below: tuple[Below, ...] = ()
    ) -> None:
        self.fixed = dict(fixed or {})
        self.below = below

    @cached_property
    def methods(self) -> dict[str, Any]:
        """What answers here, by method."""
        return {
            name: getattr(self, name.lower()) for name in METHODS if hasattr(self, name.lower())
        }

    def walk(self, path: str = "") -> Iterator[tuple[str, Resource]]:
        """Yield every place from here on with its path."""
        yield path or "/", self
        for segment, resource in self.fixed.items():
            yield from resource.walk(f"{path}/{segment}")
        for below in self.below:
            yield from below.resource.walk(f"{path}/{{{below.name}}}{below.ending}")

    def locate(self, segments: list[str]) -> tuple[Resource, str, dict[str, str]]:
        """Return the place that segments of a path lead to, its path, and the variable values.

        Raises:
            NoSuchPath: They lead nowhere.
        """
        place, path = self, ""
        values: dict[str, str] = {}
        for index, segment in enumerate(segments):
            found = place.fixed.get(segment)
            if found is not None:
                place, path = found, f"{path}/{segment}"
                continue
            for below in place.below:
                value = below.value("/".join(segments[index:]) if below.rest else segment)
                if value is not None:
                    values[below.name] = value
                    place, path = below.resource, f"{path}/{{{below.name}}}{below.ending}"
                    if below.rest:
                        return place, path, values
                    break
            else:
                raise NoSuchPath
        return place, path or "/", values


class Root:
    """Pecan's root controller: from the path to the method that answers.

    Args:
        tree: The resource at ``/``.
        routes: The table of routes.
        gate: Who may use them.
    """

    def __init__(self, tree: Resource, routes: Mapping[tuple[str, str], Route], gate: Gate) -> None:
        self._tree = tree
        self._routes = routes
        self._gate = gate

    def find(self, path: str, request: Request) -> Any:
        """Return the method that answers a request, once its parameters are read.

        Raises:
            NoSuchPath, MethodNotAllowed, UnknownMethod: There is none.
            Unauthenticated, PermissionDenied: Its sender may not use it.
            InvalidQuery, NotAcceptable: The request asks for what the route does not offer.
        """
        segments = [] if path in {"", "/"} else path.split("/")[1:]
        place, path, values = self._tree.locate(segments)
        request.environ[ROUTE] = path
        methods = place.methods
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            if not methods:
                raise NoSuchPath
            if method not in METHODS and method not in _OTHER_METHODS:
                raise UnknownMethod
            raise MethodNotAllowed(method, {*methods, *({"HEAD"} if "GET" in methods else ())})
        route = self._routes[method, path]
        self._gate.admit(request, route, values)
        request.begin(route, values)
        return methods[method]
