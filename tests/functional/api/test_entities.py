"""Entities over HTTP: each kind is created, read, replaced, patched and deleted alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from craton.models import INVENTORY_KINDS, Entity, parent_field, specs
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths

NAMES = [kind.kind for kind in INVENTORY_KINDS]
SET_BY_CRATON = {"id", "revision", "created_at", "updated_at"}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

#: A body with every field that a caller can set, away from its default, by kind.
FULL: dict[str, dict[str, Any]] = {
    "tenant": {
        "name": "globex",
        "customer": "Globex",
        "project_id": "p1",
        "description": "Ünïcode",
    },
    "region": {"name": "south", "description": "far"},
    "host": {
        "name": "web1",
        "ip_address": "10.0.0.1",
        "ssh_port": 2222,
        "ssh_user": "ops",
        "asset_id": "A-1",
        "active": False,
        "groups": [],
    },
    "group": {"name": "web", "priority": -5, "parents": []},
}
VARIABLES = {"a": [1, 1.0, "1", True, None], "b": {"z": 1, "a": "{{ x }}"}}


def full(kind: str) -> dict[str, Any]:
    return {**FULL[kind], "variables": VARIABLES, "templated": ["b"]}


def own(entity: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entity.items() if name not in SET_BY_CRATON}


def kind_of(name: str) -> type[Entity]:
    return next(kind for kind in INVENTORY_KINDS if kind.kind == name)


@pytest.mark.parametrize("kind", NAMES)
def test_a_created_entity_is_answered_with_its_place_and_tag(
    api: Client, paths: Paths, kind: str
) -> None:
    collection = paths.collection(kind)
    created = api.post(collection, full(kind))
    entity = created.json
    assert created.headers["ETag"] == f'"{entity["revision"]}"'
    assert created.headers["Location"] == f"http://localhost{collection}/{entity['id']}"
    read = api.get(f"{collection}/{entity['id']}")
    assert read.json == entity
    assert read.headers["ETag"] == created.headers["ETag"]


@pytest.mark.parametrize("kind", NAMES)
def test_an_entity_carries_all_its_fields_as_they_were_given(
    api: Client, paths: Paths, kind: str
) -> None:
    entity = api.post(paths.collection(kind), full(kind)).json
    assert set(entity) == set(specs(kind_of(kind)))
    parent = parent_field(kind_of(kind))
    expected = full(kind)
    if parent:
        expected[parent] = {"tenant_id": paths.tenant, "region_id": paths.region}[parent]
    assert own(entity) == expected
    assert [type(item) for item in entity["variables"]["a"]] == [int, float, str, bool, type(None)]
    assert list(entity["variables"]["b"]) == ["z", "a"], "Ansible sees the order of keys"


@pytest.mark.parametrize("kind", NAMES)
def test_times_are_utc_in_milliseconds(paths: Paths, api: Client, kind: str) -> None:
    import re

    entity = api.post(paths.collection(kind), FULL[kind]).json
    assert re.fullmatch(TIME, entity["created_at"])
    assert re.fullmatch(TIME, entity["updated_at"])


@pytest.mark.parametrize("kind", NAMES)
def test_a_read_can_be_written_back(api: Client, paths: Paths, kind: str) -> None:
    entity = api.post(paths.collection(kind), full(kind)).json
    path = f"{paths.collection(kind)}/{entity['id']}"
    written = api.put(path, entity).json
    assert own(written) == own(entity)
    assert written["created_at"] == entity["created_at"]
    assert written["revision"] != entity["revision"]


@pytest.mark.parametrize("kind", NAMES)
def test_put_replaces_as_a_whole(api: Client, paths: Paths, kind: str) -> None:
    entity = api.post(paths.collection(kind), full(kind)).json
    path = f"{paths.collection(kind)}/{entity['id']}"
    bare = api.post(paths.collection(kind), {"name": "bare"}).json
    replaced = api.put(path, {"name": "other"}).json
    assert own(replaced) == own(bare) | {"name": "other"}
    assert api.get(path).json == replaced
    assert replaced["id"] == entity["id"]


@pytest.mark.parametrize("kind", NAMES)
def test_a_missing_required_field_is_named(
    api: Client, paths: Paths, kind: str, state: Callable[[], list[str]]
) -> None:
    entity = api.post(paths.collection(kind), FULL[kind]).json
    before = state()
    path = f"{paths.collection(kind)}/{entity['id']}"
    for answer in (
        api.post(paths.collection(kind), {}, 400),
        api.put(path, {"variables": {}}, 400),
        api.patch(path, {"name": None}, 400),
    ):
        assert answer.json["field"] == "name"
    assert state() == before


@pytest.mark.parametrize("kind", NAMES)
def test_unknown_fields_are_refused_by_name(api: Client, paths: Paths, kind: str) -> None:
    entity = api.post(paths.collection(kind), FULL[kind]).json
    path = f"{paths.collection(kind)}/{entity['id']}"
    body = {**FULL[kind], "colour": 1}
    for answer in (
        api.post(paths.collection(kind), body, 400),
        api.put(path, body, 400),
        api.patch(path, {"colour": 1}, 400),
    ):
        assert answer.json["field"] == "colour"


@pytest.mark.parametrize("kind", NAMES)
def test_what_craton_sets_is_accepted_and_ignored(api: Client, paths: Paths, kind: str) -> None:
    entity = api.post(paths.collection(kind), FULL[kind]).json
    path = f"{paths.collection(kind)}/{entity['id']}"
    claims = {"revision": "mine", "created_at": "never", "updated_at": None}
    for written in (
        api.put(path, {**FULL[kind], **claims}).json,
        api.patch(path, {"name": "patched", **claims}).json,
    ):
        assert written["created_at"] == entity["created_at"]
        assert written["revision"] not in {"mine", entity["revision"]}
    other = api.post(paths.collection(kind), {"name": "third", **claims, "id": None}).json
    assert other["revision"] != "mine"


@pytest.mark.parametrize("kind", NAMES)
def test_an_id_or_parent_that_differs_from_the_path_is_refused(
    api: Client, paths: Paths, kind: str, state: Callable[[], list[str]]
) -> None:
    entity = api.post(paths.collection(kind), FULL[kind]).json
    path = f"{paths.collection(kind)}/{entity['id']}"
    before = state()
    wrong: object
    for wrong in ("other", None, 5, ["x"], {}):
        assert api.put(path, {**FULL[kind], "id": wrong}, 400).json["field"] == "id"
        assert api.patch(path, {"id": wrong}, 400).json["field"] == "id"
    for wrong in ("other", 5, False, 0, [], {}):
        assert api.post(paths.collection(kind), {"name": "n", "id": wrong}, 400)
    parent = parent_field(kind_of(kind))
    if parent:
        for wrong in ("other", None, 5, ["x"], {}):
            body = {**FULL[kind], parent: wrong}
            assert api.put(path, body, 400).json["field"] == parent
            assert api.patch(path, {parent: wrong}, 400).json["field"] == parent
            assert api.post(paths.collection(kind), body, 400).json["field"] == parent
    assert state() == before


@pytest.mark.parametrize("kind", NAMES)
def test_an_empty_id_is_no_id(api: Client, paths: Paths, kind: str) -> None:
    for index, nothing in enumerate((None, "")):
        body = {"name": f"n{index}", "id": nothing}
        assert api.post(paths.collection(kind), body).json["id"]


@pytest.mark.parametrize("kind", ["region", "host", "group"])
def test_an_id_under_another_parent_is_not_found(
    api: Client, paths: Paths, kind: str, state: Callable[[], list[str]]
) -> None:
    entity = api.post(paths.collection(kind), FULL[kind]).json
    tenant = api.post("/v1/tenants", {"name": "other"}).json["id"]
    region = api.post(f"/v1/regions/{tenant}", {"name": "other"}).json["id"]
    elsewhere = Paths(api=api, tenant=tenant, region=region)
    path = f"{elsewhere.collection(kind)}/{entity['id']}"
    before = state()
    foreign = api.get(path, 404).json
    missing = api.get(f"{elsewhere.collection(kind)}/nothing", 404).json
    for name in ("type", "title", "status", "code", "kind"):
        assert foreign[name] == missing[name]
    assert foreign["detail"] == missing["detail"].replace("nothing", entity["id"])
    api.put(path, FULL[kind], 404)
    api.patch(path, {"name": "x"}, 404)
    api.delete(path, 404)
    api.delete(f"{path}?cascade=true", 404)
    for part in ("variables", "variables/a"):
        api.get(f"{path}/{part}", 404)
        api.put(f"{path}/{part}", {}, 404)
        api.delete(f"{path}/variables/a", 404)
    api.patch(f"{path}/variables", {}, 404)
    api.get(f"{path}/variables?resolved=true", 404)
    assert state() == before


@pytest.mark.parametrize("kind", ["region", "host", "group"])
def test_an_unknown_parent_is_not_found(api: Client, kind: str) -> None:
    nowhere = Paths(api=api, tenant="nothing", region="nothing")
    collection = nowhere.collection(kind)
    assert api.get(collection, 404).json["code"] == "not_found"
    answer = api.post(collection, FULL[kind], 404).json
    assert (answer["code"], answer["id"]) == ("not_found", "nothing")


@pytest.mark.parametrize("kind", NAMES)
def test_a_name_that_is_taken_is_a_conflict(api: Client, paths: Paths, kind: str) -> None:
    api.post(paths.collection(kind), FULL[kind])
    answer = api.post(paths.collection(kind), FULL[kind], 409).json
    assert (answer["code"], answer["field"]) == ("already_exists", "name")
    assert "change" not in answer


@pytest.mark.parametrize("kind", NAMES)
def test_delete_removes(api: Client, paths: Paths, kind: str) -> None:
    entity = api.post(paths.collection(kind), FULL[kind]).json
    path = f"{paths.collection(kind)}/{entity['id']}"
    assert api.delete(path).body == b""
    api.get(path, 404)
    api.delete(path, 404)


def test_a_parent_with_children_goes_with_cascade_alone(api: Client, paths: Paths) -> None:
    host = paths.host("h")
    for path in (f"/v1/regions/{paths.tenant}/{paths.region}", f"/v1/tenants/{paths.tenant}"):
        assert api.delete(path, 409).json["code"] == "in_use"
        assert api.delete(f"{path}?cascade=false", 409).json["code"] == "in_use"
    api.delete(f"/v1/tenants/{paths.tenant}?cascade=true")
    api.get(f"{paths.hosts}/{host['id']}", 404)
    api.get(f"/v1/regions/{paths.tenant}", 404)


def test_a_deleted_group_takes_its_memberships_along(api: Client, paths: Paths) -> None:
    parent, other = paths.group("parent"), paths.group("other")
    child = paths.group("child", parents=[parent["id"], other["id"]])
    host = paths.host("h", groups=[parent["id"], child["id"]])
    api.delete(f"{paths.groups}/{parent['id']}")
    assert api.get(f"{paths.hosts}/{host['id']}").json["groups"] == [child["id"]]
    assert api.get(f"{paths.groups}/{child['id']}").json["parents"] == [other["id"]]


def test_links_that_lead_nowhere_are_the_bodys_fault(api: Client, paths: Paths) -> None:
    answer = api.post(paths.hosts, {"name": "h", "groups": ["nothing"]}, 400).json
    assert (answer["code"], answer["field"], answer["id"]) == (
        "invalid_reference",
        "groups",
        "nothing",
    )
    answer = api.post(paths.groups, {"name": "g", "parents": ["nothing"]}, 400).json
    assert answer["field"] == "parents"


def test_a_cycle_is_a_conflict(api: Client, paths: Paths) -> None:
    top = paths.group("top")
    child = paths.group("child", parents=[top["id"]])
    answer = api.patch(f"{paths.groups}/{top['id']}", {"parents": [child["id"]]}, 409).json
    assert answer["code"] == "cycle"
    assert set(answer["path"]) == {"top", "child"}


class TestPatch:
    """PATCH is a JSON merge patch of what GET shows."""

    def test_leaves_alone_what_it_does_not_name(self, api: Client, paths: Paths) -> None:
        host = api.post(paths.hosts, full("host")).json
        patched = api.patch(f"{paths.hosts}/{host['id']}", {"ssh_port": 22}).json
        assert own(patched) == own(host) | {"ssh_port": 22}

    def test_null_brings_back_the_default(self, api: Client, paths: Paths) -> None:
        host = api.post(paths.hosts, full("host")).json
        fields = ("ip_address", "ssh_port", "active", "groups", "variables")
        patched = api.patch(f"{paths.hosts}/{host['id']}", dict.fromkeys(fields)).json
        assert [patched[name] for name in fields] == [None, None, True, [], {}]

    def test_variables_merge_at_every_depth(self, api: Client, paths: Paths) -> None:
        variables = {
            "gone": 1,
            "kept": [1],
            "deep": {"a": {"b": 1, "c": 2}, "l": [1, 2]},
            "n": None,
        }
        host = paths.host("h", variables=variables)
        patch = {"gone": None, "new": {"x": None, "y": 1}, "deep": {"a": {"b": None}, "l": [3]}}
        patched = api.patch(f"{paths.hosts}/{host['id']}", {"variables": patch}).json
        assert patched["variables"] == {
            "kept": [1],
            "deep": {"a": {"c": 2}, "l": [3]},
            "n": None,
            "new": {"y": 1},
        }

    def test_flags_go_with_the_variables_that_go(self, api: Client, paths: Paths) -> None:
        host = paths.host("h", variables={"a": "{{ b }}", "b": "{{ c }}"}, templated=["a", "b"])
        path = f"{paths.hosts}/{host['id']}"
        assert api.patch(path, {"variables": {"a": None}}).json["templated"] == ["b"]
        assert api.patch(path, {"variables": None}).json["templated"] == []

    def test_nothing_to_change_writes_nothing(self, api: Client, paths: Paths) -> None:
        host = api.post(paths.hosts, full("host")).json
        path = f"{paths.hosts}/{host['id']}"
        for nothing in ({}, {"name": host["name"]}, {"variables": {"a": VARIABLES["a"]}}):
            assert api.patch(path, nothing).json == host
            assert api.patch(path, nothing, If_Match=f'"{host["revision"]}"').json == host

    def test_takes_both_media_types(self, api: Client, paths: Paths) -> None:
        host = paths.host("h")
        for port, media_type in enumerate(("application/json", "application/merge-patch+json"), 1):
            answer = api.request(
                "PATCH",
                f"{paths.hosts}/{host['id']}",
                {"ssh_port": port},
                content_type=media_type,
            )
            assert answer.json["ssh_port"] == port
