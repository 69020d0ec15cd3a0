"""Somebody edits the files and commits; the driver sees it, and says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from craton.driver import Create, InventoryDriver
from craton.errors import BackendFault, RevisionConflict
from craton.models import Group, Host, Region
from craton.query import Query
from craton.variables import Variables

HOSTS = "tenants/acme/regions/ams/hosts"
GROUPS = "tenants/acme/regions/ams/groups"


@pytest.fixture
def commit(place: Path, git: Callable[..., str]) -> Callable[..., None]:
    """Write files, ``None`` removes one, and commit them."""

    def commit(**files: str | None) -> None:
        for name, text in files.items():
            path = place / "tenants/acme/regions/ams" / f"{name.replace('__', '/')}.yaml"
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        git("add", "--all")
        git("commit", "-q", "-m", "By hand")

    return commit


def edit(place: Path, path: str, old: str, new: str) -> None:
    text = (place / path).read_text()
    assert old in text
    (place / path).write_text(text.replace(old, new))


def test_an_edit_is_seen_and_has_a_revision_of_its_own(
    driver: InventoryDriver, region: Region, place: Path, git: Callable[..., str]
) -> None:
    host = driver.create(Host(region_id=region.id, name="web1", ssh_port=22))
    edit(place, f"{HOSTS}/web1.yaml", "ssh_port: 22", "ssh_port: 2222")
    assert driver.get(Host, host.id) == host, "it is not committed yet"
    git("commit", "-q", "-a", "-m", "Another port")
    found = driver.get(Host, host.id)
    assert (found.id, found.ssh_port, found.created_at) == (host.id, 2222, host.created_at)
    assert found.revision != host.revision
    with pytest.raises(RevisionConflict):
        driver.replace(host, if_revision=host.revision)
    assert driver.replace(found, if_revision=found.revision).ssh_port == 2222


def test_a_new_file_needs_a_name_alone(
    driver: InventoryDriver, region: Region, commit: Callable[..., None]
) -> None:
    commit(hosts__web1="name: web1\n", groups__web="name: web\nvariables: {port: 80}\n")
    (host,), (group,) = driver.scan(Host), driver.scan(Group)
    assert (host.name, host.region_id, host.active) == ("web1", region.id, True)
    assert group.variables == Variables({"port": 80})
    stored = driver.replace(host)
    assert stored.id == host.id
    commit(hosts__web1="name: web1\ngroups: [web]\n")
    assert driver.get(Host, host.id).groups == (group.id,)


def test_a_file_that_is_removed_is_a_host_that_is_removed(
    driver: InventoryDriver, region: Region, commit: Callable[..., None]
) -> None:
    driver.apply(Create(entity=Host(region_id=region.id, name=name)) for name in ("a", "b"))
    commit(hosts__a=None)
    assert [host.name for host in driver.scan(Host)] == ["b"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name: bad\nssh_port: 99999\n", "ssh_port"),
        ("name: bad\nvariables:\n  on: 1\n", "line 3: 'on'"),
        ("name: bad\nvariables: [1]\n", "variables"),
        ("name: bad\ncolour: red\n", "colour"),
        ("name: bad\nregion_id: x\n", "region_id"),
        ("name: other\n", "another name"),
        ("name: bad\ngroups: [nowhere]\n", "nowhere"),
        ("name: bad\ngroups: web\n", "groups"),
        ("name: bad\ntemplated: [x]\n", "templated"),
        ('name: bad\ncreated_at: "yesterday"\n', "yesterday"),
        ('name: bad\ncreated_at: "2024-01-01T00:00:00"\n', "created_at"),
        ('name: bad\ncreated_at: "0001-01-01T00:00:00+14:00"\n', "date value out of range"),
        ("name: bad\nid: 7\n", "id"),
        ("name: bad\nid: fixed\n", "'fixed' is there twice"),
        ("- name: bad\n", "object"),
        ("ssh_port: 22\n", "'name' is missing"),
        ("name: [bad\n", "line"),
        ("name: bad\n<<<<<<< HEAD\n", "line"),
    ],
)
def test_a_broken_file_is_named_and_hides_no_other(
    driver: InventoryDriver, region: Region, commit: Callable[..., None], text: str, what: str
) -> None:
    good = driver.create(Host(region_id=region.id, name="good"))
    group = driver.create(Group(region_id=region.id, name="web"))
    commit(hosts__bad=text, hosts__other="name: bad\nid: fixed\n".replace("bad", "other"))
    assert driver.get(Host, good.id) == good
    assert [found.name for found in driver.scan(Group)] == ["web"]
    refused = (
        lambda: list(driver.scan(Host)),
        lambda: driver.find(Host, Query(limit=1)),
        lambda: driver.count(Host),
        lambda: driver.get(Host, "unknown"),
        lambda: driver.delete(Group, group.id),
        lambda: driver.create(Host(region_id=region.id, name="new")),
    )
    for attempt in refused:
        with pytest.raises(BackendFault) as caught:
            attempt()
        assert str(caught.value).startswith(HOSTS)
    faults = driver._newest().broken
    assert what in faults[f"{HOSTS}/bad.yaml"]
    commit(hosts__bad=None)
    assert [host.name for host in driver.scan(Host)] == ["good", "other"]
    driver.create(Host(region_id=region.id, name="new"))


def test_rules_between_files_are_looked_at_too(
    driver: InventoryDriver, region: Region, commit: Callable[..., None]
) -> None:
    commit(hosts__web="name: web\n", groups__web="name: web\n")
    with pytest.raises(BackendFault, match="a group of the region is called 'web'"):
        list(driver.scan(Host))
    commit(hosts__web=None, hosts__localhost="name: localhost\n")
    assert len(list(driver.scan(Host))) == 1
    commit(**{"hosts__127.0.0.1": "name: 127.0.0.1\n"})
    with pytest.raises(BackendFault, match=r"127\.0\.0\.1|localhost"):
        list(driver.scan(Host))
    commit(**{"hosts__127.0.0.1": None}, groups__web="name: web\nparents: [db]\n")
    with pytest.raises(BackendFault, match="no group is called 'db'"):
        list(driver.scan(Group))
    commit(groups__db="name: db\nparents: [web]\n")
    with pytest.raises(BackendFault, match="its own ancestor"):
        list(driver.scan(Group))
    commit(groups__db="name: db\nparents: [\n")
    with pytest.raises(BackendFault, match=r"groups/db\.yaml"):
        list(driver.scan(Group))
    commit(groups__db="name: db\n")
    assert [group.name for group in driver.scan(Group)] == ["db", "web"]


def test_a_directory_without_its_own_file_is_named(
    driver: InventoryDriver, region: Region, place: Path, git: Callable[..., str]
) -> None:
    driver.create(Host(region_id=region.id, name="web1"))
    git("rm", "-q", "tenants/acme/regions/ams/region.yaml")
    git("commit", "-q", "-m", "By mistake")
    with pytest.raises(BackendFault, match=r"ams/region\.yaml is missing"):
        list(driver.scan(Host))


def test_a_symbolic_link_leads_nowhere(
    driver: InventoryDriver, region: Region, place: Path, git: Callable[..., str], tmp_path: Path
) -> None:
    driver.create(Host(region_id=region.id, name="web1"))
    (tmp_path / "outside").mkdir()
    (place / "tenants/acme/regions/lon").symlink_to(tmp_path / "outside")
    git("add", "--all")
    git("commit", "-q", "-m", "A trap")
    with pytest.raises(BackendFault, match="no regular file"):
        driver.create(Host(region_id=region.id, name="web2"))
    assert list((tmp_path / "outside").iterdir()) == []


def test_other_files_are_nobodys_business(
    driver: InventoryDriver, region: Region, place: Path, git: Callable[..., str]
) -> None:
    (place / "README").write_text("Our fleet\n")
    (place / HOSTS).mkdir()
    (place / HOSTS / ".gitkeep").touch()
    (place / "tenants/acme/notes.txt").write_text("x\n")
    git("add", "--all")
    git("commit", "-q", "-m", "Notes")
    driver.create(Host(region_id=region.id, name="web1"))
    assert git("status", "--porcelain") == ""
    assert {"README", "tenants/acme/notes.txt"} <= set(git("ls-files").splitlines())
