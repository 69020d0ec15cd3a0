"""Whatever somebody changes in Nautobot is in the next stream, or in a full one; never less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from craton.cmdb import CmdbAdapter, End
from craton.models import Group, Host, Region, Tenant
from craton.testing.adapters.mirror import Mirror
from tests.functional.cmdb.nautobot.deployment import Deployment
from tests.functional.cmdb.nautobot.fleet import BOTH, DEVICE
from tests.functional.cmdb.nautobot.rest import Rest
from tests.services.nautobot import Nautobot

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.xdist_group("nautobot")]

ACTIVE = {"name": "Active"}


class Editor:
    """Somebody who works in the organisation."""

    def __init__(self, rest: Rest) -> None:
        self.rest = rest

    def id(self, path: str, name: str) -> str:
        return str(self.rest.one(path, name=name)["id"])

    def change(self, path: str, which: str, /, **fields: object) -> None:
        self.rest.change(path, self.id(path, which), **fields)

    def device(self, number: int, /, **fields: object) -> None:
        self.change("dcim/devices", f"device-{number:05}", **fields)

    def delete(self, path: str, name: str) -> None:
        self.rest.delete(path, self.id(path, name))

    # -- what touches hosts, and is told by them ---------------------------------------------------

    def fields_of_a_device(self) -> None:
        self.device(1, asset_tag="other", status={"name": "Offline"}, custom_fields={"owner": "me"})

    def local_context(self) -> None:
        self.device(2, local_config_context_data={"from": "local", "new": [1]})

    def name(self) -> None:
        self.device(3, name="renamed")

    def tags(self) -> None:
        self.device(4, tags=[{"name": "pci"}])

    def place_role_platform_and_tenant(self) -> None:
        self.device(
            5,
            location=self.id("dcim/locations", "berlin 2"),
            role=self.id("extras/roles", "web"),
            platform=None,
            tenant=None,
        )

    def address(self) -> None:
        device = self.rest.one("dcim/devices", name="device-00006")
        self.rest.delete("ipam/ip-addresses", device["primary_ip4"]["id"])

    def creation(self) -> None:
        kind = {"model": "Nexus 6"}
        for name, place in (("new", "osaka 1"), (None, "osaka 2")):
            self.rest.create(
                "dcim/devices",
                name=name,
                device_type=kind,
                role=self.id("extras/roles", "router"),
                location=self.id("dcim/locations", place),
                status=ACTIVE,
            )

    def deletion(self) -> None:
        self.delete("dcim/devices", "device-00007")
        self.delete("virtualization/virtual-machines", "machine-00001")

    def machine(self) -> None:
        self.change("virtualization/virtual-machines", "machine-00002", role=None, vcpus=4)

    def members_of_a_static_group(self) -> None:
        self.rest.create(
            "extras/static-group-associations",
            dynamic_group=self.id("extras/dynamic-groups", "hand picked"),
            associated_object_type=DEVICE,
            associated_object_id=self.id("dcim/devices", "device-00008"),
        )

    def members_of_a_filter(self) -> None:
        # It has the members that Nautobot found as the group was saved last.
        self.rest.change("extras/dynamic-groups", self.id("extras/dynamic-groups", "all web"))

    def places_that_are_new(self) -> None:
        kind = self.id("dcim/location-types", "city")
        tenant = self.rest.create("tenancy/tenants", name="initech")
        self.rest.create(
            "dcim/locations", name="oslo", location_type=kind, status=ACTIVE, tenant=tenant
        )
        self.rest.create("extras/tags", name="unused", content_types=BOTH)
        self.rest.create("extras/roles", name="unused", content_types=BOTH)

    # -- what does not touch them ------------------------------------------------------------------

    def names_of_what_makes_groups(self) -> None:
        self.change("extras/tags", "edge", name="brink")
        self.change("extras/roles", "router", name="switch")
        self.change("dcim/platforms", "rocky", name="alma")
        self.change("extras/dynamic-groups", "hand picked", name="chosen")

    def name_of_a_tenant(self) -> None:
        self.change("tenancy/tenants", "acme", name="ACME", description="a customer")

    def name_of_a_status(self) -> None:
        self.change("extras/statuses", "Active", name="Live")

    def name_of_a_location(self) -> None:
        self.change("dcim/locations", "lisbon", name="lisboa")

    def hall_that_moves(self) -> None:
        berlin = self.id("dcim/locations", "berlin")
        self.change("dcim/locations", "osaka 2", parent=berlin)

    def tenant_of_a_place(self) -> None:
        tenant = self.id("tenancy/tenants", "umbrella")
        self.change("dcim/locations", "berlin", tenant=tenant)

    def context(self) -> None:
        self.change("extras/config-contexts", "everywhere", data={"from": "anywhere"})

    def scope_of_a_context(self) -> None:
        place = self.id("dcim/locations", "osaka")
        self.change("extras/config-contexts", "in berlin", locations=[place])

    def context_that_is_new(self) -> None:
        self.rest.create("extras/config-contexts", name="late", weight=9999, data={"late": True})

    def context_that_goes(self) -> None:
        self.delete("extras/config-contexts", "card data")

    def tag_that_goes(self) -> None:
        self.delete("extras/tags", "pci")

    def custom_field_with_a_default(self) -> None:
        self.rest.create(
            "extras/custom-fields",
            key="shift",
            label="shift",
            type="text",
            default="late",
            content_types=BOTH,
        )

    def place_of_a_cluster(self) -> None:
        place = self.id("dcim/locations", "berlin 1")
        self.change("virtualization/clusters", "cloud", location=place)


TOLD = (
    Editor.fields_of_a_device,
    Editor.local_context,
    Editor.name,
    Editor.tags,
    Editor.place_role_platform_and_tenant,
    Editor.address,
    Editor.creation,
    Editor.deletion,
    Editor.machine,
    Editor.members_of_a_static_group,
    Editor.members_of_a_filter,
    Editor.places_that_are_new,
)
UNTOLD = (
    Editor.names_of_what_makes_groups,
    Editor.name_of_a_tenant,
    Editor.name_of_a_status,
    Editor.name_of_a_location,
    Editor.hall_that_moves,
    Editor.tenant_of_a_place,
    Editor.context,
    Editor.scope_of_a_context,
    Editor.context_that_is_new,
    Editor.context_that_goes,
    Editor.tag_that_goes,
    Editor.custom_field_with_a_default,
    Editor.place_of_a_cluster,
)


@pytest.fixture
def adapter(organisation: Nautobot, deploy: Callable[..., Deployment]) -> CmdbAdapter:
    """Reads the organisation; the regions are its cities."""
    return deploy(region_types="city").adapter()


def in_full(adapter: CmdbAdapter) -> Mirror:
    mirror = Mirror()
    mirror.follow(adapter)
    return mirror


def compare(mirror: Mirror, full: Mirror, what: str) -> None:
    """Check that a mirror knows all that there is; empty groups and regions may stay a while."""
    for kind in (Tenant, Region, Group, Host):
        known, there = (
            {id: found for (of, id), found in one.present.items() if of is kind}
            for one in (mirror, full)
        )
        if kind in (Group, Region):
            known = {id: found for id, found in known.items() if id in there}
        assert known == there, what
    assert mirror.unusable == full.unusable, what
    assert mirror.dangling() == [], what


def test_what_touches_hosts_is_told_without_reading_the_others(
    adapter: CmdbAdapter, rest: Rest
) -> None:
    editor = Editor(rest)
    mirror = in_full(adapter)
    before = mirror.copy()
    for change in TOLD:
        change(editor)
        items: list[Any] = mirror.follow(adapter)
        assert isinstance(items[-1], End)
        assert not items[-1].everything, change.__name__
        assert len(items) > 1, change.__name__
        hosts = {item.entity.id for item in items if isinstance(getattr(item, "entity", 0), Host)}
        assert len(hosts) <= 4, change.__name__
        compare(mirror, in_full(adapter), change.__name__)
    # All at once, from an old token.
    before.follow(adapter)
    compare(before, in_full(adapter), "all")
    assert next(found.name for found in mirror.unusable.values()).startswith("(unnamed)")


def test_what_touches_no_host_is_told_all_the_same(adapter: CmdbAdapter, rest: Rest) -> None:
    editor = Editor(rest)
    mirror = in_full(adapter)
    for change in UNTOLD:
        before = dict(mirror.present)
        change(editor)
        mirror.follow(adapter)
        assert mirror.present != before, change.__name__
        compare(mirror, in_full(adapter), change.__name__)


def test_everything_is_read_again_after_a_while(
    organisation: Nautobot, deploy: Callable[..., Deployment]
) -> None:
    adapter = deploy(full_interval=0).adapter()
    items = list(adapter.changes(None))
    assert isinstance(items[-1], End)
    again = list(adapter.changes(items[-1].token))[-1]
    assert isinstance(again, End)
    assert again.everything
