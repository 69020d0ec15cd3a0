"""Errors: which status, in which form, and what they do not tell."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from craton import errors
from craton.api.metrics import Metrics
from craton.capabilities import Capabilities
from craton.driver import InventoryDriver
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths

SECRET = "mysql://root:hunter2@db"


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/v2", "/v1/", "/v1/tenants/", "//v1", "/v1//tenants", "/v1/tenants/a/b",
     "/v1/hosts", "/v1/inventory", "/v1/batch", "/v1/index", "/v1/get",
     "/v1/__class__", "/v1/_route", "/_tree", "/v1/fixed", "/v1/tenants/x/variables/y/z",
     "/v1/tenants/..", "/healthcheck/", "/metrics/x", "/v1/openapi", "/v1/capabilities.json",
     "/v1/tenants/%2e%2e/%2e%2e", "/v1/tenants/a%2fb/c", "/%ff", "/v1/tenants/%ff%fe",
     "/v1/tenants/%ed%a0%80", "/v1/hosts/%00", "/v1/tenants/%0d%0aX-Evil:%201", "/v1/tenants/%0",
     "/v1/tenants/%25", "/v1/tenants/index", "/v1/tenants/__init__",
     "/v1/tenants/" + "x" * 5000, "/v1/inventory/a%0ab.tgz", "/v1/tenants/%E2%80%A8"],
)  # fmt: skip
def test_a_path_that_leads_nowhere_is_a_problem(api: Client, path: str) -> None:
    answer = api.get(path, 404)
    assert answer.json["code"] in {"no_such_path", "not_found"}
    assert "X-Evil" not in answer.headers
    assert len(answer.body) < 3000


@pytest.mark.parametrize("path", ["/v1/tenants/\xe9", "/v1/tenants/\x80", "/\xff", "/\u20ac"])
def test_a_path_that_is_not_utf_8_leads_nowhere(api: Client, path: str) -> None:
    assert api.bare("GET", "/", PATH_INFO=path).json["code"] == "no_such_path"


def test_a_method_that_is_not_there_names_those_that_are(api: Client, paths: Paths) -> None:
    host = paths.host("h")["id"]
    group = paths.group("g")["id"]
    for path, allowed in {
        "/": {"GET", "HEAD"},
        "/v1/tenants": {"GET", "HEAD", "POST"},
        f"{paths.hosts}/{host}": {"GET", "HEAD", "PUT", "PATCH", "DELETE"},
        f"{paths.hosts}/{host}/variables": {"GET", "HEAD", "PUT", "PATCH"},
        f"{paths.hosts}/{host}/variables/x": {"GET", "HEAD", "PUT", "DELETE"},
        f"{paths.groups}/{group}/hosts": {"GET", "HEAD"},
        f"{paths.groups}/{group}/hosts/{host}": {"PUT", "DELETE"},
        paths.inventory: {"POST"},
        f"{paths.inventory}.tgz": {"GET", "HEAD"},
        paths.batch: {"POST"},
    }.items():
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - allowed:
            answer = api.bare(method, path)
            assert answer.status_int == 405, (method, path)
            assert set(answer.headers["Allow"].split(", ")) == allowed
        assert api.bare("BREW", path).status_int == 501
        assert api.bare("GeT", path).status_int == 501


def test_head_answers_as_get_without_a_body(api: Client, paths: Paths) -> None:
    host = f"{paths.hosts}/{paths.host('h')['id']}"
    for path in ("/", "/v1", "/healthcheck", "/metrics", "/v1/openapi.json", "/v1/capabilities",
                 paths.hosts, host, f"{host}/variables", f"{paths.hosts}?limit=1",
                 f"{host}/variables?resolved=true"):  # fmt: skip
        get, head = api.app.get(path), api.request("HEAD", path)
        assert (head.status_int, head.body) == (200, b"")
        for name in ("Content-Type", "ETag"):
            assert head.headers.get(name) == get.headers.get(name)
    assert api.request("HEAD", f"{paths.hosts}/nothing").status_int == 404
    assert api.request("HEAD", f"{paths.hosts}?limit=0").status_int == 400


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/json", 200),
        ("application/*;q=0.1", 200),
        ("text/html,application/xhtml+xml,*/*;q=0.8", 200),
        ("application/json;q=0", 406),
        ("text/html", 406),
        ("application/xml", 406),
        ("application/problem+json", 406),
        ("no media type", 200),
    ],
)
def test_answers_are_json_or_nothing(api: Client, accept: str, status: int) -> None:
    answer = api.get("/v1/tenants", status, Accept=accept)
    if status == 406:
        assert answer.json["offered"] == ["application/json"]


def test_each_download_has_its_own_media_type(api: Client, paths: Paths) -> None:
    api.get(f"{paths.inventory}.tgz", 200, Accept="application/gzip")
    api.get(f"{paths.inventory}.tgz", 406, Accept="application/zip")
    api.get(f"{paths.inventory}.zip", 200, Accept="application/zip")
    api.get(f"{paths.inventory}.json", 406, Accept="application/zip")
    prometheus = (
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    )
    api.app.get("/metrics", headers={"Accept": prometheus})


MEDIA_TYPES = {
    "application/json": 201,
    "application/json; charset=utf-8": 201,
    'application/json;charset="UTF-8"': 201,
    "Application/JSON": 201,
    "application/json; charset=latin-1": 415,
    "application/json; charset=utf-16": 415,
    "application/json; version=2": 415,
    "application/jsonx": 415,
    "application/merge-patch+json": 415,
    "application/problem+json": 415,
    "application/xml": 415,
    "text/xml": 415,
    "text/javascript": 415,
    "text/plain": 415,
    "application/x-www-form-urlencoded": 415,
    "multipart/form-data; boundary=x": 415,
    "application/octet-stream": 415,
    "json": 415,
    "application/json, application/json": 415,
    "; charset=utf-8": 415,
    "": 415,
}


@pytest.mark.parametrize(("media_type", "status"), MEDIA_TYPES.items())
def test_a_body_is_json_by_name(
    api: Client, media_type: str, status: int, state: Callable[[], list[str]]
) -> None:
    before = state()
    answer = api.request("POST", "/v1/tenants", {"name": "x"}, content_type=media_type)
    assert answer.status_int == status
    if status == 415:
        assert answer.json["accepted"] == ["application/json"]
        assert state() == before


def test_a_body_without_a_media_type_is_refused(api: Client) -> None:
    assert api.bare("POST", "/v1/tenants", CONTENT_LENGTH="0").status_int == 415


def test_a_compressed_body_is_refused(api: Client) -> None:
    answer = api.request("POST", "/v1/tenants", {"name": "x"}, Content_Encoding="gzip")
    assert answer.status_int == 415
    api.post("/v1/tenants", {"name": "x"}, Content_Encoding="identity")


class Chunks:
    """A body of unknown length, which counts what is read of it."""

    def __init__(self, size: int) -> None:
        self.left, self.taken = size, 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "reading without a bound"
        size = min(size, self.left, 1000)
        self.left -= size
        self.taken += size
        return b" " * size


class TestLimits:
    """Bodies are read up to their limit and no further."""

    def test_an_announced_body_is_refused_unread(self, configured: Callable[..., Client]) -> None:
        body = Chunks(10**6)
        answer = configured(max_body_bytes=1024).bare(
            "POST",
            "/v1/tenants",
            CONTENT_TYPE="application/json",
            CONTENT_LENGTH="1000000",
            **{"wsgi.input": body},
        )
        assert (answer.status_int, answer.json["limit"], body.taken) == (413, 1024, 0)

    def test_a_chunked_body_is_read_with_a_bound(self, configured: Callable[..., Client]) -> None:
        body = Chunks(10**6)
        answer = configured(max_body_bytes=2048).bare(
            "POST",
            "/v1/tenants",
            CONTENT_TYPE="application/json",
            CONTENT_LENGTH="",
            **{"wsgi.input": body, "wsgi.input_terminated": True},
        )
        assert (answer.status_int, body.taken) == (413, 2049)

    def test_a_chunked_body_is_taken(self, api: Client) -> None:
        import io

        answer = api.bare(
            "POST",
            "/v1/tenants",
            CONTENT_TYPE="application/json",
            CONTENT_LENGTH="",
            **{"wsgi.input": io.BytesIO(b'{"name": "x"}'), "wsgi.input_terminated": True},
        )
        assert answer.status_int == 201

    def test_a_body_that_breaks_off_is_refused(self, api: Client) -> None:
        for length, code in (("50", "malformed"), ("x", "malformed"), ("-1", "malformed")):
            import io

            answer = api.bare(
                "POST",
                "/v1/tenants",
                CONTENT_TYPE="application/json",
                CONTENT_LENGTH=length,
                **{"wsgi.input": io.BytesIO(b'{"name": "x"}')},
            )
            assert (answer.status_int, answer.json["code"]) == (400, code)

    def test_the_limit_itself_is_fine(self, configured: Callable[..., Client]) -> None:
        client = configured(max_body_bytes=1024)
        body = b'{"name": "x"}'
        assert client.request("POST", "/v1/tenants", raw=body.ljust(1024)).status_int == 201
        assert client.request("POST", "/v1/tenants", raw=body.ljust(1025)).status_int == 413


FAULTS: list[tuple[Exception, int, str]] = [
    (ZeroDivisionError(SECRET), 500, "internal_error"),
    (RecursionError(SECRET), 500, "internal_error"),
    (errors.BackendFault(SECRET), 500, "internal_error"),
    (errors.SchemaOutdated(SECRET), 500, "internal_error"),
    (errors.CratonError(SECRET), 500, "internal_error"),
    (errors.Unavailable("the store is away", retry_after=9), 503, "unavailable"),
    (errors.PermissionDenied("not you"), 403, "permission_denied"),
    (errors.Unsupported("sort"), 501, "unsupported"),
    (errors.ReadOnly("the CMDB", "https://cmdb"), 409, "read_only"),
    (errors.RevisionConflict("host", "x"), 409, "revision_conflict"),
    (errors.InvalidReference("groups", "x"), 400, "invalid_reference"),
]


class TestFaults:
    """What goes wrong below the API has one status, and a fault tells nothing."""

    @pytest.mark.parametrize(("error", "status", "code"), FAULTS)
    def test_has_its_status_and_code(
        self,
        api: Client,
        driver: InventoryDriver,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        error: Exception,
        status: int,
        code: str,
    ) -> None:
        def fail(*args: object) -> None:
            raise error

        monkeypatch.setattr(driver, "_get", fail)
        with caplog.at_level(logging.ERROR, "craton"):
            answer = api.get("/v1/tenants/x", status)
        assert answer.json["code"] == code
        assert "hunter2" not in answer.text
        assert "Traceback" not in answer.text
        if status == 500:
            assert type(error).__name__ not in answer.text
            assert answer.json["request_id"] in caplog.text
            assert SECRET in caplog.text, "the log has the cause"
        else:
            assert caplog.text == ""

    def test_of_a_hook_is_a_problem_too(self, api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: object) -> None:
            raise ZeroDivisionError(SECRET)

        monkeypatch.setattr(Metrics, "after", fail)
        assert "hunter2" not in api.get("/v1/tenants", 500).text

    def test_names_the_capability_that_is_missing(
        self,
        configured: Callable[..., Client],
        driver: InventoryDriver,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(driver, "capabilities", Capabilities(supported=frozenset()))
        api = configured()
        assert api.post("/v1/tenants", {"name": "x"}, 501).json["capability"] == "write"
        assert api.get("/v1/tenants?sort=-name", 501).json["capability"] == "sort"

    def test_tells_when_to_come_back(
        self, api: Client, driver: InventoryDriver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: object) -> None:
            raise errors.Unavailable("the store is away", retry_after=9)

        monkeypatch.setattr(driver, "_get", fail)
        answer = api.get("/v1/tenants/x", 503)
        assert answer.headers["Retry-After"] == "9"
        assert answer.json["detail"] == "the store is away"

    def test_a_lost_race_is_a_failed_condition_where_there_was_one(
        self, api: Client, driver: InventoryDriver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant = api.post("/v1/tenants", {"name": "x"}).json

        def fail(*args: object) -> None:
            raise errors.RevisionConflict("tenant", tenant["id"])

        monkeypatch.setattr(driver, "_write", fail)
        path, tag = f"/v1/tenants/{tenant['id']}", f'"{tenant["revision"]}"'
        api.put(path, {"name": "y"}, 412, If_Match=tag)
        api.put(path, {"name": "y"}, 409)


def test_a_service_without_snapshots_still_makes_bundles(
    api: Client, paths: Paths, driver: InventoryDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from craton.capabilities import Capabilities, Capability

    host = paths.host("h")["id"]
    rest = driver.capabilities.supported - {Capability.SNAPSHOT}
    monkeypatch.setattr(driver, "capabilities", Capabilities(supported=rest))
    assert api.get(f"{paths.inventory}.tgz").headers["ETag"]
    assert api.get(f"{paths.hosts}/{host}/variables?resolved=true").json == {}


class TestRequestIds:
    """Every answer has an id, which the service makes."""

    def test_is_another_one_each_time(self, api: Client) -> None:
        ids = {api.get("/v1/tenants").headers["X-Openstack-Request-Id"] for _ in range(5)}
        assert len(ids) == 5

    @pytest.mark.parametrize(
        "claimed",
        ["mine", "req-" + "0" * 36, "req-00000000-0000-0000-0000-000000000000", "x" * 999],
    )
    def test_is_never_the_clients(self, api: Client, claimed: str) -> None:
        answer = api.request("GET", "/v1/tenants/x", X_Openstack_Request_Id=claimed)
        assert answer.headers["X-Openstack-Request-Id"] != claimed
        assert claimed not in answer.text


def test_long_strings_are_not_repeated_whole(api: Client) -> None:
    answer = api.post("/v1/tenants", {"x" * 10**6: 1}, 400)
    assert len(answer.body) < 5000
    assert answer.json["field"].startswith("xxxx")


def test_halves_of_characters_can_be_told_of(api: Client) -> None:
    answer = api.request("POST", "/v1/tenants", raw=b'{"name": "x", "\\ud800": 1}')
    assert answer.status_int == 400
    assert answer.json["field"] == "?"


def test_bodies_of_reads_are_left_alone(api: Client) -> None:
    answer: Any = api.request("GET", "/v1/tenants", raw=b"not JSON", content_type="text/plain")
    assert answer.status_int == 200
