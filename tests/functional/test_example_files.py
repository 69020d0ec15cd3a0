"""The example of an adapter: from files through the driver cmdb and the server into a bundle."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
import requests

from tests.functional.commands import Place
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

HEADER = "Asset,Hostname,IP,Site,Tags,rack\n"
HOSTS = (
    'A1,web1,192.0.2.1,ams,"web,eu",07\nA2,web2,192.0.2.2,ams,web,\nA3,db1,192.0.2.3,fra,db,08\n'
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def export(place: Place) -> Path:
    directory = place.directory / "export"
    directory.mkdir()
    return directory / "hosts.csv"


@pytest.fixture
def configuration(place: Place, export: Path) -> str:
    return place.configuration(
        "[inventory]\ndriver = cmdb\n[cmdb]\nadapter = files\nshrink_limit = 0.5\n"
        f"[cmdb_files]\nowner = Assets\npath = {export.parent}\ntenant = acme\n"
        "columns = id:Asset,name:Hostname,ip_address:IP,region:Site,groups:Tags\n"
    )


def write(export: Path, text: str) -> None:
    new = export.with_suffix(".new")
    new.write_text(text)
    new.rename(export)


def bundle(url: str, region: str) -> str:
    """Download a region, and return all of its files as one text."""
    answer = requests.get(f"{url}/v1/inventory/{region}.tgz?target=ansible", timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        return "".join(
            archive.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in archive.getmembers()
            if member.isfile()
        )


def test_files_become_a_bundle_and_half_a_file_changes_nothing(
    place: Place, export: Path, configuration: str
) -> None:
    def manage(*arguments: str) -> tuple[int, str]:
        done = place.run("craton-manage", "--config-file", configuration, *arguments)
        return done.returncode, done.stdout + done.stderr

    write(export, HEADER + HOSTS)
    assert manage("db", "upgrade")[0] == 0
    assert manage("cmdb", "sync")[0] == 0
    with place.server("--config-file", configuration) as server:
        (tenant,) = server.get("/v1/tenants")["tenants"]
        regions = {
            region["name"]: region["id"]
            for region in server.get(f"/v1/regions/{tenant['id']}")["regions"]
        }
        assert regions.keys() == {"ams", "fra"}
        files = bundle(server.url, regions["ams"])
        assert all(word in files for word in ("web1", "192.0.2.1", "web2", "eu", '"07"'))
        assert "db1" not in files

        # Written in place, and not done yet.
        export.write_text(HEADER + HOSTS[:40])
        code, said = manage("cmdb", "sync")
        assert code != 0
        assert "may be cut off" in said
        assert "web2" in bundle(server.url, regions["ams"])

        changed = HOSTS.replace("192.0.2.1", "192.0.2.77").replace("A2,web2,", "A2,,")
        write(export, HEADER + changed)
        assert manage("cmdb", "sync")[0] == 0
        files = bundle(server.url, regions["ams"])
        assert "192.0.2.77" in files
        assert "web2" in files
        _, said = manage("cmdb", "status")
        assert "line 3 of hosts.csv" in said

        refused = requests.delete(f"{server.url}/v1/hosts/{regions['ams']}/A1", timeout=PATIENCE)
        assert refused.status_code == 409
        assert refused.json()["owner"] == "Assets"
        write(export, HEADER + "".join(HOSTS.splitlines(keepends=True)[:1]))
        manage("cmdb", "sync", "--confirm")
        files = bundle(server.url, regions["ams"])
        assert "web1" in files
        assert "web2" not in files
        assert server.stop() == 0
