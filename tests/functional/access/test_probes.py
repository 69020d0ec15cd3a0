"""An id of another project, wherever it stands, is answered as one that nothing has."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import Any

import pytest

from craton import caller
from craton.api.controllers import entities
from tests.functional.access import probes
from tests.functional.access.worlds import CALLERS, CANARIES, FAR, OWN, World, comparable
from tests.functional.every_route import Example

OWN_READER = CALLERS["reader of p-own"]
OWN_MEMBER, FAR_MEMBER = CALLERS["member of p-own"], CALLERS["member of p-far"]
SYSTEM = CALLERS["system admin"]


def get(world: World, who: caller.Caller | None, path: str, **headers: str) -> Any:
    return world.ask(who, Example("GET", "", path), keep=False, **headers)


def test_no_place_gives_away_what_there_is(world: World) -> None:
    assert list(probes.leaks(world)) == []


def test_a_list_of_tenants_that_is_not_narrowed_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entities, "narrowed", lambda kind, query: query)
    assert any(probes.leaks(world, ("tenants by id",)))


def test_a_name_that_is_taken_in_another_project_is_found(world: World) -> None:
    with world.rules(**{"tenants:rename": "rule:member"}):
        assert any(probes.leaks(world, ("name of a tenant",)))


def test_a_list_of_tenants_has_those_of_the_project(world: World) -> None:
    for who, expected in ((OWN_READER, ["own-t"]), (CALLERS["reader of p-far"], ["far-t"])):
        found = get(world, who, "/v1/tenants").json["tenants"]
        assert [tenant["id"] for tenant in found] == expected
    everybody = get(world, SYSTEM, "/v1/tenants").json["tenants"]
    assert sorted(tenant["id"] for tenant in everybody) == ["far-t", "own-t"]
    assert get(world, CALLERS["admin of no project"], "/v1/tenants").json["tenants"] == []


def test_a_marker_of_another_list_leads_nowhere(world: World) -> None:
    for own, far in (
        ("/v1/hosts/own-r", "/v1/hosts/far-r"),
        ("/v1/groups/own-r", "/v1/groups/far-r"),
    ):
        page = get(world, FAR_MEMBER, f"{far}?limit=1").json
        marker = page["links"][0]["href"].partition("marker=")[2]
        answer = get(world, OWN_MEMBER, f"{own}?limit=1&marker={marker}")
        assert answer.status_int == 400, answer.text
        assert b"far-" not in answer.body.replace(marker.encode(), b"")
    page = get(world, SYSTEM, "/v1/tenants?limit=1").json
    marker = page["links"][0]["href"].partition("marker=")[2]
    answer = get(world, OWN_MEMBER, f"/v1/tenants?limit=1&marker={marker}")
    assert answer.status_int == 400, answer.text


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_a_condition_asks_nothing_of_what_is_not_seen(world: World, header: str) -> None:
    tag = get(world, FAR_MEMBER, "/v1/hosts/far-r/far-h1").headers["ETag"]
    answers = [
        comparable(get(world, OWN_MEMBER, f"/v1/hosts/{id}-r/{id}-h1", **{header: tag}), FAR)
        for id in ("far", "nil")
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == "404 Not Found"


def test_a_kept_answer_is_given_to_the_one_who_asked_first(world: World) -> None:
    path, body = "/v1/hosts/own-r", {"name": "new"}
    key = {"Idempotency-Key": '"k"'}
    beginning = world.memory.state
    try:
        first = world.ask(OWN_MEMBER, Example("POST", "", path, body), keep=True, **key)
        assert first.status_int == 201, first.text
        again = world.ask(OWN_MEMBER, Example("POST", "", path, body), keep=True, **key)
        assert again.json == first.json
        other = world.ask(
            CALLERS["admin of p-own"], Example("POST", "", path, body), keep=False, **key
        )
        assert other.status_int == 409, "another user gets no answer, so the name is taken"
        strangers = world.ask(FAR_MEMBER, Example("POST", "", path, body), keep=False, **key)
        nothing = world.ask(
            FAR_MEMBER, Example("POST", "", "/v1/hosts/nil-r", body), keep=False, **key
        )
        assert comparable(strangers, OWN) == comparable(nothing, OWN)
    finally:
        world.memory.state = beginning


def test_a_reference_is_not_hung_on_a_group_of_another_region(world: World) -> None:
    change = {"op": "create", "kind": "reference", "value": {"owner_id": "far-web", **probes.FILE}}
    for who in (CALLERS["admin of p-own"], SYSTEM):
        example = Example("POST", "", "/v1/batch/own-r", {"changes": [change]})
        answer = world.ask(who, example)
        assert (answer.status_int, answer.json["code"]) == (400, "invalid_reference"), answer.text


def test_an_inventory_of_another_projects_host_is_empty(world: World) -> None:
    answers = [
        get(world, OWN_READER, f"/v1/inventory/own-r.json?id={id}-h1") for id in ("far", "nil")
    ]
    assert answers[0].body == answers[1].body
    assert answers[0].json["_meta"] == {"hostvars": {}}


def test_a_bundle_holds_nothing_of_another_project(world: World) -> None:
    answer = get(world, OWN_MEMBER, "/v1/inventory/own-r.tgz?id=far-h1&id=own-h1")
    assert answer.status_int == 200, answer.text
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(answer.body))) as archive:
        texts = [file.read() for m in archive if (file := archive.extractfile(m)) is not None]
    content = b"".join(texts)
    assert CANARIES[OWN].encode() in content
    assert CANARIES[FAR].encode() not in content
