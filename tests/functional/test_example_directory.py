"""The example of a third-party driver: craton-server runs on it, and git shows what was done."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.functional.commands import Place
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

FLEET: dict[str, Any] = {
    "_meta": {
        "hostvars": {
            "web1": {"ansible_host": "192.0.2.1", "rack": "0123"},
            "web2": {"ansible_host": "192.0.2.2"},
        }
    },
    "all": {"children": ["ungrouped", "web"]},
    "web": {"hosts": ["web1", "web2"], "vars": {"port": 80, "motd": "Hello.\nBye.\n"}},
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def fleet(place: Place) -> Path:
    return place.directory / "fleet"


@pytest.fixture
def configuration(place: Place, fleet: Path) -> str:
    return place.configuration(f"[inventory]\ndriver = directory\n[directory]\npath = {fleet}")


def git(fleet: Path, *arguments: str) -> str:
    somebody = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    done = subprocess.run(
        ["git", *somebody, *arguments], cwd=fleet, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def bundle(url: str, region: str) -> dict[str, str]:
    """Download a region, and return its files."""
    answer = requests.get(f"{url}/v1/inventory/{region}.tgz?target=ansible", timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        return {
            member.name: archive.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in archive.getmembers()
            if member.isfile()
        }


def test_the_server_runs_on_it_and_a_change_is_a_diff(
    place: Place, fleet: Path, configuration: str
) -> None:
    path = "tenants/acme/regions/ams/hosts/web1.yaml"
    with place.server("--config-file", configuration) as server:
        tenant = server.create("/v1/tenants", name="acme")
        region = server.create(f"/v1/regions/{tenant}", name="ams")
        answer = requests.post(f"{server.url}/v1/inventory/{region}", json=FLEET, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        assert git(fleet, "log", "--format=%s").splitlines() == [
            "Make 3 changes",
            "Create region ams in acme",
            "Create tenant acme",
            "Begin an inventory",
        ]
        assert git(fleet, "show", "--format=", "--name-status").splitlines() == [
            "A\ttenants/acme/regions/ams/groups/web.yaml",
            f"A\t{path}",
            "A\ttenants/acme/regions/ams/hosts/web2.yaml",
        ]
        assert "192.0.2.1" in "".join(bundle(server.url, region).values())

        (host,) = server.get(f"/v1/hosts/{region}?name=web1")["hosts"]
        answer = requests.patch(
            f"{server.url}/v1/hosts/{region}/{host['id']}",
            json={"ip_address": "192.0.2.9"},
            headers={"Content-Type": "application/merge-patch+json"},
            timeout=PATIENCE,
        )
        assert answer.status_code == 200, answer.text
        diff = git(fleet, "diff", "HEAD~1").splitlines()
        assert "-ip_address: 192.0.2.1" in diff
        assert "+ip_address: 192.0.2.9" in diff

        text = (fleet / path).read_text()
        assert '  rack: "0123"\n' in text
        (fleet / path).write_text(text.replace("192.0.2.9", "192.0.2.77"))
        git(fleet, "commit", "-q", "-a", "-m", "Move web1")
        files = "".join(bundle(server.url, region).values())
        assert "192.0.2.77" in files
        assert "192.0.2.9" not in files
        assert server.stop() == 0
    assert git(fleet, "status", "--porcelain") == ""


def test_a_file_that_is_broken_is_an_error_and_no_partial_bundle(
    place: Place, fleet: Path, configuration: str
) -> None:
    with place.server("--config-file", configuration) as server:
        tenant = server.create("/v1/tenants", name="acme")
        region = server.create(f"/v1/regions/{tenant}", name="ams")
        host = server.create(f"/v1/hosts/{region}", name="web1")
        (fleet / "tenants/acme/regions/ams/hosts/web2.yaml").write_text("name: [web2\n")
        git(fleet, "add", "--all")
        git(fleet, "commit", "-q", "-m", "A mistake")
        answer = requests.get(f"{server.url}/v1/inventory/{region}.tgz", timeout=PATIENCE)
        assert answer.status_code == 500
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert server.line(containing="BackendFault: tenants/acme/regions/ams/hosts/web2.yaml")
        assert server.get(f"/v1/hosts/{region}/{host}")["name"] == "web1"
        git(fleet, "revert", "--no-edit", "HEAD")
        assert "web1" in "".join(bundle(server.url, region).values())
