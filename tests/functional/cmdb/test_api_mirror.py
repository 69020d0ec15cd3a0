"""The REST API on a mirror: ages, news on demand, owners, and what is told of the mirror."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest

from craton.api.app import make_app
from craton.driver import InventoryDriver
from craton.models import Host
from tests.cmdbs import Cmdb, changed
from tests.functional.api.client import Client
from tests.functional.cmdb.conftest import Mirror
from tests.functional.cmdb.fleet import FLEET, HOST, HOSTS

HOST_PATH = "/v1/hosts/r/h0"
BUNDLE = "/v1/inventory/r.tgz?target=ansible"
NO_CACHE = {"Cache_Control": "no-cache"}


@pytest.fixture
def overlay() -> str:
    """The API knows nothing of the store of the mirror."""
    return "memory"


@pytest.fixture
def empty(driver: InventoryDriver, mirror: Mirror) -> Client:
    """A client of a mirror that was never filled."""
    return Client(make_app(driver, mirror.settings()))


@pytest.fixture
def api(empty: Client, filled: InventoryDriver) -> Client:
    """A client of the mirror of a small fleet."""
    return empty


def test_before_the_first_sync_the_answer_is_503(empty: Client, cmdb: Cmdb) -> None:
    cmdb.put(*FLEET)
    answer = empty.get("/v1/tenants", 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert "Age" not in answer.headers
    assert empty.get("/v1/capabilities").json["sync"]["synced_at"] is None
    assert empty.get("/v1/tenants", 200, **NO_CACHE).json["tenants"]


@pytest.mark.parametrize(
    "path",
    ["/v1/tenants", "/v1/regions/t/r", "/v1/hosts/r", HOST_PATH, f"{HOST_PATH}/variables",
     f"{HOST_PATH}/variables?resolved=true", "/v1/groups/r/g/hosts", BUNDLE,
     "/v1/inventory/r.json"],
)  # fmt: skip
def test_every_answer_out_of_the_inventory_has_its_age(api: Client, path: str) -> None:
    answer = api.get(path)
    assert int(answer.headers["Age"]) >= 0
    if "ETag" in answer.headers:
        same = api.get(path, 304, If_None_Match=answer.headers["ETag"])
        assert int(same.headers["Age"]) >= 0


def test_an_answer_about_the_service_has_none(api: Client) -> None:
    for path in ("/", "/v1", "/v1/capabilities", "/v1/openapi.json", "/healthcheck", "/metrics"):
        assert "Age" not in api.app.get(path).headers


def test_the_age_grows_while_the_cmdb_is_away(
    api: Client, filled: InventoryDriver, cmdb: Cmdb, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from craton.api import freshness
    from craton.driver import now

    cmdb.suffer(fail_at=0)
    api.get(HOST_PATH, 502, **NO_CACHE)
    monkeypatch.setattr(freshness, "now", lambda: now() + timedelta(hours=1))
    answer = api.get(HOST_PATH)
    assert 3600 <= int(answer.headers["Age"]) < 3700
    assert answer.json["name"] == HOST.name


def test_no_cache_brings_news(api: Client, cmdb: Cmdb) -> None:
    cmdb.put(changed(HOST, active=False))
    assert api.get(HOST_PATH).json["active"] is True
    answer = api.get(HOST_PATH, Cache_Control="max-age=0, No-Cache")
    assert (answer.json["active"], answer.headers["Age"]) == (False, "0")
    assert api.get(HOST_PATH).json["active"] is False


def test_no_cache_while_the_cmdb_is_away_is_502_and_names_it(api: Client, cmdb: Cmdb) -> None:
    for faults in ({"fail_at": 0}, {"cut_at": 0}, {"crash_at": 0}):
        cmdb.suffer(**faults)
        answer = api.get(HOST_PATH, 502, **NO_CACHE)
        assert (answer.json["code"], answer.json["owner"]) == ("owner_unavailable", "Testbed")
        assert "hunter2" not in answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert api.get(HOST_PATH).json["name"] == HOST.name


def test_no_cache_while_a_sync_is_held_says_so(api: Client, cmdb: Cmdb) -> None:
    cmdb.remove(*HOSTS[:4])
    answer = api.get("/v1/hosts/r", 409, **NO_CACHE)
    assert (answer.json["code"], answer.json["regions"]) == ("sync_held", ["north"])
    assert len(api.get("/v1/hosts/r").json["hosts"]) == 10
    [held] = api.get("/v1/capabilities").json["sync"]["held"]
    assert held == {"region": "r", "name": "north", "hosts": 4, "of": 10}


def test_capabilities_tell_how_the_mirror_does(api: Client, cmdb: Cmdb) -> None:
    cmdb.put(changed(HOST, id="twin"))
    cmdb.suffer()
    api.get(HOST_PATH, 200, **NO_CACHE)
    answer = api.get("/v1/capabilities").json
    assert (answer["writable"], answer["amendable"]) == (["group"], ["host", "region", "tenant"])
    sync = answer["sync"]
    assert (sync["adapter"], sync["owner"], sync["interval"]) == ("testbed", "Testbed", 300.0)
    assert sync["age"] >= 0
    assert sync["synced_at"].endswith("Z")
    assert (sync["last_error"], sync["held"], sync["rejected_total"]) == (None, [], 1)
    [rejected] = sync["rejected"]
    assert rejected.keys() == {"kind", "id", "name", "reason", "url"}
    assert (rejected["kind"], rejected["id"]) == ("host", "twin")
    cmdb.suffer(fail_at=0, message="nobody is there")
    api.get(HOST_PATH, 502, **NO_CACHE)
    assert "nobody is there" in api.get("/v1/capabilities").json["sync"]["last_error"]


def test_metrics_tell_it_too(api: Client, cmdb: Cmdb) -> None:
    cmdb.put(changed(HOST, id="twin"))
    api.get(HOST_PATH, 200, **NO_CACHE)
    text = api.app.get("/metrics").text
    for line in ("craton_mirror_rejected_objects 1.0", "craton_mirror_failing 0.0",
                 "craton_mirror_held_hosts 0.0", "craton_mirror_age_seconds ",
                 "craton_mirror_last_success_timestamp_seconds "):  # fmt: skip
        assert f"\n{line}" in text


class TestReadOnly:
    """Every way of writing what the CMDB owns is 409, names it and its page, and writes nothing."""

    WRITES: tuple[tuple[str, str, Any], ...] = (
        ("POST", "/v1/tenants", {"name": "new"}),
        ("POST", "/v1/regions/t", {"name": "new"}),
        ("POST", "/v1/hosts/r", {"name": "new"}),
        ("DELETE", "/v1/tenants/t?cascade=true", None),
        ("DELETE", "/v1/regions/t/r?cascade=true", None),
        ("DELETE", HOST_PATH, None),
        ("DELETE", "/v1/groups/r/g", None),
        ("PATCH", HOST_PATH, {"name": "new"}),
        ("PATCH", HOST_PATH, {"groups": []}),
        ("PATCH", HOST_PATH, {"variables": {"cmdb_h": 7}}),
        ("PUT", HOST_PATH, {"name": "web0"}),
        ("PUT", f"{HOST_PATH}/variables", {}),
        ("PATCH", f"{HOST_PATH}/variables", {"cmdb_h": None}),
        ("PUT", f"{HOST_PATH}/variables/cmdb_h", 7),
        ("DELETE", f"{HOST_PATH}/variables/cmdb_h", None),
        ("DELETE", "/v1/groups/r/g/hosts/h0", None),
        ("PATCH", "/v1/groups/r/g", {"priority": 7}),
        ("POST", "/v1/batch/r", {"changes": [{"op": "delete", "kind": "host", "id": "h0"}]}),
        ("POST", "/v1/inventory/r?mode=merge", {"_meta": {"hostvars": {"web0": {"cmdb_h": 9}}},
                                                "all": {"hosts": ["web0"]}}),
        ("POST", "/v1/inventory/r?mode=merge", {"_meta": {"hostvars": {}},
                                                "all": {"hosts": ["new"]}}),
        ("POST", "/v1/inventory/r?mode=replace", {"_meta": {"hostvars": {}}, "all": {}}),
    )  # fmt: skip

    @pytest.mark.parametrize(("method", "path", "body"), WRITES)
    def test_it_is_refused(
        self, api: Client, filled: InventoryDriver, method: str, path: str, body: Any
    ) -> None:
        before = list(filled.scan(Host))
        answer = api.request(method, path, body)
        assert answer.status_int == 409, answer.text
        assert (answer.json["code"], answer.json["owner"]) == ("read_only", "Testbed")
        if method != "POST":
            assert answer.json["url"].startswith("https://cmdb.example/")
        assert list(filled.scan(Host)) == before


def test_own_parts_are_written_as_ever(api: Client) -> None:
    api.put(f"{HOST_PATH}/variables/own", 1, 201)
    api.patch(HOST_PATH, {"variables": {"other": 2}})
    group = api.post("/v1/groups/r", {"name": "mine", "parents": ["g"]}).json["id"]
    api.put(f"/v1/groups/r/{group}/hosts/h0", None, 204)
    assert api.get(HOST_PATH).json["groups"] == sorted(["g", group])
    exported = {
        "_meta": {"hostvars": {"web0": {"imported": True}}},
        "all": {"children": ["fresh"]},
        "fresh": {"hosts": ["web0", "web1"], "vars": {"a": 1}},
    }
    done = api.post("/v1/inventory/r?mode=merge", exported, 200).json
    assert done["created"]["groups"] == 1
    assert done["updated"]["hosts"] == 2
    api.get("/v1/hosts/r", 200, **NO_CACHE)
    variables = api.get(f"{HOST_PATH}/variables").json
    assert variables == {"cmdb_h": 0, "imported": True, "other": 2, "own": 1}
    api.delete(f"{HOST_PATH}/variables/own")
    api.delete(f"/v1/groups/r/{group}")


def test_an_explanation_names_the_owner(api: Client) -> None:
    api.put(f"{HOST_PATH}/variables/own", 1, 201)
    found = api.get(f"{HOST_PATH}/variables?resolved=true&explain=true").json
    theirs = {"owner": "Testbed", "url": "https://cmdb.example/hosts/h0"}
    assert found["cmdb_h"]["source"] == {"kind": "host", "id": "h0", "name": "web0", **theirs}
    assert found["ansible_host"]["source"]["owner"] == "Testbed"
    assert found["cmdb_t"]["source"]["url"] == "https://cmdb.example/tenants/t"
    assert found["own"]["source"] == {"kind": "host", "id": "h0", "name": "web0"}


def test_a_bundle_has_the_same_bytes_while_nothing_changes(api: Client, cmdb: Cmdb) -> None:
    first = api.get(BUNDLE)
    cmdb.put(HOST)
    second = api.get(BUNDLE, 200, **NO_CACHE)
    assert (second.body, second.headers["ETag"]) == (first.body, first.headers["ETag"])
    with tarfile.open(fileobj=io.BytesIO(first.body)) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        assert json.load(manifest)["region"] == "north"
    cmdb.put(changed(HOST, active=False))
    third = api.get(BUNDLE, 200, **NO_CACHE)
    assert third.headers["ETag"] != first.headers["ETag"]
