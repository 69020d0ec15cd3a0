"""What the service writes down: a line for each request, and never a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from craton.api.journal import word
from tests import backends
from tests.functional.commands import Place, Running
from tests.waiting import PATIENCE

#: What must not be found; each goes where its name says.
CANARIES = {
    "token": "canary-in-a-token",
    "password": "canary-in-a-password",
    "cookie": "canary-in-a-cookie",
    "variable": "canary-in-a-variable",
    "payload": "canary-in-a-payload",
    "query": "canary-in-a-query",
    "name": "canary-in-a-path",
    "malformed": "canary-in-what-is-no-json",
}
CREDENTIALS = {
    "X-Auth-Token": CANARIES["token"],
    "X-Service-Token": CANARIES["token"],
    "Authorization": f"Bearer {CANARIES['password']}",
    "Cookie": f"session={CANARIES['cookie']}",
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@contextmanager
def serving(place: Place, backend: str, options: str) -> Iterator[Running]:
    """Serve from a backend, and log everything."""
    store = ""
    if backend == "mongo":
        with backends.databases().lent() as database:
            uri = backends.databases().server.uri
            store = f"[inventory]\ndriver = mongo\n[mongo]\nuri = {uri}\ndatabase = {database}\n"
            with place.server("--config-file", place.configuration(options + store)) as server:
                yield server
    else:
        with place.server("--config-file", place.configuration(options)) as server:
            yield server


def everything(server: Running) -> list[requests.Response]:
    """Send canaries wherever they can stand."""

    def send(method: str, path: str, **options: Any) -> requests.Response:
        headers = {**CREDENTIALS, **options.pop("headers", {})}
        return requests.request(
            method, f"{server.url}{path}", headers=headers, timeout=PATIENCE, **options
        )

    tenant = send("POST", "/v1/tenants", json={"name": "acme"}).json()["id"]
    region = send("POST", f"/v1/regions/{tenant}", json={"name": "north"}).json()["id"]
    hosts = f"/v1/hosts/{region}"
    body = {"name": "web1", "variables": {"a": CANARIES["variable"]}}
    host = send("POST", hosts, json=body).json()["id"]
    secrets = f"/v1/secrets/{host}"
    secret = send("POST", secrets, json={"name": "key", "format": "raw"}).json()["id"]
    octets = {"Content-Type": "application/octet-stream"}
    return [
        send("PUT", f"{secrets}/{secret}/payload", data=CANARIES["payload"], headers=octets),
        send("GET", f"{secrets}/{secret}/payload"),
        send("GET", f"/v1/inventory/{region}.tgz"),
        send("GET", f"{hosts}?vars=a:{CANARIES['query']}&resolved=true"),
        send("GET", f"{hosts}?colour={CANARIES['query']}"),
        send("GET", f"{hosts}/{CANARIES['name']}"),
        send("PUT", f"{hosts}/{host}/variables/a", json=CANARIES["variable"]),
        send("POST", hosts, json={**body, "ssh_port": CANARIES["variable"]}),
        send("POST", hosts, json=body),
        send(
            "POST",
            hosts,
            data=f"{{{CANARIES['malformed']}",
            headers={"Content-Type": "application/json"},
        ),
        send(
            "POST",
            f"/v1/inventory/{region}",
            json={"all": {"vars": {"b": CANARIES["variable"]}}},
        ),
    ]


@pytest.mark.parametrize("backend", ["sql", "mongo"])
@pytest.mark.parametrize("use_json", [True, False])
def test_no_secret_is_written_down_however_much_is(
    place: Place, backend: str, use_json: bool
) -> None:
    with serving(place, backend, f"debug = true\nuse_json = {use_json}\n") as server:
        answers = everything(server)
        server.stop()
    assert [answer.status_code for answer in answers] == [
        204, 200, 200, 200, 400, 404, 200, 400, 409, 400, 200,
    ]  # fmt: skip
    written = "".join(server.output) + (place.directory / "errors").read_text()
    assert written.count("craton.access") == 15
    assert [canary for canary in CANARIES.values() if canary in written] == []


def test_json_lines_tell_of_each_request(place: Place) -> None:
    with serving(place, "sql", "use_json = true\n") as server:
        answers = everything(server)
        server.stop()
    lines = [json.loads(line) for line in server.output if line.startswith("{")]
    of_requests = {
        line["context"]["request_id"]: line["extra"]
        for line in lines
        if line["name"] == "craton.access"
    }
    assert len(of_requests) == 15
    routes = []
    for answer in answers:
        extra = of_requests[answer.headers["X-Openstack-Request-Id"]]
        routes.append(extra["route"])
        assert extra["method"] == answer.request.method
        assert extra["status"] == answer.status_code
        assert extra["bytes"] == len(answer.raw.data or answer.content)
        assert extra["whole"] is True
        assert extra["milliseconds"] > 0
        assert extra["caller"] == "anonymous"
        assert extra["address"] == "127.0.0.1"
    assert "/v1/secrets/{host_id}/{id}/payload" in routes
    assert "/v1/inventory/{region_id}.tgz" in routes


def test_a_console_is_for_people(place: Place) -> None:
    with serving(place, "sql", "") as server:
        answer = requests.get(f"{server.url}/no/where", timeout=PATIENCE)
        server.stop()
    (line,) = [line for line in server.output if "craton.access" in line]
    assert answer.headers["X-Openstack-Request-Id"] in line
    assert "method=GET route=other status=404" in line


def test_lines_about_requests_can_be_turned_off(place: Place) -> None:
    with serving(place, "sql", "default_log_levels = craton.access=WARN\n") as server:
        requests.get(f"{server.url}/v1", timeout=PATIENCE)
        server.stop()
    assert [line for line in server.output if "craton.access" in line] == []


@pytest.mark.parametrize(
    ("fact", "written"),
    [
        ("GET", "GET"),
        ("/v1/hosts/{region_id}", "/v1/hosts/{region_id}"),
        (None, "-"),
        (True, "true"),
        ("", '""'),
        ("a b", '"a b"'),
        ('a" status=200', '"a\\" status=200"'),
        ("a\nb\x1b[1m", '"a\\nb\\u001b[1m"'),
        ("é\u202e", '"\\u00e9\\u202e"'),
    ],
)
def test_what_a_client_sends_makes_no_fact_of_its_own(fact: object, written: str) -> None:
    assert word(fact) == written
