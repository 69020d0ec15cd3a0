"""The tests' Nautobot is a real one, and does what the other tests do to it."""

from __future__ import annotations

from ipaddress import IPv4Address

import psutil
import pytest
import requests

from tests.functional.cmdb.nautobot.rest import Refused, Rest
from tests.services.nautobot import Nautobot

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.xdist_group("nautobot")]

CONTEXTS = """
query ($name: [String]) { devices(name: $name) { name config_context } }
"""


def test_serves_rest_and_graphql_to_who_has_the_token(nautobot: Nautobot, rest: Rest) -> None:
    assert rest.send("GET", "status")["nautobot-version"].startswith("3.2.")
    assert rest.graphql("{ devices { id } }") == {"devices": []}
    with Rest(nautobot.url, "0" * 40) as stranger, pytest.raises(Refused, match="403"):
        stranger.graphql("{ devices { id } }")


def test_reset_leaves_nothing_of_what_was_made(nautobot: Nautobot, rest: Rest) -> None:
    rest.create("tenancy/tenants", name="acme")
    assert [tenant["name"] for tenant in rest.list("tenancy/tenants")] == ["acme"]
    nautobot.reset()
    assert list(rest.list("tenancy/tenants")) == []
    assert list(rest.list("extras/object-changes")) == []


def test_snapshot_brings_back_what_was_there(nautobot: Nautobot, rest: Rest) -> None:
    rest.create("tenancy/tenants", name="acme")
    nautobot.take_snapshot("one_tenant")
    rest.create("tenancy/tenants", name="umbrella")
    nautobot.reset("one_tenant")
    assert [tenant["name"] for tenant in rest.list("tenancy/tenants")] == ["acme"]


@pytest.mark.usefixtures("organisation")
def test_organisation_has_every_device_with_addresses_and_context(rest: Rest) -> None:
    devices = list(rest.list("dcim/devices"))
    assert [device["name"] for device in devices] == [f"device-{n:05}" for n in range(12)]
    assert all(device["primary_ip4"] for device in devices)
    assert sum(device["primary_ip6"] is not None for device in devices) == 6
    assert len(list(rest.list("virtualization/virtual-machines"))) == 4

    found = rest.graphql(CONTEXTS, name=["device-00000", "device-00009"])["devices"]
    assert {device["name"]: device["config_context"] for device in found} == {
        "device-00000": {
            "ntp": {"servers": ["10.1.0.1"], "tier": 1},
            "ports": [80, 443],
            "package_manager": "apt",
            "contact": "noc@acme.example",
            "audited": True,
            "from": "tag",
        },
        "device-00009": {
            "ntp": {"servers": ["10.1.0.1"], "tier": 1},
            "ports": [80, 443],
            "contact": "noc@acme.example",
            "from": "itself",
        },
    }


@pytest.mark.usefixtures("organisation")
def test_organisation_has_groups_of_every_kind(rest: Rest) -> None:
    members = {
        group["name"]: {
            int(member["name"].removeprefix("device-"))
            for member in rest.list(f"extras/dynamic-groups/{group['id']}/members")
        }
        for group in rest.list("extras/dynamic-groups")
    }
    every = range(12)
    web, berlin, edge = (
        {n for n in every if n % 3 == 0},
        {n for n in every if n % 3 == 0},
        {n for n in every if n % 4 == 0},
    )
    assert members == {
        "all web": web,
        "all in berlin": berlin,
        "at the edge": edge,
        "web in berlin": web & berlin,
        "web in berlin or edge": web & berlin | edge,
        "hand picked": {0, 1, 2},
    }


def test_volume_adds_changes_and_deletes(organisation: Nautobot, rest: Rest) -> None:
    done = organisation.in_volume("add 12 300", "change 10", "delete 20")
    assert [len(done[action]) for action in ("add", "change", "delete")] == [300, 32, 16]

    devices = rest.graphql("{ devices { id name serial primary_ip4 { host } } }")["devices"]
    numbers = [number for number in range(312) if number % 20]
    assert [device["name"] for device in devices] == [f"device-{n:05}" for n in numbers]
    assert [device["primary_ip4"]["host"] for device in devices] == [
        str(IPv4Address("10.0.0.1") + n) for n in numbers
    ]
    changed = {device["id"] for device in devices if device["serial"].endswith("-new")}
    assert changed == set(done["change"]) - set(done["delete"])


@pytest.mark.usefixtures("organisation")
def test_changes_and_deletions_are_in_the_change_log(rest: Rest) -> None:
    device = next(rest.list("dcim/devices"))["id"]
    machine = next(rest.list("virtualization/virtual-machines"))["id"]
    rest.change_all("dcim/devices", [{"id": device, "serial": "changed"}])
    rest.delete("virtualization/virtual-machines", machine)
    logged = {
        (change["action"]["value"], change["changed_object_id"])
        for change in rest.list("extras/object-changes")
    }
    assert {("update", device), ("delete", machine)} <= logged


def test_paused_server_keeps_callers_waiting_and_goes_on(nautobot: Nautobot, rest: Rest) -> None:
    nautobot.process.pause()
    with pytest.raises(requests.Timeout):
        requests.get(f"{nautobot.url}/health/", timeout=0.5)
    server = psutil.Process(nautobot.process.pid)
    family = [server, *server.children(recursive=True)]
    assert {process.status() for process in family} == {psutil.STATUS_STOPPED}
    nautobot.process.resume()
    assert rest.send("GET", "status")


def test_killed_server_refuses_and_starts_again_with_its_data(
    nautobot: Nautobot, rest: Rest
) -> None:
    rest.create("tenancy/tenants", name="acme")
    nautobot.process.kill()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{nautobot.url}/health/", timeout=5)
    nautobot.process.start()
    assert [tenant["name"] for tenant in rest.list("tenancy/tenants")] == ["acme"]


def test_revoked_token_opens_nothing_more(nautobot: Nautobot, rest: Rest) -> None:
    identity, token = rest.issue_token()
    with Rest(nautobot.url, token) as other:
        assert list(other.list("dcim/devices")) == []
        rest.revoke_token(identity)
        with pytest.raises(Refused, match="403"):
            other.send("GET", "dcim/devices")
    assert list(rest.list("dcim/devices")) == []
