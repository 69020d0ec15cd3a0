"""A small fleet with known ids, and requests to it that between them use every route."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from craton.models import (
    Entity,
    Group,
    Host,
    Payload,
    Region,
    RegionReference,
    Secret,
    Tenant,
)
from craton.runs.memory import MemoryRunStore
from craton.runs.models import Origin, Progress, Run, RunHost
from craton.secrets import SecretStore
from craton.variables import Variables

_COLOUR = Variables({"colour": "blue", "list": [1, 2.5, None]})

FLEET: tuple[Entity, ...] = (
    Tenant(id="t", name="acme", variables=_COLOUR),
    Region(id="r", tenant_id="t", name="north", variables=_COLOUR),
    Region(id="r2", tenant_id="t", name="east"),
    Group(id="site", region_id="r", name="site", variables=_COLOUR),
    Group(id="web", region_id="r", name="web", parents=("site",), variables=_COLOUR),
    Group(id="db", region_id="r", name="db"),
    Host(id="h1", region_id="r", name="web1", groups=("web",), variables=_COLOUR),
    Host(id="h2", region_id="r", name="web2", groups=("site", "web"), variables=_COLOUR),
    Host(id="h3", region_id="r", name="db1", groups=("db",), ip_address="10.0.0.3"),
    # In a region of which nobody asks for a bundle, because nobody serves the file.
    RegionReference(id="file", region_id="r2", name="site", url="https://example.org/site.yml"),
)

#: What is in the secret of the fleet.
CONTENT = b"bytes\0"


def secret_and_payload(store: SecretStore) -> tuple[Entity, ...]:
    """Return a secret of the fleet, sealed."""
    secret = Secret(
        id="s",
        region_id="r",
        host_id="h1",
        name="key",
        format="raw",
        variable="key_file",
        size=len(CONTENT),
    )
    sealed = store.seal(CONTENT, secret.host_id, secret.name)
    return secret, Payload(id="p", secret_id=secret.id, sealed=sealed)


class Example(NamedTuple):
    """A request that succeeds on the fleet."""

    method: str
    #: The path of the route, as the table of routes has it.
    route: str
    #: The path with its query.
    path: str
    body: Any = None
    #: A body that is not JSON.
    raw: bytes | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


#: The collection of each kind and one entity in it, as routes and as paths.
_ENTITIES = {
    "/v1/tenants": ("/v1/tenants", "t"),
    "/v1/regions/{tenant_id}": ("/v1/regions/t", "r"),
    "/v1/groups/{region_id}": ("/v1/groups/r", "web"),
    "/v1/hosts/{region_id}": ("/v1/hosts/r", "h1"),
}
#: What is done with one entity, as the rest of the path (as a route and as a path) and a body.
_WITH_ONE: list[tuple[str, str, str, Any]] = [
    ("GET", "", "", None),
    ("PUT", "", "", {"name": "renamed", "variables": {"a": 1}}),
    ("PATCH", "", "", {"variables": {"colour": "red"}}),
    ("DELETE", "", "?cascade=true", None),
    ("GET", "/variables", "/variables", None),
    ("GET", "/variables", "/variables?resolved=true", None),
    ("GET", "/variables", "/variables?resolved=true&explain=true", None),
    ("PUT", "/variables", "/variables", {"a": 1}),
    ("PATCH", "/variables", "/variables", {"colour": "red"}),
    ("GET", "/variables/{name}", "/variables/colour", None),
    ("PUT", "/variables/{name}", "/variables/colour", "red"),
    ("DELETE", "/variables/{name}", "/variables/colour", None),
]
_EXPORT = {
    "all": {"children": ["extra", "ungrouped"], "vars": {"colour": "red"}},
    "extra": {"hosts": ["new1", "web1"]},
    "_meta": {"hostvars": {"new1": {"a": 1}, "web1": {"b": 2}}},
}
_BATCH = {
    "changes": [
        {"op": "create", "kind": "group", "value": {"name": "new"}},
        {"op": "create", "kind": "host", "value": {"name": "new1", "groups": ["new", "web"]}},
        {"op": "replace", "kind": "host", "id": "h2", "value": {"name": "web2"}},
        {"op": "delete", "kind": "group", "id": "db"},
    ]
}
_SECRET = "/v1/secrets/{host_id}"
_REFERENCE = "/v1/references/{owner_id}"
_FILE = {"name": "other", "url": "https://example.org/other.yml"}
_GROUP = "/v1/groups/{region_id}/{id}"
_BUNDLE = "/v1/inventory/{region_id}"
_OTHERS = [
    *(
        Example("GET", path, path)
        for path in ("/", "/v1", "/v1/capabilities", "/v1/openapi.json", "/healthcheck", "/metrics")
    ),
    *(Example("GET", path, path) for path in ("/ui", "/ui/")),
    Example("GET", "/ui/{file}", "/ui/index.html"),
    Example("GET", "/v1/hosts/{region_id}", "/v1/hosts/r?group=site&limit=1&sort=-name"),
    Example("GET", "/v1/hosts/{region_id}", '/v1/hosts/r?vars=colour:"blue"&resolved=true'),
    Example("GET", f"{_GROUP}/hosts", "/v1/groups/r/site/hosts?recursive=true"),
    Example("GET", f"{_GROUP}/children", "/v1/groups/r/site/children"),
    Example("PUT", f"{_GROUP}/hosts/{{host_id}}", "/v1/groups/r/db/hosts/h1"),
    Example("PUT", f"{_GROUP}/children/{{group_id}}", "/v1/groups/r/db/children/web"),
    Example("DELETE", f"{_GROUP}/hosts/{{host_id}}", "/v1/groups/r/web/hosts/h1"),
    Example("DELETE", f"{_GROUP}/children/{{group_id}}", "/v1/groups/r/site/children/web"),
    Example("GET", f"{_BUNDLE}.tgz", "/v1/inventory/r.tgz"),
    Example("GET", f"{_BUNDLE}.tgz", "/v1/inventory/r.tgz?target=ansible&name=web1"),
    Example("GET", f"{_BUNDLE}.zip", "/v1/inventory/r.zip?group=site"),
    Example("GET", f"{_BUNDLE}.json", "/v1/inventory/r.json"),
    Example("POST", _BUNDLE, "/v1/inventory/r", _EXPORT),
    Example("POST", _BUNDLE, "/v1/inventory/r?mode=replace", _EXPORT),
    Example("POST", "/v1/batch/{region_id}", "/v1/batch/r", _BATCH),
    Example("GET", "/v1/changes/{region_id}", "/v1/changes/r?sort=created_at"),
    Example("GET", _REFERENCE, "/v1/references/r2"),
    Example("POST", _REFERENCE, "/v1/references/r2", _FILE),
    Example("POST", _REFERENCE, "/v1/references/web", _FILE),
    Example("GET", f"{_REFERENCE}/{{id}}", "/v1/references/r2/file"),
    Example("PUT", f"{_REFERENCE}/{{id}}", "/v1/references/r2/file", _FILE),
    Example("PATCH", f"{_REFERENCE}/{{id}}", "/v1/references/r2/file", {"name": "renamed"}),
    Example("DELETE", f"{_REFERENCE}/{{id}}", "/v1/references/r2/file"),
    Example("GET", _SECRET, "/v1/secrets/h1"),
    Example("POST", _SECRET, "/v1/secrets/h2", {"name": "key"}),
    Example("GET", f"{_SECRET}/{{id}}", "/v1/secrets/h1/s"),
    Example("PUT", f"{_SECRET}/{{id}}", "/v1/secrets/h1/s", {"name": "renamed", "format": "x"}),
    Example("PATCH", f"{_SECRET}/{{id}}", "/v1/secrets/h1/s", {"name": "renamed"}),
    Example("PATCH", f"{_SECRET}/{{id}}", "/v1/secrets/h1/s", {"variable": None}),
    Example("DELETE", f"{_SECRET}/{{id}}", "/v1/secrets/h1/s"),
    Example("GET", f"{_SECRET}/{{id}}/payload", "/v1/secrets/h1/s/payload"),
    Example("PUT", f"{_SECRET}/{{id}}/payload", "/v1/secrets/h1/s/payload", raw=b"others"),
]

#: The one route that needs a server of files, beside the store.
NEEDS_A_SERVER = ("POST", f"{_REFERENCE}/{{id}}/refresh")

#: What is asked of runs, which the inventory does not hold: see :class:`RunsOfFleet`.
RUN_EXAMPLES = (
    Example("GET", "/v1/runs/{region_id}", "/v1/runs/r"),
    Example("GET", "/v1/runs/{region_id}", "/v1/runs/r?host=web1&state=queued&limit=1"),
    Example(
        "POST",
        "/v1/runs/{region_id}",
        "/v1/runs/r",
        {"origin": "reported", "playbook": "site.yml", "hosts": ["web1", "localhost"]},
    ),
    Example("GET", "/v1/runs/{region_id}/{id}", "/v1/runs/r/queued"),
    Example("DELETE", "/v1/runs/{region_id}/{id}", "/v1/runs/r/queued"),
    Example("GET", "/v1/runs/{region_id}/{id}/hosts", "/v1/runs/r/told/hosts?state=pending"),
    Example("GET", "/v1/runs/{region_id}/{id}/events", "/v1/runs/r/told/events?after=1&limit=1"),
    Example(
        "POST",
        "/v1/runs/{region_id}/{id}/events",
        "/v1/runs/r/told/events",
        {
            "first": 1,
            "events": [{"type": "host.ok", "time": "2026-11-22T10:00:00.000Z", "host": "web1"}],
            "run_state": "succeeded",
        },
    ),
    Example("GET", "/v1/playbooks", "/v1/playbooks"),
    Example("GET", "/v1/hosts/{region_id}/{id}/reachability", "/v1/hosts/r/h1/reachability"),
)


class RunsOfFleet(MemoryRunStore):
    """Two runs in the region of each fleet, one queued and one told by somebody's own Ansible.

    Args:
        prefixes: What stands before the ids of each fleet.
    """

    def __init__(self, prefixes: Iterable[str] = ("",)) -> None:
        super().__init__(max_events=1000, keep_days=1)
        self._prefixes = tuple(prefixes)
        self.open()
        self.refill()

    def refill(self) -> None:
        """Let the runs be as they were."""
        self._runs.clear()
        self._reached.clear()
        for prefix in self._prefixes:
            for name, origin in (("queued", Origin.CONDUCTOR), ("told", Origin.REPORTED)):
                run = Run(
                    id=f"{prefix}{name}",
                    region_id=f"{prefix}r",
                    tenant_id=f"{prefix}t",
                    playbook="site.yml",
                    batch_size=1,
                    forks=1,
                    requested_by="somebody",
                    origin=origin,
                    created_at=datetime(2026, 11, 22, 10, tzinfo=UTC),
                    progress=Progress(total=1),
                )
                self.create(run, [RunHost(host_id=f"{prefix}h1", host="web1", batch=0)])
            self.claim(f"{prefix}told")


def _of_entities() -> Iterator[Example]:
    for route, (path, id) in _ENTITIES.items():
        yield Example("GET", route, path)
        yield Example("GET", route, f"{path}?limit=1&variables=true")
        yield Example("POST", route, path, {"name": "new"})
        for method, rest_of_route, rest, body in _WITH_ONE:
            yield Example(method, f"{route}/{{id}}{rest_of_route}", f"{path}/{id}{rest}", body)


EXAMPLES = (*_of_entities(), *_OTHERS)
