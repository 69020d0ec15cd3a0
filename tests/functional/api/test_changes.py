"""GET /v1/changes: who changed what and when, page by page."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from craton.backends.wrappers import LoggedDriver
from craton.caller import Caller, acting_as
from craton.driver import InventoryDriver
from craton.models import ChangeRecord, Host, Tenant
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths

BYTES = "application/octet-stream"


def changes(api: Client, id: str, query: str = "") -> list[dict[str, Any]]:
    return list(api.get(f"/v1/changes/{id}{query}").json["changes"])


def told(api: Client, id: str, query: str = "?sort=created_at") -> list[tuple[str, str, str]]:
    found = changes(api, id, query)
    return [(c["operation"], c["entity_kind"], c["entity_name"]) for c in found]


def test_a_change_is_told_with_its_request(api: Client, paths: Paths) -> None:
    host = paths.host("web1", ssh_port=22)
    answer = api.request("PATCH", f"{paths.hosts}/{host['id']}", {"variables": {"a": 1}})
    after, before = changes(api, paths.region, f"?entity_id={host['id']}")
    assert after == {
        "id": after["id"],
        "created_at": after["created_at"],
        "region_id": paths.region,
        "tenant_id": None,
        "operation": "replace",
        "cascade": False,
        "entity_kind": "host",
        "entity_id": host["id"],
        "entity_name": "web1",
        "fields": ["variables.a"],
        "digest_before": before["digest_after"],
        "digest_after": after["digest_after"],
        "user_id": "anonymous",
        "project_id": None,
        "request_id": answer.headers["X-Openstack-Request-Id"],
    }
    assert before["fields"] == ["name", "ssh_port"]
    assert before["digest_before"] is None
    assert before["created_at"] <= after["created_at"]


def test_what_changes_nothing_is_not_logged(api: Client, paths: Paths) -> None:
    host = paths.host("web1")
    log = changes(api, paths.region)
    api.request("PATCH", f"{paths.hosts}/{host['id']}", {"name": "web1"})
    api.request("PATCH", f"{paths.hosts}/{host['id']}", {"ssh_port": 0})
    api.request("POST", paths.hosts, {"name": "web1"})
    api.request("DELETE", f"{paths.hosts}/no")
    assert changes(api, paths.region) == log


def test_every_way_to_write_is_logged(api: Client, paths: Paths) -> None:
    group = paths.group("web")["id"]
    host = paths.host("h1")["id"]
    item = f"{paths.hosts}/{host}"
    for method, path, body in (
        ("PUT", f"{item}/variables/colour", "red"),
        ("PATCH", f"{item}/variables", {"colour": None, "size": 1}),
        ("PUT", f"{paths.groups}/{group}/hosts/{host}", None),
        ("DELETE", f"{paths.groups}/{group}/hosts/{host}", None),
        ("DELETE", f"{item}/variables/size", None),
    ):
        assert api.request(method, path, body).status_int < 300
    found = changes(api, paths.region, f"?sort=created_at&entity_id={host}")[1:]
    assert [change["fields"] for change in found] == [
        ["variables.colour"],
        ["variables.colour", "variables.size"],
        ["groups"],
        ["groups"],
        ["variables.size"],
    ]
    batch = {
        "changes": [
            {"op": "create", "kind": "host", "value": {"name": "h2", "groups": ["web"]}},
            {"op": "delete", "kind": "host", "id": host},
        ]
    }
    answer = api.request("POST", paths.batch, batch)
    assert answer.status_int == 200, answer.text
    request = f"?sort=created_at&request_id={answer.headers['X-Openstack-Request-Id']}"
    assert told(api, paths.region, request) == [("create", "host", "h2"), ("delete", "host", "h1")]
    export = {"web": {"hosts": ["h3"]}, "_meta": {"hostvars": {"h3": {"a": 1}}}}
    answer = api.request("POST", f"{paths.inventory}?mode=replace", export)
    assert answer.status_int == 200, answer.text
    request = f"?sort=created_at&request_id={answer.headers['X-Openstack-Request-Id']}"
    assert told(api, paths.region, request) == [("delete", "host", "h2"), ("create", "host", "h3")]


def test_what_is_sent_again_with_its_key_is_logged_once(api: Client, paths: Paths) -> None:
    for _ in range(3):
        api.request("POST", paths.hosts, {"name": "once"}, Idempotency_Key='"k"')
    assert told(api, paths.region, "?entity_kind=host") == [("create", "host", "once")]


def test_pages_are_the_whole_log_newest_first(api: Client, paths: Paths) -> None:
    for number in range(7):
        paths.host(f"h{number}")
    whole = changes(api, paths.region, "?entity_kind=host")
    assert [change["entity_name"] for change in whole] == [f"h{n}" for n in range(6, -1, -1)]
    assert changes(api, paths.region, "?entity_kind=host&sort=created_at") == whole[::-1]
    for sort in ("-created_at", "created_at"):
        path, pages = f"/v1/changes/{paths.region}?entity_kind=host&limit=3&sort={sort}", []
        while path:
            page = api.get(path).json
            pages.append(page["changes"])
            path = page["links"][0]["href"] if page["links"] else ""
        assert [len(page) for page in pages] == [3, 3, 1]
        found = [change for page in pages for change in page]
        assert found == (whole if sort == "-created_at" else whole[::-1])


def test_filters_choose_and_go_together(api: Client, paths: Paths, driver: InventoryDriver) -> None:
    host = paths.host("web1")["id"]
    paths.group("web")
    with acting_as(Caller(user_id="alice", project_id="p1"), "req-a"):
        LoggedDriver(driver).update(
            Host, host, lambda found: dataclasses.replace(found, ssh_port=22)
        )
    paths.api.request("DELETE", f"{paths.hosts}/{host}")
    everything = changes(api, paths.region)
    for query, expected in (
        ("user_id=alice", 1),
        ("user_id=alice&user_id=anonymous", len(everything)),
        ("project_id=p1", 1),
        ("request_id=req-a", 1),
        ("operation=delete", 1),
        ("operation=create&operation=replace&entity_kind=host", 2),
        ("entity_kind=group", 1),
        ("entity_name=web1", 3),
        (f"entity_id={host}", 3),
        (f"id={everything[0]['id']}", 1),
        ("user_id=nobody", 0),
    ):
        assert len(changes(api, paths.region, f"?{query}")) == expected, query
    # From a time on, and before it.
    middle = everything[2]["created_at"]
    since = changes(api, paths.region, f"?since={middle}")
    until = changes(api, paths.region, f"?until={middle}")
    assert since + until == everything
    assert all(change["created_at"] >= middle for change in since)
    assert all(change["created_at"] < middle for change in until)
    local = quote(middle.replace("Z", "+00:00"))
    assert changes(api, paths.region, f"?since={local}&operation=delete") == [everything[0]]


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "name=x",
        "revision=x",
        "kind=host",
        "since=yesterday",
        "since=2026-01-01",
        "until=2026-01-01T00:00:00",
        "until=2026-02-30T00:00:00Z",
        "until=9999-12-31T23:59:59-23:59",
        "since=2026-01-01T00:00:00Z&since=2026-01-01T00:00:00Z",
        "sort=name",
        "limit=0",
        "marker=x",
        "variables=true",
    ],
)
def test_what_is_not_understood_is_refused(api: Client, paths: Paths, query: str) -> None:
    answer = api.get(f"/v1/changes/{paths.region}?{query}", 400)
    assert answer.json["parameter"] == query.partition("=")[0]


def test_a_log_outlives_its_region_and_its_tenant(api: Client, paths: Paths) -> None:
    paths.host("h")
    api.get("/v1/changes/nowhere", 404)
    api.get("/v1/changes/" + "x" * 65, 404)
    api.request("DELETE", f"/v1/regions/{paths.tenant}/{paths.region}?cascade=true")
    expected = [
        ("create", "region", "north"),
        ("create", "host", "h"),
        ("delete", "region", "north"),
    ]
    assert told(api, paths.region) == expected
    [deleted] = changes(api, paths.region, "?operation=delete")
    assert deleted["cascade"] is True
    # By the tenant, its own changes and which regions it had.
    of_tenant = [("create", "tenant", "acme"), expected[0], expected[2]]
    assert told(api, paths.tenant) == of_tenant
    api.request("DELETE", f"/v1/tenants/{paths.tenant}")
    assert told(api, paths.tenant) == [*of_tenant, ("delete", "tenant", "acme")]


def test_one_region_does_not_tell_of_another(api: Client, paths: Paths) -> None:
    other = api.post(f"/v1/regions/{paths.tenant}", {"name": "south"}).json["id"]
    paths.host("h")
    assert told(api, other) == [("create", "region", "south")]


def test_no_value_is_in_the_log(
    api: Client, paths: Paths, driver: InventoryDriver, state: Callable[[], list[str]]
) -> None:
    canary = secrets.token_hex(16)
    value = {"password": canary, "list": [canary]}
    host = paths.host("h", variables={"v": value, "w": canary}, asset_id=canary, ssh_user=canary)
    item = f"{paths.hosts}/{host['id']}"
    api.request("PUT", f"{item}/variables/x", canary)
    api.request("PATCH", item, {"variables": {"v": {"password": canary[::-1]}}})
    secret = api.post(f"/v1/secrets/{host['id']}", {"name": "key", "format": "raw"}).json["id"]
    path = f"/v1/secrets/{host['id']}/{secret}/payload"
    for content in (canary, canary[::-1]):
        answer = api.request("PUT", path, raw=content.encode(), content_type=BYTES)
        assert answer.status_int == 204, answer.text
    found = changes(api, paths.region, f"?sort=created_at&entity_id={secret}")
    assert [change["fields"] for change in found] == [
        ["format", "name"],
        ["payload", "size"],
        ["payload"],
    ]
    log = api.get(f"/v1/changes/{paths.region}").text + repr(list(driver.scan(ChangeRecord)))
    assert "variables.v" in log
    assert canary not in log
    assert canary[::-1] not in log


def test_the_log_can_be_left_to_others(
    configured: Callable[..., Client], driver: InventoryDriver
) -> None:
    api = configured(change_log=False)
    api.post("/v1/tenants", {"name": "acme"})
    assert driver.count(Tenant) == 1
    assert driver.count(ChangeRecord) == 0


def test_a_driver_that_stores_no_log_says_so(
    configured: Callable[..., Client],
    driver: InventoryDriver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    less = driver.capabilities.writable - {ChangeRecord}
    capabilities = dataclasses.replace(driver.capabilities, writable=less)
    monkeypatch.setattr(driver, "capabilities", capabilities)
    api = configured()
    assert "nothing is logged" in caplog.text
    tenant = api.post("/v1/tenants", {"name": "acme"}).json["id"]
    answer = api.get(f"/v1/changes/{tenant}", 501)
    assert answer.json["capability"] == "write:change"
