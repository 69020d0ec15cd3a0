"""What a group holds: hosts and subgroups."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths

PARTS = {"hosts": ("host", "groups", "hosts"), "children": ("group", "parents", "groups")}


def names(items: list[dict[str, str]]) -> list[str]:
    return [item["name"] for item in items]


@pytest.mark.parametrize("part", PARTS)
def test_a_member_is_put_in_and_taken_out(api: Client, paths: Paths, part: str) -> None:
    kind, field, _ = PARTS[part]
    group, other = paths.group("g"), paths.group("other")
    member = api.post(paths.collection(kind), {"name": "m", field: [other["id"]]}).json
    path = f"{paths.groups}/{group['id']}/{part}/{member['id']}"
    own = f"{paths.collection(kind)}/{member['id']}"

    put = api.put(path, status=204)
    assert put.body == b""
    read = api.get(own)
    assert sorted(read.json[field]) == sorted([group["id"], other["id"]])
    assert put.headers["ETag"] == read.headers["ETag"]
    again = api.put(path, status=204)
    assert again.headers["ETag"] == put.headers["ETag"], "there already: nothing is written"
    assert api.delete(path).headers["ETag"] == api.get(own).headers["ETag"]
    assert api.get(own).json[field] == [other["id"]]
    assert api.delete(path, 404).json["code"] == "not_found"


def test_members_are_listed_directly_or_at_any_depth(api: Client, paths: Paths) -> None:
    top = paths.group("top")
    left, right = (paths.group(name, parents=[top["id"]]) for name in ("left", "right"))
    bottom = paths.group("bottom", parents=[left["id"], right["id"]])
    paths.group("aside")
    paths.host("in-top", groups=[top["id"], bottom["id"]])
    paths.host("in-left", groups=[left["id"]])
    paths.host("in-bottom", groups=[bottom["id"]])
    paths.host("nowhere")
    path = f"{paths.groups}/{top['id']}"
    assert names(api.get(f"{path}/hosts").json["hosts"]) == ["in-top"]
    assert names(api.get(f"{path}/children").json["groups"]) == ["left", "right"]
    assert names(api.get(f"{path}/hosts?recursive=true").json["hosts"]) == [
        "in-bottom",
        "in-left",
        "in-top",
    ]
    assert names(api.get(f"{path}/children?recursive=true").json["groups"]) == [
        "bottom",
        "left",
        "right",
    ]
    assert api.get(f"{paths.groups}/{bottom['id']}/children?recursive=true").json["groups"] == []


@pytest.mark.parametrize("part", PARTS)
def test_members_are_paged_and_sorted(api: Client, paths: Paths, part: str) -> None:
    kind, field, collection = PARTS[part]
    group = paths.group("g")["id"]
    for name in "cab":
        fields = {"name": name, field: [group], "variables": {"v": name}}
        api.post(paths.collection(kind), fields)
    path = f"{paths.groups}/{group}/{part}?limit=2&sort=-name&variables=true"
    page = api.get(path).json
    assert [item["variables"]["v"] for item in page[collection]] == ["c", "b"]
    assert names(api.all_of(path)) == ["c", "b", "a"]
    assert "variables" not in api.get(f"{paths.groups}/{group}/{part}").json[collection][0]
    assert api.get(f"{paths.groups}/{group}/{part}?name=a", 400).json["parameter"] == "name"


@pytest.mark.parametrize("part", PARTS)
def test_what_is_not_in_the_region_is_not_found(
    api: Client, paths: Paths, part: str, state: Callable[[], list[str]]
) -> None:
    kind = PARTS[part][0]
    region = api.post(f"/v1/regions/{paths.tenant}", {"name": "other"}).json["id"]
    elsewhere = Paths(api=api, tenant=paths.tenant, region=region)
    group = paths.group("g")["id"]
    member = api.post(paths.collection(kind), {"name": "m"}).json["id"]
    foreign_group = elsewhere.group("g")["id"]
    foreign = api.post(elsewhere.collection(kind), {"name": "m"}).json["id"]
    before = state()
    for region_id, group_id, member_id in (
        (paths.region, group, foreign),
        (paths.region, foreign_group, member),
        (region, group, member),
        (paths.region, group, "nothing"),
        (paths.region, "nothing", member),
        ("nothing", group, member),
    ):
        path = f"/v1/groups/{region_id}/{group_id}/{part}"
        api.put(f"{path}/{member_id}", status=404)
        api.delete(f"{path}/{member_id}", 404)
    for region_id, group_id in ((paths.region, foreign_group), (region, group), ("no", group)):
        api.get(f"/v1/groups/{region_id}/{group_id}/{part}", 404)
        api.get(f"/v1/groups/{region_id}/{group_id}/{part}?recursive=true", 404)
    assert state() == before


def test_a_group_cannot_become_its_own_ancestor(api: Client, paths: Paths) -> None:
    top = paths.group("top")["id"]
    bottom = paths.group("bottom", parents=[top])["id"]
    assert api.put(f"{paths.groups}/{bottom}/children/{top}", status=409).json["code"] == "cycle"
    assert api.put(f"{paths.groups}/{top}/children/{top}", status=409).json["code"] == "cycle"


@pytest.mark.parametrize("part", PARTS)
def test_a_membership_has_the_tag_of_the_member(
    configured: Callable[..., Client], api: Client, paths: Paths, part: str
) -> None:
    kind, field, _ = PARTS[part]
    group = paths.group("g")["id"]
    member = api.post(paths.collection(kind), {"name": "m"}).json
    path = f"{paths.groups}/{group}/{part}/{member['id']}"
    api.put(path, status=412, If_Match='"x"')
    put = api.put(path, status=204, If_Match=f'"{member["revision"]}"')
    api.delete(path, 412, If_Match=f'"{member["revision"]}"')
    strict = configured(require_if_match=True)
    strict.delete(path, 428)
    strict.put(path, status=428)
    strict.delete(path, 204, If_Match=put.headers["ETag"])
    assert api.get(f"{paths.collection(kind)}/{member['id']}").json[field] == []
