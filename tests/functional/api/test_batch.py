"""Many changes at once: all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths


def create(kind: str, **value: object) -> dict[str, Any]:
    return {"op": "create", "kind": kind, "value": value}


def replace(kind: str, id: str, **value: object) -> dict[str, Any]:
    return {"op": "replace", "kind": kind, "id": id, "value": value}


def delete(kind: str, id: str, **more: object) -> dict[str, Any]:
    return {"op": "delete", "kind": kind, "id": id, **more}


def run(paths: Paths, *changes: Any, status: int = 200) -> Any:
    return paths.api.post(paths.batch, {"changes": list(changes)}, status).json


def test_the_answer_has_id_and_revision_of_each_change(api: Client, paths: Paths) -> None:
    old, gone = paths.host("old", ssh_port=1), paths.host("gone")
    done = run(
        paths,
        create("host", name="new", variables={"a": 1}),
        replace("host", old["id"], name="renamed"),
        delete("host", gone["id"]),
        create("group", name="g"),
    )["changes"]
    assert [set(change) for change in done] == [{"id", "revision"}] * 4
    new = api.get(f"{paths.hosts}/{done[0]['id']}").json
    assert (new["name"], new["variables"], new["revision"]) == (
        "new",
        {"a": 1},
        done[0]["revision"],
    )
    renamed = api.get(f"{paths.hosts}/{old['id']}").json
    assert (renamed["name"], renamed["ssh_port"]) == ("renamed", None)
    assert renamed["revision"] == done[1]["revision"]
    assert done[2] == {"id": gone["id"], "revision": None}
    api.get(f"{paths.hosts}/{gone['id']}", 404)
    assert api.get(f"{paths.groups}/{done[3]['id']}").json["name"] == "g"


def test_nothing_is_a_batch_too(paths: Paths) -> None:
    assert run(paths) == {"changes": []}


def test_groups_may_be_named_by_name_before_and_after_they_are_created(
    api: Client, paths: Paths
) -> None:
    standing = paths.group("standing")["id"]
    long = "l" * 250
    done = run(
        paths,
        create("host", name="h", groups=["late", "standing", long]),
        create("group", name="late", parents=["top", standing]),
        create("group", name="top"),
        create("group", name=long),
    )["changes"]
    ids = [change["id"] for change in done]
    assert set(api.get(f"{paths.hosts}/{ids[0]}").json["groups"]) == {ids[1], ids[3], standing}
    assert set(api.get(f"{paths.groups}/{ids[1]}").json["parents"]) == {ids[2], standing}


def test_an_id_wins_over_a_name(api: Client, paths: Paths) -> None:
    first = paths.group("first")["id"]
    second = paths.group(first)["id"]
    (done,) = run(paths, create("host", name="h", groups=[first]))["changes"]
    assert api.get(f"{paths.hosts}/{done['id']}").json["groups"] == [first]
    assert first != second


def test_a_name_means_the_group_that_the_batch_makes_of_it(api: Client, paths: Paths) -> None:
    old, other = paths.group("web")["id"], paths.group("other")["id"]
    done = run(
        paths,
        delete("group", old),
        create("group", name="web"),
        replace("group", other, name="renamed"),
        create("host", name="h", groups=["web", "renamed"]),
    )["changes"]
    groups = api.get(f"{paths.hosts}/{done[3]['id']}").json["groups"]
    assert set(groups) == {done[1]["id"], other}


def test_a_name_of_nothing_is_an_invalid_reference(paths: Paths) -> None:
    answer = run(paths, create("host", name="h", groups=["nothing"]), status=400)
    assert (answer["code"], answer["change"], answer["id"]) == ("invalid_reference", 0, "nothing")


def test_names_of_another_region_mean_nothing(api: Client, paths: Paths) -> None:
    other = api.post(f"/v1/regions/{paths.tenant}", {"name": "other"}).json["id"]
    group = Paths(api=api, tenant=paths.tenant, region=other).group("g")["id"]
    for name in ("g", group):
        answer = run(paths, create("host", name="h", groups=[name]), status=400)
        assert answer["code"] == "invalid_reference"


def test_every_error_names_its_change_and_nothing_is_written(
    api: Client, paths: Paths, state: Callable[[], list[str]]
) -> None:
    host, group = paths.host("h"), paths.group("g")
    other = api.post(f"/v1/regions/{paths.tenant}", {"name": "other"}).json["id"]
    foreign = Paths(api=api, tenant=paths.tenant, region=other).host("f")["id"]
    before = state()
    bad: list[tuple[int, str | None, Any]] = [
        (400, None, 5),
        (400, None, []),
        (400, None, None),
        (400, "op", {"kind": "host", "value": {"name": "x"}}),
        (400, "op", {**create("host", name="x"), "op": "upsert"}),
        (400, "op", {**create("host", name="x"), "op": ["create"]}),
        (400, "op", {**create("host", name="x"), "op": None}),
        (400, "kind", {"op": "create", "value": {"name": "x"}}),
        (400, "kind", create("tenant", name="x")),
        (400, "kind", {**create("host", name="x"), "kind": {}}),
        (400, "colour", {**create("host", name="x"), "colour": 1}),
        (400, "value", {"op": "create", "kind": "host"}),
        (400, "value", {"op": "create", "kind": "host", "value": None}),
        (400, "body", {"op": "create", "kind": "host", "value": [1]}),
        (400, "name", create("host")),
        (400, "ssh_port", create("host", name="x", ssh_port="22")),
        (400, "groups", create("host", name="x", groups="g")),
        (400, "groups.0", create("host", name="x", groups=[1])),
        (400, "colour", create("host", name="x", colour=1)),
        (400, "id", create("host", name="x", id="mine")),
        (400, "id", {**create("host", name="x"), "id": "mine"}),
        (400, "region_id", create("host", name="x", region_id=other)),
        (400, "if_revision", {**create("host", name="x"), "if_revision": "r"}),
        (400, "id", {"op": "replace", "kind": "host", "value": {"name": "x"}}),
        (400, "id", {"op": "delete", "kind": "host"}),
        (400, "id", replace("host", "", name="x")),
        (400, "id", {**replace("host", host["id"]), "value": {"name": "x", "id": "other"}}),
        (400, "value", {**delete("host", host["id"]), "value": {}}),
        (400, "cascade", {**replace("host", host["id"], name="x"), "cascade": True}),
        (400, "cascade", delete("host", host["id"], cascade=1)),
        (400, "if_revision", delete("host", host["id"], if_revision=5)),
        (404, None, replace("host", "nothing", name="x")),
        (404, None, delete("host", "nothing")),
        (404, None, delete("host", group["id"])),
        (404, None, replace("host", foreign, name="x")),
        (404, None, delete("host", foreign)),
        (404, None, delete("host", foreign, cascade=True)),
        (409, None, create("host", name="h")),
        (409, None, create("group", name="h")),
        (409, None, delete("host", host["id"], if_revision="stale")),
        (409, None, {**replace("group", group["id"], name="g"), "if_revision": "stale"}),
        (409, None, replace("group", group["id"], name="g", parents=["g"])),
    ]  # fmt: skip
    for status, field, change in bad:
        answer = run(paths, create("host", name="fine"), change, create("group", name="too"),
                     status=status)  # fmt: skip
        assert answer["change"] == 1, change
        if field:
            assert answer["field"] == field, change
        assert state() == before, change


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "changes"),
        ({"changes": None}, "changes"),
        ({"changes": {}}, "changes"),
        ({"changes": "x"}, "changes"),
        ({"changes": [], "colour": 1}, "colour"),
        ([], "body"),
        (5, "body"),
    ],
)
def test_a_body_that_is_no_batch_is_refused(paths: Paths, body: Any, field: str) -> None:
    assert paths.api.post(paths.batch, body, 400).json["field"] == field


def test_revisions_are_compared_with_the_write(api: Client, paths: Paths) -> None:
    host = paths.host("h")
    change = {**replace("host", host["id"], name="h2"), "if_revision": host["revision"]}
    (done,) = run(paths, change)["changes"]
    assert run(paths, change, status=409)["code"] == "revision_conflict"
    run(paths, delete("host", host["id"], if_revision=done["revision"], cascade=True))


def test_a_batch_of_an_unknown_region_is_not_found(api: Client) -> None:
    assert api.post("/v1/batch/nothing", {"changes": []}, 404).json["kind"] == "region"


def test_a_batch_has_its_limit(configured: Callable[..., Client], paths: Paths) -> None:
    small = configured(max_batch_changes=3)
    changes = [create("host", name=f"h{number}") for number in range(4)]
    answer = small.post(paths.batch, {"changes": changes}, 413).json
    assert (answer["code"], answer["limit"]) == ("too_large", 3)
    assert small.get(paths.hosts).json["hosts"] == []
    small.post(paths.batch, {"changes": changes[:3]}, 200)


def test_a_large_batch_is_one_step(api: Client, paths: Paths) -> None:
    groups = [
        create("group", name=f"g{number}", parents=["g0"][: bool(number)]) for number in range(600)
    ]
    hosts = [create("host", name=f"h{number}", groups=[f"g{number}"]) for number in range(600)]
    done = run(paths, *hosts, *groups)["changes"]
    assert (
        len(api.all_of(f"{paths.groups}/{done[600]['id']}/hosts?recursive=true&limit=250")) == 600
    )
    run(paths, *(delete("host", change["id"]) for change in done[:600]))
    assert api.get(paths.hosts).json["hosts"] == []


class TestReferences:
    def test_are_created_replaced_and_deleted(self, api: Client, paths: Paths) -> None:
        url = "https://example.org/a.yml"
        done = run(
            paths,
            create("group", name="web"),
            create("reference", name="of region", url=url, owner_id=paths.region),
            create("reference", name="of group", url=url, owner_id="web"),
        )["changes"]
        group, *references = (change["id"] for change in done)
        for owner, id in zip([paths.region, group], references, strict=True):
            assert api.get(f"/v1/references/{owner}/{id}").json["url"] == url
        run(
            paths,
            replace("reference", references[1], name="renamed", url=url, owner_id="web"),
            delete("reference", references[0]),
        )
        [left] = api.get(f"/v1/references/{group}").json["references"]
        assert left["name"] == "renamed"
        assert api.get(f"/v1/references/{paths.region}").json["references"] == []

    def test_keep_their_owner(self, paths: Paths) -> None:
        url = "https://example.org/a.yml"
        paths.group("web")
        id = run(paths, create("reference", name="a", url=url, owner_id="web"))["changes"][0]["id"]
        for owner in (paths.region, None, 5, "nobody"):
            wrong = replace("reference", id, name="a", url=url, owner_id=owner)
            problem = run(paths, wrong, status=400)
            assert problem["field"] in {"owner_id", "group_id"}
            assert problem["change"] == 0

    def test_are_refused_where_nobody_could_fetch_them(self, paths: Paths) -> None:
        for url in ("http://example.org/a", "https://127.0.0.1/a"):
            wrong = create("reference", name="a", url=url, owner_id=paths.region)
            assert run(paths, wrong, status=400)["field"] == "url"

    def test_of_another_region_are_not_there(self, api: Client, paths: Paths) -> None:
        other = api.post(f"/v1/regions/{paths.tenant}", {"name": "other"}).json["id"]
        body = {"name": "a", "url": "https://example.org/a.yml"}
        id = api.post(f"/v1/references/{other}", body).json["id"]
        assert run(paths, delete("reference", id), status=404)["kind"] == "reference"
