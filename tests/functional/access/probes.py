"""Every other place where an id can stand: bodies, links, filters, batches, markers.

``X-`` stands before the ids of another project, and of nothing, in turn; the others are the
caller's own. A number of words says which place it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.functional.access.worlds import (
    CALLERS,
    CANARIES,
    FAR,
    NIL,
    PROJECTS,
    World,
    comparable,
)
from tests.functional.every_route import Example

_HOST = "/v1/hosts/own-r/own-h1"
_GROUP = "/v1/groups/own-r/own-db"


def _batch(**change: Any) -> dict[str, Any]:
    return {"changes": [change]}


def _create(kind: str, **value: Any) -> dict[str, Any]:
    return _batch(op="create", kind=kind, value=value)


def _replace(kind: str, id: str, **value: Any) -> dict[str, Any]:
    return _batch(op="replace", kind=kind, id=id, value=value)


FILE = {"name": "n", "url": "https://example.org/n.yml"}

#: The place, the method, the path and the body.
PROBES: tuple[tuple[str, str, str, Any], ...] = (
    ("group of a new host", "POST", "/v1/hosts/own-r", {"name": "n", "groups": ["X-web"]}),
    ("group of a host", "PUT", _HOST, {"name": "web1", "groups": ["own-web", "X-web"]}),
    ("group of a patched host", "PATCH", _HOST, {"groups": ["X-web"]}),
    ("parent of a new group", "POST", "/v1/groups/own-r", {"name": "n", "parents": ["X-site"]}),
    ("parent of a group", "PUT", _GROUP, {"name": "db", "parents": ["X-site"]}),
    ("parent of a patched group", "PATCH", _GROUP, {"parents": ["X-site"]}),
    ("id of a new host", "POST", "/v1/hosts/own-r", {"name": "n", "id": "X-h1"}),
    ("region of a new host", "POST", "/v1/hosts/own-r", {"name": "n", "region_id": "X-r"}),
    ("id of a host", "PUT", _HOST, {"name": "web1", "id": "X-h1"}),
    ("region of a host", "PATCH", _HOST, {"region_id": "X-r"}),
    ("region of a group", "PATCH", _GROUP, {"region_id": "X-r"}),
    ("tenant of a new region", "POST", "/v1/regions/own-t", {"name": "n", "tenant_id": "X-t"}),
    ("tenant of a region", "PATCH", "/v1/regions/own-t/own-r", {"tenant_id": "X-t"}),
    ("id of a tenant", "PATCH", "/v1/tenants/own-t", {"id": "X-t"}),
    ("name of a tenant", "PATCH", "/v1/tenants/own-t", {"name": "X-acme"}),
    ("name of a new tenant", "POST", "/v1/tenants", {"name": "X-acme"}),
    ("owner of a reference", "POST", "/v1/references/own-r2", {**FILE, "owner_id": "X-r2"}),
    ("host of a secret", "POST", "/v1/secrets/own-h1", {"name": "n", "host_id": "X-h1"}),
    ("tenants by id", "GET", "/v1/tenants?id=X-t", None),
    ("tenants by name", "GET", "/v1/tenants?name=X-acme", None),
    ("tenants by project", "GET", "/v1/tenants?project_id=X-project", None),
    ("regions by id", "GET", "/v1/regions/own-t?id=X-r", None),
    ("groups by id", "GET", "/v1/groups/own-r?id=X-web", None),
    ("hosts by id", "GET", "/v1/hosts/own-r?id=X-h1", None),
    ("hosts by group", "GET", "/v1/hosts/own-r?group=X-web", None),
    ("references by id", "GET", "/v1/references/own-r2?id=X-file", None),
    ("secrets by id", "GET", "/v1/secrets/own-h1?id=X-s", None),
    ("changes by entity", "GET", "/v1/changes/own-r?entity_id=X-h1", None),
    ("runs by host", "GET", "/v1/runs/own-r?host=X-h1", None),
    ("inventory of a group", "GET", "/v1/inventory/own-r.json?group=X-web", None),
    ("bundle of a group", "GET", "/v1/inventory/own-r.tgz?secrets=omit&group=X-web", None),
    ("archive of a group", "GET", "/v1/inventory/own-r.zip?secrets=omit&group=X-web", None),
    (
        "host of a run",
        "POST",
        "/v1/runs/own-r",
        {"origin": "reported", "playbook": "site.yml", "hosts": ["X-h1"]},
    ),
    (
        "filter of a run",
        "POST",
        "/v1/runs/own-r",
        {"playbook": "a.yml", "filters": {"id": ["X-h1"]}},
    ),
    (
        "group of a run",
        "POST",
        "/v1/runs/own-r",
        {"playbook": "a.yml", "filters": {"group": ["X-web"]}},
    ),
    *(
        (f"{op} of a {kind} in a batch", "POST", "/v1/batch/own-r", body)
        for op, kind, body in (
            ("replace", "host", _replace("host", "X-h2", name="n")),
            ("delete", "host", _batch(op="delete", kind="host", id="X-h3")),
            ("replace", "group", _replace("group", "X-db", name="n")),
            ("delete", "group", _batch(op="delete", kind="group", id="X-db", cascade=True)),
            ("replace", "reference", _replace("reference", "X-file", owner_id="own-r2", **FILE)),
            ("delete", "reference", _batch(op="delete", kind="reference", id="X-file")),
            ("group", "host", _create("host", name="n", groups=["X-web"])),
            ("region", "host", _create("host", name="n", region_id="X-r")),
            ("id", "host", _create("host", name="n", id="X-h1")),
            ("parent", "group", _create("group", name="n", parents=["X-site"])),
            ("region as owner", "reference", _create("reference", owner_id="X-r2", **FILE)),
            ("group as owner", "reference", _create("reference", owner_id="X-web", **FILE)),
        )
    ),
)


def leaks(
    world: World, places: Iterable[str] = (), names: Iterable[str] = tuple(CALLERS)
) -> Iterator[str]:
    """Yield the places in which an id that the caller does not see is told from no id at all.

    Args:
        world: Where.
        places: Only these places; by default all.
        names: Only these callers; by default all.
    """
    for place, method, path, body in PROBES:
        if places and place not in places:
            continue
        for name in names:
            caller = CALLERS[name]
            if caller is None or caller.is_system or caller.project_id == PROJECTS[FAR]:
                continue
            far, nil = (
                world.ask(caller, Example(method, "", *_with(prefix, path, body)))
                for prefix in (FAR, NIL)
            )
            if comparable(far, FAR) != comparable(nil, FAR):
                yield f"{place}: {name}: {far.status} {far.text[:300]}, not {nil.text[:300]}"
            if CANARIES[FAR].encode() in far.body:
                yield f"{place}: {name} is shown {CANARIES[FAR]}"


def _with(prefix: str, path: str, body: Any) -> tuple[str, Any]:
    def put(value: Any) -> Any:
        match value:
            case str():
                return value.replace("X-project", f"p-{prefix[:-1]}").replace("X-", prefix)
            case list():
                return [put(item) for item in value]
            case dict():
                return {key: put(item) for key, item in value.items()}
        return value

    return put(path), put(body)
