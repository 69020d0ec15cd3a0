"""A secret is nowhere in the clear: not in what the service writes, says, holds open or is started
with. The search is tested by leaks that are planted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.functional.commands import Place, Running
from tests.functional.secrets.canary import Canary, process_texts
from tests.waiting import PATIENCE

BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_secret_is_nowhere_in_the_clear(place: Place) -> None:
    canary = Canary()
    with place.server("--config-file", _configuration(place)) as server:
        host = _put(server, canary)
        answers = list(_answers(server, host))
        # A client that is slow to read keeps whatever a bundle is made of open.
        bundle = f"{server.url}/v1/inventory/{host.region}.tgz"
        with requests.get(bundle, stream=True, timeout=PATIENCE) as download:
            next(download.iter_content(1))
            held = list(_open_files(server))
            seen = [text for pid in _processes(server) for text in process_texts(pid)]
        assert held, "the service holds no file open, so this looked at nothing"
        assert [found for answer in answers for found in canary.found_in(answer)] == []
        assert [found for content in held for found in canary.found_in(content)] == []
        assert [found for text in seen for found in canary.found_in(text)] == []
        assert canary.found_below(place.directory) == []
        assert list(place.state.glob("*.sqlite-wal")), "there is no write-ahead log to look at"
        assert (place.directory / "log").stat().st_size > 1000
        server.stop()
    assert canary.found_below(place.directory) == []


@pytest.mark.parametrize("where", ["log", "state", "variable"])
def test_a_planted_leak_is_found(place: Place, where: str) -> None:
    canary = Canary()
    with place.server("--config-file", _configuration(place)) as server:
        host = _put(server, canary)
        if where == "variable":
            variables = f"{server.url}/v1/hosts/{host.region}/{host.id}/variables/leak"
            requests.put(variables, json=canary.payload.hex(), timeout=PATIENCE)
            assert canary.found_below(place.state)
            assert any(canary.found_in(answer) for answer in _answers(server, host))
            return
    leak = place.directory / "log" if where == "log" else place.state / "leak"
    with leak.open("ab") as file:
        file.write(canary.payload)
    assert canary.found_below(place.directory)


class _Host:
    def __init__(self, server: Running) -> None:
        tenant = server.create("/v1/tenants", name="acme")
        self.region = server.create(f"/v1/regions/{tenant}", name="north")
        self.id = server.create(f"/v1/hosts/{self.region}", name="web1")
        # So much that not all of a bundle fits on its way to a client.
        for number in range(8):
            noise = os.urandom(300_000).hex()
            server.create(f"/v1/hosts/{self.region}", name=f"h{number}", variables={"x": noise})
        self.secret = server.create(
            f"/v1/secrets/{self.id}", name="key", format="raw", variable="key_file"
        )


def _put(server: Running, canary: Canary) -> _Host:
    host = _Host(server)
    payload = f"{server.url}/v1/secrets/{host.id}/{host.secret}/payload"
    for content in (b"something else", canary.payload):
        answer = requests.put(payload, data=content, headers=BYTES, timeout=PATIENCE)
        assert answer.status_code == 204, answer.text
    assert requests.get(payload, timeout=PATIENCE).content == canary.payload
    # What goes wrong must not tell either: no PEM, too long, not allowed, not conditional.
    pem = server.create(f"/v1/secrets/{host.id}", name="pem")
    refused = (
        requests.put(
            f"{server.url}/v1/secrets/{host.id}/{pem}/payload",
            data=canary.payload,
            headers=BYTES,
            timeout=PATIENCE,
        ),
        requests.put(payload, data=canary.payload * 2**16, headers=BYTES, timeout=PATIENCE),
        requests.put(payload, data=canary.payload, headers={"Content-Type": "x/y"}, timeout=60),
        requests.post(payload, data=canary.payload, headers=BYTES, timeout=PATIENCE),
        requests.put(
            payload, data=canary.payload, headers={**BYTES, "If-Match": '"x"'}, timeout=PATIENCE
        ),
    )
    assert [answer.status_code for answer in refused] == [400, 413, 415, 405, 412]
    for answer in refused:
        assert canary.found_in(answer.content) == []
    return host


def _answers(server: Running, host: _Host) -> Iterator[bytes]:
    """Ask for everything that says something about a secret but the secret itself."""
    variables = f"/v1/hosts/{host.region}/{host.id}/variables"
    for path in (
        f"/v1/secrets/{host.id}",
        f"/v1/secrets/{host.id}/{host.secret}",
        f"/v1/hosts/{host.region}?variables=true",
        variables,
        f"{variables}?resolved=true",
        f"{variables}?resolved=true&explain=true",
        f"/v1/changes/{host.region}?limit=1000",
        f"/v1/inventory/{host.region}.json",
        f"/v1/inventory/{host.region}.tgz?secrets=omit",
        "/metrics",
        "/v1/capabilities",
        "/healthcheck",
    ):
        answer = requests.get(f"{server.url}{path}", timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        yield repr(dict(answer.headers)).encode() + answer.content


def _processes(server: Running) -> list[int]:
    parent = psutil.Process(server.process.pid)
    return [parent.pid, *(child.pid for child in parent.children(recursive=True))]


def _open_files(server: Running) -> Iterator[bytes]:
    """Yield what is in the files that the service holds open, those without a name too."""
    for pid in _processes(server):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = str(link.readlink())
                if target.startswith("/") and not target.startswith(("/dev/", "/proc/")):
                    yield link.read_bytes()
            except FileNotFoundError:
                continue  # closed meanwhile


def _configuration(place: Place) -> str:
    return place.configuration(f"debug = true\nlog_file = {place.directory / 'log'}")
