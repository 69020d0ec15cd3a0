"""Clients that stop in the middle lose their connection, and hold nothing any more."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.functional.commands import Place, Running
from tests.waiting import PATIENCE

OPTIONS = "[api]\nstalled_seconds = 1\nthreads = 2\nmax_concurrent_bundles = 1\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """A server with little patience and few threads."""
    place = Place(tmp_path)
    with place.server("--config-file", place.configuration(OPTIONS)) as server:
        yield server


def connect(server: Running) -> socket.socket:
    url = urlsplit(server.url)
    client = socket.socket()
    client.settimeout(PATIENCE)
    # So small that the server has to wait for somebody who does not read.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((url.hostname, url.port))
    return client


def test_who_does_not_send_the_body_is_told_and_let_go(server: Running) -> None:
    with closing(connect(server)) as client:
        client.sendall(
            b"POST /v1/tenants HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b'Content-Length: 16\r\n\r\n{"name"'
        )
        answer = b""
        while piece := client.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code": "body_stalled"' in answer


def test_who_sends_half_a_head_holds_no_thread_for_ever(server: Running) -> None:
    with closing(connect(server)) as one, closing(connect(server)) as other:
        for client in (one, other):
            client.sendall(b"GET /v1 HTTP/1.1\r\nHost:")
        assert requests.get(f"{server.url}/v1", timeout=PATIENCE).status_code == 200


def test_who_does_not_read_a_bundle_gives_its_place_back(server: Running) -> None:
    tenant = server.create("/v1/tenants", name="acme")
    region = server.create(f"/v1/regions/{tenant}", name="north")
    for number in range(4):
        noise = os.urandom(2_000_000).hex()
        server.create(f"/v1/hosts/{region}", name=f"h{number}", variables={"x": noise})
    bundle = f"/v1/inventory/{region}.tgz"
    with closing(connect(server)) as client:
        client.sendall(f"GET {bundle} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.recv(12) == b"HTTP/1.1 200"
        refused = requests.get(f"{server.url}{bundle}", timeout=PATIENCE)
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        deadline = time.monotonic() + PATIENCE
        while (
            answer := requests.get(f"{server.url}{bundle}", timeout=PATIENCE)
        ).status_code != 200:
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.1)
