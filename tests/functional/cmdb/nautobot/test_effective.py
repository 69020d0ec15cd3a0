"""What Ansible sees of a host is what Nautobot shows of it, whatever its rules of merging are."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from craton.api.effective import explained
from craton.bundles import Precedence
from craton.bundles.plan import BundleRequest, Target, plan
from craton.bundles.references import NO_FILES
from craton.bundles.spool import Format
from craton.driver import InventoryDriver
from craton.filters import HostFilters
from craton.models import Group, Host, Region
from tests.functional.cmdb.nautobot.deployment import Deployment
from tests.functional.cmdb.nautobot.fleet import STATUSES
from tests.functional.cmdb.nautobot.rest import Rest
from tests.oracle.oracle import Oracle
from tests.services.nautobot import Nautobot

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.xdist_group("nautobot")]

_SHOWN = "{ name config_context _custom_field_data primary_ip4 { host } }"
SHOWN = f"{{ devices {_SHOWN} virtual_machines {_SHOWN} }}"


def make_cases(rest: Rest) -> None:
    """Add contexts where Nautobot merges otherwise than Ansible."""

    def context(name: str, weight: int, data: dict[str, Any], **scope: object) -> None:
        rest.create("extras/config-contexts", name=name, weight=weight, data=data, **scope)

    hall = rest.one("dcim/locations", name="berlin 1")["id"]
    city = rest.one("dcim/locations", name="osaka")["id"]
    roles = {role["name"]: role["id"] for role in rest.list("extras/roles")}
    # Objects are merged key by key, lists are replaced, and null is a value.
    context(
        "hall",
        1500,
        {"ntp": {"tier": 2}, "dns": {"servers": ["a"], "search": None}},
        locations=[hall],
    )
    context(
        "databases",
        900,
        {"dns": {"servers": ["b", "c"]}, "from": "light role"},
        roles=[roles["database"]],
    )
    # A place may win over a role, and a role over a place.
    context("osaka", 2500, {"from": "heavy place", "ports": []}, locations=[city])
    # Of two of one weight the name decides.
    context("tie b", 7000, {"tie": {"b": 1, "who": "b"}})
    context("tie a", 7000, {"tie": {"a": 1, "who": "a"}})
    context("switched off", 9000, {"from": "nowhere"}, is_active=False)
    # Deeper than any merge of Ansible's, and by the device itself.
    device = rest.one("dcim/devices", name="device-00003")["id"]
    local = {"ntp": {"servers": [], "deep": {"er": {"and": "deeper"}}}, "from": {"an": "object"}}
    rest.change("dcim/devices", device, local_config_context_data=local)


@pytest.fixture
def mirror(
    organisation: Nautobot, rest: Rest, deploy: Callable[..., Deployment]
) -> Iterator[InventoryDriver]:
    """A mirror of the organisation, whose halls are in the regions of its cities."""
    make_cases(rest)
    deployment = deploy(region_types="city", active_statuses=",".join(STATUSES))
    with deployment.driver() as driver:
        assert driver.sync().rejected == 0
        yield driver


def shown(rest: Rest) -> dict[str, dict[str, Any]]:
    """What Nautobot shows of each host, as variables."""
    found = rest.graphql(SHOWN)
    return {
        row["name"]: {
            **row["config_context"],
            **{f"cf_{k}": v for k, v in row["_custom_field_data"].items() if v is not None},
            "ansible_host": row["primary_ip4"]["host"],
        }
        for row in [*found["devices"], *found["virtual_machines"]]
    }


def test_every_host_has_the_variables_that_nautobot_shows(
    mirror: InventoryDriver, rest: Rest, tmp_path: Path
) -> None:
    # Somebody adds a variable to a group: in Ansible, as in Nautobot, the host's own one wins.
    for group in mirror.scan(Group):
        if group.name == "role_web":
            mirror.update(Group, group.id, with_variable)
    effective: dict[str, object] = {}
    seen: dict[str, object] = {}
    with Oracle(tmp_path / "ansible") as oracle:
        for region in mirror.scan(Region):
            precedence = Precedence.load(mirror, region)
            hosts = [host for host in mirror.scan(Host) if host.region_id == region.id]
            effective.update((host.name, precedence.effective(host)) for host in hosts)
            directory = tmp_path / region.id
            unpack(mirror, region, directory)
            if hosts:
                listed = oracle.inventory(directory / "hosts")
                seen.update(listed["_meta"]["hostvars"])
    expected = shown(rest)
    assert len(expected) == 16
    extra = {"web_only": True}
    webs = {name for name in expected if int(name[-5:]) % 3 == 0}
    expected = {name: values | (extra if name in webs else {}) for name, values in expected.items()}
    assert effective == expected
    assert seen == expected
    assert {str(values["from"]) for values in expected.values()} >= {
        "heavy place",
        "tag",
        "itself",
        "{'an': 'object'}",
    }


def with_variable(group: Group) -> Group:
    """Return a group with variables of Craton's own."""
    return replace(group, variables=group.variables.merged({"from": "Craton", "web_only": True}))


def unpack(driver: InventoryDriver, region: Region, directory: Path) -> None:
    """Write the bundle of a region into a directory."""
    request = BundleRequest(
        region_id=region.id, target=Target.ANSIBLE, filters=HostFilters(), files=NO_FILES
    )
    with driver.snapshot() as reader, plan(reader, request, snapshot=True).collect() as spool:
        packed = io.BytesIO(b"".join(spool.archive(Format.TGZ)))
    with tarfile.open(fileobj=packed) as archive:
        archive.extractall(directory, filter="data")


def test_explain_names_nautobot_and_where_to_change_it(
    mirror: InventoryDriver, organisation: Nautobot
) -> None:
    host = next(host for host in mirror.scan(Host) if host.name == "device-00009")
    for group in mirror.scan(Group):
        if group.id in host.groups and group.name == "role_web":
            mirror.update(Group, group.id, with_variable)
    with mirror.snapshot() as reader:
        document = json.loads(explained(mirror, reader, host, NO_FILES))
    found = document["from"]
    assert found["value"] == "itself"
    assert found["source"] == {
        "kind": "host",
        "id": host.id,
        "name": "device-00009",
        "owner": "Nautobot",
        "url": f"{organisation.url}/dcim/devices/{host.id}/",
    }
    assert [source["name"] for source in found["overrides"]] == ["role_web"]
