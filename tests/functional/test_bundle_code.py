"""Data in a bundle never runs as code; what its owner called a template does.

A real ansible-playbook reads bundles whose every string would leave a file behind if Ansible
templated it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from craton import config
from craton.backends.memory.driver import MemoryDriver
from craton.bundles import Target
from craton.driver import Create
from craton.models import Group, Host, Region, Tenant
from craton.variables import Variables
from tests.oracle.judgement import document, script_of, unpack
from tests.oracle.oracle import environment
from tests.oracle.regions import Fleet

PLAYBOOK = """
- hosts: all
  gather_facts: false
  connection: local
  vars:
    names: "{{ query('varnames', '^of_') }}"
    values: "{{ query('vars', *names) }}"
  tasks:
    - debug:
        var: hostvars[inventory_hostname]
    - debug:
        msg: "{{ item }}"
      loop: "{{ values }}"
    - debug:
        msg: "{{ item.key }} is {{ item.value }}"
      loop: "{{ values | select('mapping') | map('dict2items') | flatten }}"
    - set_fact:
        copied: "{{ values }}"
        joined: "{{ values | join }}"
    - debug:
        msg: "{{ copied }} {{ joined }}"
    - raw: "true"
"""


def template(marker: str) -> str:
    return f"{{{{ lookup('pipe', 'touch {marker}') }}}}"


def header(marker: str) -> str:
    begin = "#jinja2:variable_start_string:'[%',variable_end_string:'%]'"
    return f"{begin}\n[% lookup('pipe', 'touch {marker}') %]"


def evil(owner: str) -> Variables:
    """Return variables in which every string is code, each with a marker of its own."""
    return Variables(
        {
            f"of_{owner}": template(f"marker-{owner}"),
            f"of_{owner}_header": header(f"marker-{owner}-header"),
            f"of_{owner}_nested": {
                "list": [template(f"marker-{owner}-list"), [header(f"marker-{owner}-deep")]],
                "object": {"inside": f"a {template(f'marker-{owner}-object')} b"},
                template(f"marker-{owner}-key"): template(f"marker-{owner}-value"),
                header(f"marker-{owner}-header-key"): 1,
            },
        }
    )


def fleet(is_code: bool) -> Fleet:
    """Return a region of evil; ``is_code`` says whether Ansible may template the variables."""

    def variables(owner: str) -> dict[str, Any]:
        values = evil(owner)
        return {"variables": values, "templated": tuple(values) if is_code else ()}

    driver = MemoryDriver(config.settings(files=[]))
    driver.open()
    tenant = driver.create(Tenant(name="tenant", **variables("tenant")))
    region = driver.create(Region(name="region", tenant_id=tenant.id, **variables("region")))
    group = Group(id="g", name="group", region_id=region.id, **variables("group"))
    host = Host(
        name="host",
        region_id=region.id,
        groups=("g",),
        ip_address="fe80::1%{{lookup('pipe','touch marker-ip')}}",
        ssh_user=template("marker-user"),
        **variables("host"),
    )
    other = Host(
        name="other",
        region_id=region.id,
        variables=Variables({"ansible_host": template("marker-ansible-host")}),
        templated=("ansible_host",) if is_code else (),
    )
    driver.apply(Create(entity=entity) for entity in (group, host, other))
    return Fleet(driver=driver, tenant=tenant, region=region, groups=(group,), hosts=(host, other))


def inventories(fleet: Fleet, target: Target, directory: Path) -> list[Path]:
    """Write a bundle and return the paths that Ansible is to read."""
    if target is Target.SCRIPT:
        script = directory / "script"
        script.write_bytes(script_of(document(fleet)))
        script.chmod(0o755)
        return [script]
    unpack(fleet, target, directory)
    if target is Target.ANSIBLE:
        return [directory / "hosts"]
    return [directory / f"inventory/{host.name}.json" for host in fleet.hosts]


def markers(inventories: list[Path], directory: Path) -> set[str]:
    """Run the playbook and return the names of the files that templates left behind."""
    playbook = directory / "site.yml"
    playbook.write_text(PLAYBOOK)
    command = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [command, *(part for path in inventories for part in ("-i", path)), playbook],
        env=environment(directory),
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.name for path in directory.rglob("marker*")}


@pytest.mark.slow
@pytest.mark.parametrize("target", Target, ids=lambda target: target.value)
def test_no_string_of_any_entity_runs_as_code(target: Target, tmp_path: Path) -> None:
    assert markers(inventories(fleet(False), target, tmp_path), tmp_path) == set()


@pytest.mark.slow
@pytest.mark.parametrize("target", Target, ids=lambda target: target.value)
def test_strings_of_templated_variables_run_and_nothing_else(
    target: Target, tmp_path: Path
) -> None:
    parts = ("", "-header", "-list", "-deep", "-object", "-value")
    owners = ("tenant", "region", "group", "host")
    expected = {f"marker-{owner}{part}" for owner in owners for part in parts}
    expected.add("marker-ansible-host")
    assert markers(inventories(fleet(True), target, tmp_path), tmp_path) == expected
