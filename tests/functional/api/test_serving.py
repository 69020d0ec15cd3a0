"""The API behind the real server."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.functional.api.serving import SIZE

ROOT = Path(__file__).parents[3]


pytestmark = pytest.mark.xdist_group("api-server")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server whose bundles break off."""
    place = tmp_path_factory.mktemp("server")
    with (
        (place / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tests.functional.api.serving", str(place)],
            cwd=ROOT,
            env={**os.environ, "HOME": str(place), "PYTHONWARNINGS": "ignore"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().strip()).netloc
        assert address, (place / "log").read_text()
        yield address
        process.terminate()


@pytest.mark.parametrize("ending", ["tgz", "zip"])
def test_a_bundle_that_breaks_off_is_visibly_not_whole(server: str, ending: str) -> None:
    with closing(http.client.HTTPConnection(server, timeout=30)) as connection:
        connection.request("GET", f"/v1/inventory/r.{ending}")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["Transfer-Encoding"] == "chunked"
        with pytest.raises((http.client.IncompleteRead, ConnectionError)) as caught:
            answer.read()
        if isinstance(caught.value, http.client.IncompleteRead):
            assert len(caught.value.partial) <= SIZE
    with closing(http.client.HTTPConnection(server, timeout=30)) as connection:
        connection.request("GET", "/healthcheck")
        assert connection.getresponse().status == 200


def test_a_chunked_body_is_read(server: str) -> None:
    with closing(http.client.HTTPConnection(server, timeout=30)) as connection:
        connection.request(
            "POST",
            "/v1/tenants",
            body=iter([b'{"name"', b': "chunked"}']),
            headers={"Content-Type": "application/json"},
            encode_chunked=True,
        )
        answer = connection.getresponse()
        assert answer.status == 201
        answer.read()
        connection.request("GET", "/v1/tenants?name=chunked")
        assert b"chunked" in connection.getresponse().read()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/tenants/%ff", 404),
        ("GET", "/v1/tenants/%00", 404),
        ("GET", "/v1//tenants", 404),
        ("GET", "/v1/tenants?name=%zz", 400),
        ("BREW", "/v1/tenants", 501),
        ("HEAD", "/v1/tenants", 200),
    ],
)
def test_requests_arrive_as_they_were_sent(
    server: str, method: str, path: str, status: int
) -> None:
    with closing(http.client.HTTPConnection(server, timeout=30)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        assert answer.status == status
        assert answer.headers["X-Openstack-Request-Id"]
        answer.read()
