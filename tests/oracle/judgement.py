"""One region before Ansible: every shape of its bundle must say what Craton says."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from craton.bundles import BundleRequest, Format, Precedence, Source, Spool, Target, plan
from craton.bundles.secrets import path_variables
from craton.filters import HostFilters
from craton.jsontext import JsonValue
from craton.models import CONNECTION_VARIABLES, Group, Host, Region, Secret, Tenant
from tests.archives import read_member
from tests.oracle.attached import OpenStore
from tests.oracle.oracle import Oracle
from tests.oracle.regions import Fleet

#: Variables by name, by the name of the host or the group that has them.
Layers: TypeAlias = Mapping[str, Mapping[str, object]]

#: Hosts and children, by the name of the group.
Tree: TypeAlias = dict[str, dict[str, list[str]]]

MARKS = ("{{", "{%", "{#")


class Disagreement(AssertionError):
    """Craton says one thing, Ansible another."""


def judge(fleet: Fleet, oracle: Oracle, directory: Path) -> None:
    """Compare everything that Craton says of a region with everything that Ansible says.

    Raises:
        Disagreement: They differ.
        Refused: Ansible cannot read a bundle, or warns about it.
    """
    expected = Expectation(fleet)
    for name, target in (("ansible", Target.ANSIBLE), ("taskflow", Target.TASKFLOW)):
        (directory / name).mkdir(parents=True)
        unpack(fleet, target, directory / name)
    inventory = directory / "ansible/hosts"
    script = directory / "script"
    script.write_bytes(script_of(document(fleet)))
    script.chmod(0o755)
    for path in (inventory, script):
        compare(expected, oracle.inventory(path), f"{path.name} --list")
        compare_export(expected, oracle.inventory(path, export=True), f"{path.name} --export")
    for host in expected.hosts:
        path = directory / f"taskflow/inventory/{host.name}.json"
        alone = expected.alone(host)
        compare(alone, oracle.inventory(path), f"{host.name}.json --list", "../")
        secrets = expected.secrets(host)
        explained = expected.precedence.explain(host, secrets)
        values = {name: explained[name].value for name in sorted(explained)}
        effective = dict(sorted(expected.precedence.effective(host, secrets).items()))
        same(values, effective, f"effective and explained variables of {host.name}")
    compare_secrets(expected, directory)
    files = sorted(path.name for path in (directory / "taskflow/inventory").glob("*.json"))
    same(files, sorted(f"{host.name}.json" for host in expected.hosts), "inventories of hosts")


def collected(
    fleet: Fleet, target: Target, filters: Mapping[str, Sequence[str]] | None = None
) -> Spool:
    """Return the spool of a bundle."""
    request = BundleRequest(
        region_id=fleet.region.id,
        target=target,
        filters=HostFilters.parse(filters or {}),
        files=fleet.attached.files,
        secrets=OpenStore(),
    )
    with fleet.driver.snapshot() as reader:
        return plan(reader, request, snapshot=True).collect()


def unpack(fleet: Fleet, target: Target, directory: Path) -> None:
    """Unpack a bundle, which must be the same in both formats."""
    with collected(fleet, target) as spool:
        packed = io.BytesIO(b"".join(spool.archive(Format.TGZ)))
        zipped = io.BytesIO(b"".join(spool.archive(Format.ZIP)))
    with tarfile.open(fileobj=packed) as archive:
        archive.extractall(directory, filter="data")
        contents = {name: read_member(archive, name) for name in archive.getnames()}
    with zipfile.ZipFile(zipped) as archive:
        if {name: archive.read(name) for name in archive.namelist()} != contents:
            raise Disagreement("the .zip and the .tgz of one bundle differ")


def document(fleet: Fleet) -> bytes:
    """Return the bytes that an inventory script prints."""
    with collected(fleet, Target.SCRIPT) as spool:
        return b"".join(spool.document())


def script_of(document: bytes) -> bytes:
    """Return an inventory script that prints a document."""
    return b'#!/bin/sh\nexec tail -n +3 "$0"\n' + document


class Expectation:
    """What a region is, without any of the code that makes bundles, apart from the values."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.hosts = [host for host in fleet.hosts if host.active]
        self.groups = {group.id: group for group in fleet.groups}
        with fleet.driver.snapshot() as reader:
            self.precedence = Precedence.load(reader, fleet.region, fleet.attached.files)

    def secrets(self, host: Host) -> list[Secret]:
        """Return the secrets of a host."""
        return self.fleet.attached.secrets.get(host.name, [])

    def alone(self, host: Host) -> Expectation:
        """Return what an inventory of one host is expected to show."""
        other = Expectation(self.fleet)
        other.hosts = [host]
        other.groups = {}
        waiting = list(host.groups)
        while waiting:
            group = self.groups[waiting.pop()]
            other.groups[group.id] = group
            waiting.extend(group.parents)
        return other

    def host_variables(self, host: Host, top: str = "") -> dict[str, JsonValue]:
        """Return effective variables, marked where their source says that they are data.

        Args:
            host: The host.
            top: The way from the inventory to the top of the bundle.
        """
        effective = self.precedence.effective(host, self.secrets(host))
        explained = self.precedence.explain(host, self.secrets(host))
        found = {}
        for name, value in effective.items():
            source = explained[name].source
            if source.kind == "reference":
                found[name] = self.fleet.attached.marked[source.id][name]
            elif source.kind == "secret":
                assert isinstance(value, str)
                found[name] = value.replace("}}/", f"}}}}/{top}")
            else:
                found[name] = mark(value, self.is_templated(name, source))
        return found

    def is_templated(self, name: str, source: Source) -> bool:
        fleet = self.fleet
        entities: tuple[Tenant | Region | Group | Host, ...]
        entities = (fleet.tenant, fleet.region, *fleet.groups, *fleet.hosts)
        (entity,) = (
            entity
            for entity in entities
            if (entity.kind, entity.name) == (source.kind, source.name)
        )
        return source.field is None and name in entity.templated

    def members(self, group: Group) -> dict[str, list[str]]:
        """Return what ``--list`` shows of a group, apart from variables."""
        return {
            "hosts": sorted(host.name for host in self.hosts if group.id in host.groups),
            "children": sorted(
                child.name for child in self.groups.values() if group.id in child.parents
            ),
        }

    def tree(self) -> Tree:
        """Return hosts and children of every group that has any, by name."""
        found = {group.name: self.members(group) for group in self.groups.values()}
        found["ungrouped"] = {
            "hosts": sorted(host.name for host in self.hosts if not host.groups),
            "children": [],
        }
        found["all"] = {
            "hosts": [],
            "children": sorted(
                ["ungrouped", *(group.name for group in self.groups.values() if not group.parents)]
            ),
        }
        return not_empty(found)


def compare_secrets(expected: Expectation, directory: Path) -> None:
    """Compare the files of secrets in both bundles with the payloads of the active hosts."""
    names = {host.name for host in expected.hosts}
    payloads = {
        path: payload.hex()
        for path, payload in expected.fleet.attached.payloads.items()
        if path.split("/")[1] in names
    }
    for bundle in ("ansible", "taskflow"):
        top = directory / bundle
        found = {
            str(path.relative_to(top)): path.read_bytes().hex() for path in top.glob("secrets/*/*")
        }
        same(dict(sorted(found.items())), dict(sorted(payloads.items())), f"secrets in {bundle}")


def compare(expected: Expectation, said: dict[str, Any], where: str, top: str = "") -> None:
    """Compare what ``--list`` says: groups, and effective variables."""
    same(tree_of(said, expected), expected.tree(), f"{where}: groups")
    variables = {host.name: expected.host_variables(host, top) for host in expected.hosts}
    compare_variables(said["_meta"]["hostvars"], variables, where)


def compare_export(expected: Expectation, said: dict[str, Any], where: str) -> None:
    """Compare what ``--list --export`` says: groups, and each one's own variables."""
    same(tree_of(said, expected), expected.tree(), f"{where}: groups")
    hosts = {
        host.name: marked_columns(host)
        | own_variables(host)
        | dict(path_variables(host, expected.secrets(host)))
        for host in expected.hosts
    }
    compare_variables(said["_meta"]["hostvars"], hosts, where)
    groups = {
        group.name: referenced(expected, group) | own_variables(group)
        for group in expected.groups.values()
    }
    for group in expected.groups.values():
        if group.priority != 1:
            groups[group.name]["ansible_group_priority"] = group.priority
    region = expected.fleet.region
    groups["all"] = (
        own_variables(expected.fleet.tenant) | referenced(expected, region) | own_variables(region)
    )
    said_of_groups = {
        name: group["vars"] for name, group in said.items() if name != "_meta" and "vars" in group
    }
    compare_variables(said_of_groups, groups, where)


def compare_variables(said: Layers, expected: Layers, where: str) -> None:
    same(sorted(said), sorted(name for name in expected if expected[name]), f"{where}: names")
    for name, variables in said.items():
        same(sorted(variables), sorted(expected[name]), f"{where}: variables of {name}")
        for variable, value in variables.items():
            same(value, expected[name][variable], f"{where}: {variable} of {name}")


def tree_of(said: dict[str, Any], expected: Expectation) -> Tree:
    """Return hosts and children of groups, without those children of ``all`` that have parents."""
    below = {group.name for group in expected.groups.values() if group.parents}
    found = {}
    for name, group in said.items():
        if name != "_meta":
            children = group.get("children", [])
            if name == "all":
                children = [child for child in children if child not in below]
            found[name] = {"hosts": sorted(group.get("hosts", [])), "children": sorted(children)}
    return not_empty(found)


def not_empty(groups: Tree) -> Tree:
    return {name: members for name, members in sorted(groups.items()) if any(members.values())}


def referenced(expected: Expectation, owner: Region | Group) -> dict[str, JsonValue]:
    """Return the variables of the files that a region or a group refers to."""
    found: dict[str, JsonValue] = {}
    for file in expected.fleet.attached.files.of(owner.id):
        found |= expected.fleet.attached.marked[file.reference.id]
    return found


def own_variables(entity: Tenant | Region | Group | Host) -> dict[str, JsonValue]:
    return {
        name: mark(value, name in entity.templated)
        for name, value in entity.variables.decode().items()
    }


def marked_columns(host: Host) -> dict[str, JsonValue]:
    return {
        variable: mark(getattr(host, field), False)
        for field, variable in CONNECTION_VARIABLES.items()
        if getattr(host, field) is not None
    }


def mark(value: JsonValue, templated: bool) -> JsonValue:
    """Return a value as Ansible shows it: strings that it must not template are marked."""
    if isinstance(value, dict):
        if list(value) == ["__ansible_vault"]:
            return value
        return {key: mark(item, templated) for key, item in value.items()}
    if isinstance(value, list):
        return [mark(item, templated) for item in value]
    if isinstance(value, str) and not templated and is_template(value):
        return {"__ansible_unsafe": value}
    return value


def is_template(text: str) -> bool:
    return text.startswith("#jinja2:") or any(start in text for start in MARKS)


def same(said: object, expected: object, where: str) -> None:
    """Insist on equal JSON: types, digits and the order of keys count."""
    said, expected = json.dumps(said), json.dumps(expected)
    if said != expected:
        raise Disagreement(f"{where}\n  Ansible: {said[:2000]}\n  Craton:  {expected[:2000]}")
