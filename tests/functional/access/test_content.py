"""What a request holds may need a right of its own: templates, secrets, projects, names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from craton.api import batches
from craton.api.controllers import entities, inventory
from tests.functional.access import documented
from tests.functional.access.worlds import CALLERS, World
from tests.functional.every_route import Example

READER, MEMBER = CALLERS["reader of p-own"], CALLERS["member of p-own"]
ADMIN, SYSTEM = CALLERS["admin of p-own"], CALLERS["system admin"]
RIGHTS = {"reader": READER, "member": MEMBER, "admin": ADMIN, "system admin": SYSTEM}

TEMPLATE, DATA = "{{ lookup('pipe', 'id') }}", "plain"
_NEW = {"name": "new", "variables": {"t": TEMPLATE}, "templated": ["t"]}
#: What stands in the host of the tests: one variable that Ansible templates, and one that it does
#: not.
_STORED = {"name": "kept", "variables": {"t": TEMPLATE, "d": DATA}, "templated": ["t"]}
_CHANGED = {**_STORED, "variables": {"t": "{{ 1 }}", "d": DATA}}
_MORE = {**_STORED, "templated": ["t", "d"]}


def _export(host: str, *groups: str, **variables: Any) -> dict[str, Any]:
    return {
        "all": {"children": ["ungrouped", *groups]},
        "ungrouped": {"hosts": [] if groups else [host]},
        **{group: {"hosts": [host]} for group in groups},
        "_meta": {"hostvars": {host: variables}},
    }


def _batch(op: str, kind: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"changes": [{"op": op, "kind": kind, "value": value, **more}]}


#: Every way to enter a template: the method, the path and the body. ``HOST`` is the host above.
ENTERING: dict[str, tuple[str, str, Any]] = {
    "create a host": ("POST", "/v1/hosts/own-r", _NEW),
    "create a group": ("POST", "/v1/groups/own-r", _NEW),
    "create a region": ("POST", "/v1/regions/own-t", _NEW),
    "patch a tenant": (
        "PATCH",
        "/v1/tenants/own-t",
        {"variables": {"t": TEMPLATE}, "templated": ["t"]},
    ),
    "patch a region": ("PATCH", "/v1/regions/own-t/own-r", {"templated": ["colour"]}),
    "replace a group": ("PUT", "/v1/groups/own-r/own-db", {**_NEW, "name": "db"}),
    "flag more": ("PUT", "/v1/hosts/own-r/HOST", _MORE),
    "flag more by a patch": ("PATCH", "/v1/hosts/own-r/HOST", {"templated": ["t", "d"]}),
    "change one": ("PUT", "/v1/hosts/own-r/HOST", _CHANGED),
    "change one by a patch": ("PATCH", "/v1/hosts/own-r/HOST", {"variables": {"t": "{{ 1 }}"}}),
    "change one among all": (
        "PUT",
        "/v1/hosts/own-r/HOST/variables",
        {"t": "{{ 1 }}", "d": DATA},
    ),
    "change one by a patch of all": ("PATCH", "/v1/hosts/own-r/HOST/variables", {"t": "{{ 1 }}"}),
    "change one alone": ("PUT", "/v1/hosts/own-r/HOST/variables/t", "{{ 1 }}"),
    "create in a batch": ("POST", "/v1/batch/own-r", _batch("create", "host", _NEW)),
    "create a group in a batch": ("POST", "/v1/batch/own-r", _batch("create", "group", _NEW)),
    "change in a batch": (
        "POST",
        "/v1/batch/own-r",
        _batch("replace", "host", _CHANGED, id="HOST"),
    ),
    "import a host": ("POST", "/v1/inventory/own-r", _export("new", t=TEMPLATE)),
    "import a group": (
        "POST",
        "/v1/inventory/own-r",
        {**_export("kept", "new"), "new": {"hosts": ["kept"], "vars": {"t": TEMPLATE}}},
    ),
    "import into a group": (
        "POST",
        "/v1/inventory/own-r",
        {**_export("kept", "db"), "db": {"hosts": ["kept"], "vars": {"t": TEMPLATE}}},
    ),
    "import into the region": (
        "POST",
        "/v1/inventory/own-r",
        {**_export("kept"), "all": {"children": ["ungrouped"], "vars": {"t": TEMPLATE}}},
    ),
    "import into a host": ("POST", "/v1/inventory/own-r", _export("kept", d=TEMPLATE)),
    "try to import": ("POST", "/v1/inventory/own-r?dry_run=true", _export("new", t=TEMPLATE)),
    "import a whole": ("POST", "/v1/inventory/own-r?mode=replace", _export("new", t=TEMPLATE)),
    # A referenced file may hold templates.
    "create a reference": (
        "POST",
        "/v1/references/own-web",
        {"name": "n", "url": "https://example.org/n.yml"},
    ),
    "create a reference in a batch": (
        "POST",
        "/v1/batch/own-r",
        _batch(
            "create",
            "reference",
            {"name": "n", "url": "https://example.org/n.yml", "owner_id": "own-web"},
        ),
    ),
}

#: What needs no such right, because the templates are there already, or go.
KEEPING: dict[str, tuple[str, str, Any]] = {
    "write back": ("PUT", "/v1/hosts/own-r/HOST", _STORED),
    "write back all variables": ("PUT", "/v1/hosts/own-r/HOST/variables", _STORED["variables"]),
    "write back one": ("PUT", "/v1/hosts/own-r/HOST/variables/t", TEMPLATE),
    "change what is data": ("PATCH", "/v1/hosts/own-r/HOST/variables", {"d": TEMPLATE}),
    "take a flag away": ("PATCH", "/v1/hosts/own-r/HOST", {"templated": []}),
    "remove one": ("DELETE", "/v1/hosts/own-r/HOST/variables/t", None),
    "write back in a batch": (
        "POST",
        "/v1/batch/own-r",
        _batch("replace", "host", _STORED, id="HOST"),
    ),
    "import what is there": ("POST", "/v1/inventory/own-r", _export("kept", t=TEMPLATE, d=DATA)),
}


@pytest.fixture
def host(world: World) -> Iterator[str]:
    """A host with a template, by its id."""
    before = world.memory.state
    made = world.ask(ADMIN, Example("POST", "", "/v1/hosts/own-r", _STORED), keep=True)
    assert made.status_int == 201, made.text
    yield made.json["id"]
    world.memory.state = before


def example(way: tuple[str, str, Any], host: str) -> Example:
    method, path, body = way
    if isinstance(body, dict) and "changes" in body:
        body = {"changes": [{**c, "id": host} if "id" in c else c for c in body["changes"]]}
    return Example(method, "", path.replace("HOST", host), body)


@pytest.mark.parametrize("way", ENTERING)
def test_templates_are_entered_by_those_who_may(world: World, host: str, way: str) -> None:
    needed = documented.content()["variables:template"]
    refused = "references:create" if "reference" in way else "variables:template"
    for name in ("member", "admin", "system admin"):
        caller = RIGHTS[name]
        answer = world.ask(caller, example(ENTERING[way], host))
        if documented.passes(caller, needed):
            assert answer.status_int < 300, answer.text
        else:
            assert answer.status_int == 403, f"{name} may {way}"
            assert answer.json["rule"] == refused


@pytest.mark.parametrize("way", KEEPING)
def test_templates_that_are_there_may_stay_and_go(world: World, host: str, way: str) -> None:
    answer = world.ask(MEMBER, example(KEEPING[way], host))
    assert answer.status_int < 300, answer.text


def test_an_open_rule_lets_members_enter_templates(world: World, host: str) -> None:
    with world.rules(**{"variables:template": "@"}):
        for way in ENTERING.values():
            assert world.ask(MEMBER, example(way, host)).status_int < 300


@pytest.mark.parametrize(
    ("module", "way"), [(entities, "write back"), (batches, "write back in a batch")]
)
def test_a_template_that_was_changed_meanwhile_is_not_written_back(
    world: World, host: str, monkeypatch: pytest.MonkeyPatch, module: Any, way: str
) -> None:
    """What allowed the write must still be there when it is made."""
    is_bound = module.is_bound

    def later(access: Any, entity: Any) -> bool:
        world.driver.update(type(entity), entity.id, _without_template)
        allowed: bool = is_bound(access, entity)
        return allowed

    monkeypatch.setattr(module, "is_bound", later)
    answer = world.ask(MEMBER, example(KEEPING[way], host))
    assert (answer.status_int, answer.json["code"]) == (409, "revision_conflict")


def _without_template(before: Any) -> Any:
    return dataclasses.replace(before, templated=(), variables=before.variables.without("t"))


#: Bundles of own-r, in which own-h1 has a secret, and whether they hold it.
BUNDLES = {
    "tgz": True,
    "zip": True,
    "tgz?target=ansible": True,
    "tgz?name=web1": True,
    "zip?group=site": True,
    "tgz?name=db1": False,
    "zip?name=nobody": False,
    "tgz?secrets=omit": False,
    "zip?secrets=omit&name=web1": False,
    # It tells where the file would be, and not what is in it.
    "json": False,
}


@pytest.mark.parametrize("bundle", BUNDLES)
def test_secrets_are_in_bundles_of_those_who_may_read_them(world: World, bundle: str) -> None:
    needed = documented.content()["secrets:read"]
    for caller in RIGHTS.values():
        for method in ("GET", "HEAD"):
            answer = world.ask(caller, Example(method, "", f"/v1/inventory/own-r.{bundle}"))
            if BUNDLES[bundle] and not documented.passes(caller, needed):
                assert answer.status_int == 403
                assert method == "HEAD" or answer.json["rule"] == "secrets:read"
            else:
                assert answer.status_int == 200, answer.text


def test_an_open_rule_lets_readers_have_secrets(world: World) -> None:
    with world.rules(**{"secrets:read": "rule:reader"}):
        answer = world.ask(READER, Example("GET", "", "/v1/inventory/own-r.tgz"))
    assert answer.status_int == 200


def test_a_secret_that_comes_meanwhile_is_not_in_a_readers_bundle(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "holds_secrets", lambda reader, request: False)
    bundle = world.ask(READER, Example("GET", "", "/v1/inventory/own-r.tgz"))
    without = world.ask(READER, Example("GET", "", "/v1/inventory/own-r.tgz?secrets=omit"))
    assert bundle.status_int == 200
    assert bundle.body == without.body


PROJECT_CHANGES = [
    ("PATCH", {"project_id": "p-far"}, "tenants:assign"),
    ("PATCH", {"project_id": None}, "tenants:assign"),
    ("PUT", {"name": "own-acme", "project_id": "p-far"}, "tenants:assign"),
    ("PUT", {"name": "own-acme"}, "tenants:assign"),
    ("PATCH", {"name": "another"}, "tenants:rename"),
    ("PUT", {"name": "another", "project_id": "p-own"}, "tenants:rename"),
]


@pytest.mark.parametrize(("method", "body", "rule"), PROJECT_CHANGES)
def test_a_tenant_gets_another_project_or_name_by_the_system(
    world: World, method: str, body: dict[str, Any], rule: str
) -> None:
    change = Example(method, "", "/v1/tenants/own-t", body)
    for name, caller in RIGHTS.items():
        answer = world.ask(caller, change)
        if documented.passes(caller, documented.content()[rule]):
            assert answer.status_int == 200, answer.text
        elif name != "reader":
            assert (answer.status_int, answer.json["rule"]) == (403, rule)
    with world.rules(**{rule: "@"}):
        assert world.ask(MEMBER, change).status_int == 200


def test_whoever_may_create_tenants_does_so_in_their_project(world: World) -> None:
    own = Example("POST", "", "/v1/tenants", {"name": "new", "project_id": "p-own"})
    with world.rules(**{"tenants:create": "rule:admin"}):
        assert world.ask(ADMIN, own).status_int == 201
        for project in ("p-far", None):
            answer = world.ask(ADMIN, own._replace(body={"name": "new", "project_id": project}))
            assert (answer.status_int, answer.json["rule"]) == (403, "tenants:assign")


def test_a_tenant_that_moved_is_gone_for_its_former_project(world: World) -> None:
    before = world.memory.state
    moved = Example("PATCH", "", "/v1/tenants/own-t", {"project_id": "p-far"})
    try:
        assert world.ask(SYSTEM, moved, keep=True).status_int == 200
        for path in ("/v1/tenants/own-t", "/v1/hosts/own-r", "/v1/secrets/own-h1"):
            assert world.ask(ADMIN, Example("GET", "", path)).status_int == 404
            stranger = world.ask(CALLERS["reader of p-far"], Example("GET", "", path))
            assert stranger.status_int == 200
    finally:
        world.memory.state = before


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("hosts:delete", {"op": "delete", "kind": "host", "id": "own-h3"}),
        ("groups:create", {"op": "create", "kind": "group", "value": {"name": "n"}}),
        (
            "hosts:replace",
            {"op": "replace", "kind": "host", "id": "own-h3", "value": {"name": "x"}},
        ),
        ("references:delete", {"op": "delete", "kind": "reference", "id": "own-file"}),
    ],
)
def test_a_batch_does_nothing_that_its_caller_could_not_do_alone(
    world: World, rule: str, change: dict[str, Any]
) -> None:
    allowed = {"op": "create", "kind": "host", "value": {"name": "fine"}}
    batch = Example("POST", "", "/v1/batch/own-r", {"changes": [allowed, change]})
    with world.rules(**{rule: "rule:system_admin"}):
        answer = world.ask(MEMBER, batch)
    assert (answer.status_int, answer.json["rule"], answer.json["change"]) == (403, rule, 1)
