"""craton-server and craton-api as processes: they start, serve, stop, and lose nothing."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
import requests

from tests.functional.commands import Place
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_server_keeps_what_was_created_and_leaves_nothing_else(place: Place) -> None:
    with place.server() as server:
        assert "no region yet" in server.line(containing="region")
        tenant = server.create("/v1/tenants", name="acme")
        assert server.stop() == 0
    with place.server() as server:
        assert server.get(f"/v1/tenants/{tenant}")["name"] == "acme"
        assert server.stop() == 0
    assert list(place.temporary.iterdir()) == []
    # There stevedore remembers which drivers are installed, unless Python itself is in /tmp.
    assert {path.name for path in place.home.iterdir()} <= {".cache"}
    assert place.state.stat().st_mode & 0o077 == 0


def test_a_killed_server_has_lost_nothing_that_it_acknowledged(place: Place) -> None:
    acknowledged: list[str] = []
    enough = threading.Event()

    def write(url: str, region: str, writer: int) -> None:
        with requests.Session() as session:
            for number in range(10_000):
                host = {"name": f"host-{writer}-{number}"}
                try:
                    answer = session.post(f"{url}/v1/hosts/{region}", json=host, timeout=PATIENCE)
                except requests.RequestException:
                    return
                if answer.status_code == 201:
                    acknowledged.append(host["name"])
                if len(acknowledged) > 60:
                    enough.set()

    with place.server() as server:
        region = server.create(f"/v1/regions/{server.create('/v1/tenants', name='t')}", name="r")
        writers = [
            threading.Thread(target=write, args=(server.url, region, writer)) for writer in range(3)
        ]
        for writer in writers:
            writer.start()
        assert enough.wait(PATIENCE)
        server.kill()
        for writer in writers:
            writer.join()
    with place.server() as server:
        hosts = server.get(f"/v1/hosts/{region}?limit=1000")["hosts"]
    assert set(acknowledged) <= {host["name"] for host in hosts}


def test_a_killed_server_frees_its_port(place: Place) -> None:
    with place.server() as server:
        port = server.url.rpartition(":")[2]
        server.kill()
        with place.server("--port", port) as again:
            assert again.url == server.url
            assert again.get("/v1/tenants")


def test_two_servers_that_start_at_once_share_a_fresh_state(place: Place) -> None:
    arguments = ("--state-path", str(place.state), "--port", "0", "--sample")
    with (
        place.started("craton-server", *arguments) as one,
        place.started("craton-server", *arguments) as other,
    ):
        for server in (one, other):
            server.url = server.line(containing="Craton serves").split()[-1]
            (tenant,) = server.get("/v1/tenants")["tenants"]
            assert tenant["name"] == "example-shop"
            assert len(server.get(f"/v1/regions/{tenant['id']}")["regions"]) == 3
        assert (one.stop(), other.stop()) == (0, 0)


def test_the_sample_is_loaded_once_and_what_the_server_says_works(place: Place) -> None:
    with place.server("--sample") as server:
        tenant = server.get("/v1/tenants")["tenants"][0]
        region = server.get(f"/v1/regions/{tenant['id']}")["regions"][0]
        gone = server.get(f"/v1/hosts/{region['id']}")["hosts"][0]
        url = f"{server.url}/v1/hosts/{region['id']}/{gone['id']}"
        assert requests.delete(url, timeout=PATIENCE).status_code == 204
        curl, ansible = server.line(containing="curl"), server.line(containing="ansible-inventory")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{curl}\n{ansible}"],
            cwd=place.directory,
            env=place.environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "web1.ams.example.com" in done.stdout
        server.stop()
    with place.server("--sample") as server:
        hosts = [
            host["name"]
            for region in server.get(f"/v1/regions/{tenant['id']}")["regions"]
            for host in server.get(f"/v1/hosts/{region['id']}")["hosts"]
        ]
    assert len(hosts) == 59
    assert gone["name"] not in hosts


def test_the_api_serves_with_several_processes_that_count_together(place: Place) -> None:
    done = place.run("craton-manage", "--config-file", place.configuration(""), "db", "upgrade")
    assert done.returncode == 0, done.stderr
    with place.api("workers = 2\nthreads = 2\n") as api:
        api.create("/v1/tenants", name="acme")
        for _ in range(20):
            assert len(api.get("/v1/tenants")["tenants"]) == 1
        numbers = requests.get(f"{api.url}/metrics", timeout=PATIENCE).text
        (counted,) = (
            line
            for line in numbers.splitlines()
            if line.startswith("craton_http_requests_total")
            and all(label in line for label in ('"GET"', '"200"', '"/v1/tenants"'))
        )
        assert float(counted.split()[-1]) == 20
        assert api.stop() == 0
    assert list(place.temporary.iterdir()) == []


def test_sigterm_lets_a_request_finish(place: Place) -> None:
    body = b'{"name": "acme"}'
    head = (
        "POST /v1/tenants HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with place.server() as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
            client.sendall(head.encode())
            assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)  # The later the better the test; it holds without.
            client.sendall(body)
            assert client.recv(1000).startswith(b"HTTP/1.1 201 ")
        assert server.process.wait(PATIENCE) == 0
