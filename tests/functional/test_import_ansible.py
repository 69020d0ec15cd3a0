"""What Ansible exports comes in whole, and goes out as a bundle that Ansible reads the same way."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from craton import config, sample
from craton.backends.memory.driver import MemoryDriver
from craton.bundles import BundleRequest, Format, Target, plan
from craton.filters import HostFilters
from craton.imports import import_inventory
from craton.models import Group, Host, Region, Tenant
from craton.templating import is_template

VAULT = """$ANSIBLE_VAULT;1.1;AES256
          62313365396662343061393464336163383764373764613633653634306231386433626436623361
          6134333665353966363534333632666535333761666131620a663537646436643839616531643561
"""

INI = {
    "hosts": """
        bastion ansible_host=2001:db8::9 ansible_port=2222 ansible_user=ops
        192.0.2.77
        2001:db8::77

        [web]
        web[01:03].example.com http_port=8080
        edge ansible_host=edge.example.com ansible_user='{{ team }}'

        [db-servers]
        db1 ansible_host=192.0.2.10 ansible_port=22 server_id=1
        db2 ansible_host=192.0.2.11 server_id=2 spare=True ratio=0.5

        [site:children]
        web
        db-servers

        [empty]

        [web:vars]
        ansible_group_priority=7
        listen={{ inventory_hostname }}:{{ http_port }}
        port_text="80"
        quoted='a = b # not a comment'
        nothing=None

        [all:vars]
        zone=a
        team=blue
    """,
}

YAML = {
    "hosts.yml": """
        all:
          children:
            site:
              children:
                web: {hosts: {"web[1:2]": {}, shared: {}}}
                storage:
                  hosts: {"node-[a:c]": {}, shared: {}}
                  vars: {ansible_group_priority: -2}
            spare_parts: {}
          hosts: {alone: {ansible_host: "fd00::1", ansible_port: "2222"}}
    """,
    "group_vars/all/plain.yml": """
        integer: 3
        negative: -4
        huge: 123456789012345678901234567890
        number: 1.0
        tiny: 1.5e-7
        truth: true
        falsehood: no
        nothing: null
        empty_text: ""
        empty_list: []
        empty_object: {}
        text: "é \\u2028 \\U0001F600 \\t \\" \\\\"
        digits: "0123"
        lines: |
          first
            second
        nested: [1, [2.5, {a: [null, {b: "c"}]}]]
    """,
    "group_vars/web.yml": """
        url: "https://{{ inventory_hostname }}/{% if truth %}x{% endif %}"
        deep: [{a: "{{ zone | default('b') }}"}, plain]
        legend: !unsafe "{{ $labels.instance }}"
        legends: [plain, {a: !unsafe "{% raw %}"}, !unsafe "#jinja2: x"]
    """,
    "group_vars/storage": "disks: [{name: sda, size: 10}, {name: sdb, size: 20}]",
    "host_vars/web1.yml": f"""
        password: !vault |
          {VAULT}
        keys:
          - name: first
            secret: !vault |
              {VAULT.replace("          ", "              ")}
        ansible_user: !unsafe "{{{{ nobody }}}}"
    """,
    "host_vars/shared.json": '{"ansible_port": 22, "from": "json", "one": 1, "one_point": 1.0}',
}


def ansible_inventory(source: Path, *options: str) -> dict[str, Any]:
    """Run ``ansible-inventory --list``, for which a warning is a failure."""
    home = source.parent / "home"
    home.mkdir(exist_ok=True)
    (home / "empty.cfg").touch()
    command = [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(source)]
    done = subprocess.run(
        [*command, "--list", *options],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "PYTHONWARNINGS": "ignore",
            "ANSIBLE_CONFIG": str(home / "empty.cfg"),
            "ANSIBLE_INVENTORY_ENABLED": "yaml,ini",
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "1",
            "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": "ignore",
        },
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return {"text": done.stdout, **json.loads(done.stdout)}


@pytest.fixture
def region() -> tuple[MemoryDriver, Region]:
    driver = MemoryDriver(config.settings(files=[]))
    tenant = driver.create(Tenant(name="tenant"))
    return driver, driver.create(Region(name="region", tenant_id=tenant.id))


def written(files: dict[str, str], directory: Path) -> Path:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = text.split("\n")
        margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        path.write_text("\n".join(line[margin:] for line in lines) + "\n")
    return directory / next(iter(files))


def unpacked(driver: MemoryDriver, region: Region, directory: Path) -> Path:
    """Unpack the region's bundle and return the inventory in it."""
    request = BundleRequest(
        region_id=region.id, target=Target.ANSIBLE, filters=HostFilters.parse({})
    )
    with driver.snapshot() as reader, plan(reader, request, snapshot=True).collect() as spool:
        packed = io.BytesIO(b"".join(spool.archive(Format.TGZ)))
    with tarfile.open(fileobj=packed) as archive:
        archive.extractall(directory, filter="data")
    return directory / "hosts"


def meaning(printed: dict[str, Any]) -> str:
    """Return what an inventory says, as text, in which types and the order of keys show.

    Left out is what says nothing: the order of groups and hosts, that a group is below ``all``,
    and the mark on a string that no template could be.
    """
    groups = {name: value for name, value in printed.items() if name not in ("_meta", "text")}
    mentioned = {
        *groups,
        *(name for group in groups.values() for name in group.get("children", [])),
    }
    said = {
        name: {
            "hosts": sorted(groups.get(name, {}).get("hosts", [])),
            "children": sorted(set(groups.get(name, {}).get("children", []))) * (name != "all"),
            "vars": unwrapped(groups.get(name, {}).get("vars", {})),
        }
        for name in sorted(mentioned - {"ungrouped"})
    }
    hostvars = unwrapped(printed["_meta"]["hostvars"])
    hosts = sorted(
        {*hostvars, *(host for group in groups.values() for host in group.get("hosts", []))}
    )
    said["_meta"] = {host: hostvars.get(host, {}) for host in hosts}
    return json.dumps(said, indent=1, sort_keys=True)


def unwrapped(value: Any) -> Any:
    if isinstance(value, list):
        return [unwrapped(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {"__ansible_unsafe"} and not is_template(value["__ansible_unsafe"]):
            return value["__ansible_unsafe"]
        return {key: unwrapped(item) for key, item in value.items()}
    return value


@pytest.mark.slow
@pytest.mark.parametrize("files", [INI, YAML], ids=["ini", "yaml"])
def test_a_bundle_says_what_the_imported_inventory_said(
    files: dict[str, str], region: tuple[MemoryDriver, Region], tmp_path: Path
) -> None:
    source = written(files, tmp_path / "source")
    exported = ansible_inventory(source, "--export")
    import_inventory(region[0], region[1].id, exported["text"], mode="replace")
    bundle = unpacked(*region, tmp_path / "bundle")
    assert meaning(ansible_inventory(bundle)) == meaning(ansible_inventory(source))
    again = ansible_inventory(bundle, "--export")
    assert meaning(again) == meaning(exported)
    report = import_inventory(region[0], region[1].id, again["text"], mode="replace").document()
    assert report["created"] == report["updated"] == report["deleted"] == {"groups": 0, "hosts": 0}


@pytest.mark.slow
def test_an_inventory_without_export_comes_in_with_each_hosts_variables(
    region: tuple[MemoryDriver, Region], tmp_path: Path
) -> None:
    listed = ansible_inventory(written(YAML, tmp_path / "source"))
    import_inventory(region[0], region[1].id, listed["text"], mode="replace")
    bundle = unpacked(*region, tmp_path / "bundle")
    assert meaning(ansible_inventory(bundle)) == meaning(listed)


@pytest.mark.slow
def test_an_export_becomes_the_entities_that_it_describes(
    region: tuple[MemoryDriver, Region], tmp_path: Path
) -> None:
    driver, _ = region
    source = written(INI, tmp_path / "source")
    import_inventory(
        driver, region[1].id, ansible_inventory(source, "--export")["text"], mode="merge"
    )
    groups, hosts = named(driver, Group), named(driver, Host)
    assert set(groups) == {"web", "db-servers", "site", "empty"}
    assert set(hosts) == {
        *("bastion", "192.0.2.77", "2001:db8::77", "edge", "db1", "db2"),
        *(f"web0{number}.example.com" for number in (1, 2, 3)),
    }
    web, bastion, edge = groups["web"], hosts["bastion"], hosts["edge"]
    assert (web.priority, web.parents, web.templated) == (7, (groups["site"].id,), ("listen",))
    assert web.variables.decode() == {
        "listen": "{{ inventory_hostname }}:{{ http_port }}",
        "port_text": "80",
        "quoted": "a = b # not a comment",
        "nothing": None,
    }
    assert (bastion.ip_address, bastion.ssh_port, bastion.ssh_user) == ("2001:db8::9", 2222, "ops")
    assert (edge.ip_address, edge.ssh_user, edge.templated) == (None, None, ("ansible_user",))
    assert edge.variables["ansible_host"] == "edge.example.com"
    assert hosts["db2"].variables.decode() == {"server_id": 2, "spare": True, "ratio": 0.5}


def named(driver: MemoryDriver, kind: type[Any]) -> dict[str, Any]:
    return {entity.name: entity for entity in driver.scan(kind)}


@pytest.mark.slow
def test_the_sample_fleet_is_an_inventory_without_a_warning(tmp_path: Path) -> None:
    driver = MemoryDriver(config.settings(files=[]))
    assert sample.load(driver)
    for region in driver.scan(Region):
        hosts = ansible_inventory(unpacked(driver, region, tmp_path / region.name / "bundle"))
        assert len(hosts["_meta"]["hostvars"]) > 15
