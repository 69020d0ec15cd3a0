"""A small organisation for a Nautobot: places, kinds, contexts and groups, devices and machines.

Everything is made through the REST API, so it went through every check that Nautobot has. Which
of it a device gets follows from the device's number alone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from tests.functional.cmdb.nautobot.rest import Rest

DEVICE, MACHINE = "dcim.device", "virtualization.virtualmachine"
BOTH = [DEVICE, MACHINE]

CITIES = ("berlin", "lisbon", "osaka")
HALLS_PER_CITY = 2
ROLES = ("web", "database", "router")
PLATFORMS = ("debian", "rocky")
TENANTS = ("acme", "umbrella")
TAGS = ("edge", "pci")
STATUSES = ("Active", "Planned", "Offline")

#: Which config contexts apply where, by weight: name, weight, scope, data.
CONTEXTS: tuple[tuple[str, int, dict[str, tuple[str, str]], dict[str, Any]], ...] = (
    ("everywhere", 100, {}, {"ntp": {"servers": ["10.0.0.1"], "tier": 1}, "from": "everywhere"}),
    (
        "in berlin",
        1000,
        {"locations": ("dcim/locations", "berlin")},
        {"ntp": {"servers": ["10.1.0.1"]}, "from": "location"},
    ),
    ("web servers", 2000, {"roles": ("extras/roles", "web")}, {"ports": [80, 443], "from": "role"}),
    (
        "debian",
        3000,
        {"platforms": ("dcim/platforms", "debian")},
        {"package_manager": "apt", "from": "platform"},
    ),
    (
        "acme",
        4000,
        {"tenants": ("tenancy/tenants", "acme")},
        {"contact": "noc@acme.example", "from": "tenant"},
    ),
    ("card data", 5000, {"tags": ("extras/tags", "pci")}, {"audited": True, "from": "tag"}),
)


class Organisation:
    """Makes an organisation and remembers the ids of what it made, by endpoint and name."""

    def __init__(self, rest: Rest) -> None:
        self.rest = rest
        self._ids: dict[tuple[str, str], str] = {}

    def id(self, path: str, name: str) -> str:
        """The id of what has this name; looked up once."""
        if (path, name) not in self._ids:
            self._ids[path, name] = self.rest.one(path, name=name)["id"]
        return self._ids[path, name]

    def make_vocabulary(self) -> None:
        """Make what devices refer to: places, kinds, tenants, tags, custom fields, a network."""
        active = {"name": "Active"}
        create = self.rest.create
        placed = [DEVICE, "virtualization.cluster"]
        city = create("dcim/location-types", name="city", content_types=placed)
        hall = create("dcim/location-types", name="hall", parent=city, content_types=placed)
        self._named("dcim/locations", CITIES, location_type=city, status=active)
        for name in CITIES:
            halls = [f"{name} {number}" for number in range(1, HALLS_PER_CITY + 1)]
            parent = self.id("dcim/locations", name)
            self._named("dcim/locations", halls, location_type=hall, parent=parent, status=active)
        self._named("extras/roles", ROLES, content_types=BOTH)
        self._named("dcim/platforms", PLATFORMS)
        self._named("tenancy/tenants", TENANTS)
        self._named("extras/tags", TAGS, content_types=BOTH)
        maker = create("dcim/manufacturers", name="Tyrell")
        create("dcim/device-types", manufacturer=maker, model="Nexus 6")
        kind = create("virtualization/cluster-types", name="kvm")
        home = self.id("dcim/locations", "osaka 1")
        create("virtualization/clusters", name="cloud", cluster_type=kind, location=home)
        for key, of in (("rack_unit", "integer"), ("owner", "text"), ("on_call", "boolean")):
            create("extras/custom-fields", key=key, label=key, type=of, content_types=BOTH)
        create("ipam/prefixes", prefix="10.0.0.0/8", status=active, type="network")
        create("ipam/prefixes", prefix="2001:db8::/32", status=active, type="network")

    def make_contexts(self) -> None:
        """Make the config contexts."""
        for name, weight, scope, data in CONTEXTS:
            chosen = {field: [self.id(*what)] for field, what in scope.items()}
            self.rest.create(
                "extras/config-contexts", name=name, weight=weight, data=data, **chosen
            )

    def make_groups(self, static_members: Iterable[str] = ()) -> None:
        """Make dynamic groups of devices: by filter, of groups, of groups of groups, static.

        Nautobot works the members out as it saves a group: make the devices first.
        """

        def group(name: str, of: str, **fields: object) -> str:
            return self.rest.create(
                "extras/dynamic-groups", name=name, group_type=of, content_type=DEVICE, **fields
            )

        def nest(parent: str, child: str, operator: str, weight: int) -> None:
            self.rest.create(
                "extras/dynamic-group-memberships",
                parent_group=parent,
                group=child,
                operator=operator,
                weight=weight,
            )

        web = group("all web", "dynamic-filter", filter={"role": ["web"]})
        berlin = group("all in berlin", "dynamic-filter", filter={"location": ["berlin"]})
        edge = group("at the edge", "dynamic-filter", filter={"tags": ["edge"]})
        both = group("web in berlin", "dynamic-set")
        nest(both, web, "intersection", 10)
        nest(both, berlin, "intersection", 20)
        top = group("web in berlin or edge", "dynamic-set")
        nest(top, both, "union", 10)
        nest(top, edge, "union", 20)
        chosen = group("hand picked", "static")
        self.rest.create_all(
            "extras/static-group-associations",
            [
                {
                    "dynamic_group": chosen,
                    "associated_object_type": DEVICE,
                    "associated_object_id": member,
                }
                for member in static_members
            ],
        )

    def make_devices(self, count: int) -> list[str]:
        """Make devices with one interface each, and return their ids.

        Each has a primary IPv4 address; those with an even number have an IPv6 one, too.
        """
        made = self.rest.create_all("dcim/devices", (self.device(n) for n in range(count)))
        self._address(made, "device", "interface", "dcim", network=10 << 24)
        return made

    def make_machines(self, count: int) -> list[str]:
        """Make virtual machines in the same way."""
        made = self.rest.create_all(
            "virtualization/virtual-machines", (self.machine(n) for n in range(count))
        )
        self._address(
            made,
            "virtual_machine",
            "vm_interface",
            "virtualization",
            network=(10 << 24) + (1 << 23),
        )
        return made

    def device(self, number: int) -> dict[str, Any]:
        """What to create for a device."""
        city = CITIES[number % len(CITIES)]
        hall = f"{city} {number // len(CITIES) % HALLS_PER_CITY + 1}"
        return {
            **self._common(number),
            "name": f"device-{number:05}",
            "device_type": {"model": "Nexus 6"},
            "location": self.id("dcim/locations", hall),
            "serial": f"SN{number:08}",
            "asset_tag": f"asset-{number:05}",
            **({"local_config_context_data": {"from": "itself"}} if number % 10 == 9 else {}),
        }

    def machine(self, number: int) -> dict[str, Any]:
        """What to create for a virtual machine."""
        return {
            **self._common(number),
            "name": f"machine-{number:05}",
            "cluster": self.id("virtualization/clusters", "cloud"),
            "vcpus": 2,
            "memory": 4096,
        }

    def _common(self, number: int) -> dict[str, Any]:
        return {
            "status": {"name": STATUSES[number % 7 % len(STATUSES)]},
            "role": self.id("extras/roles", ROLES[number % len(ROLES)]),
            "platform": self.id("dcim/platforms", PLATFORMS[number % len(PLATFORMS)]),
            "tenant": self.id("tenancy/tenants", TENANTS[number // 2 % len(TENANTS)]),
            "tags": [
                self.id("extras/tags", tag)
                for place, tag in enumerate(TAGS)
                if number % (4 + place) == 0
            ],
            "custom_fields": {"rack_unit": number % 42, "owner": f"team-{number % 5}"},
        }

    def _named(self, path: str, names: Iterable[str], **fields: object) -> None:
        wanted = list(names)
        made = self.rest.create_all(path, ({"name": name, **fields} for name in wanted))
        self._ids.update(zip(((path, name) for name in wanted), made, strict=True))

    def _address(
        self, owners: list[str], owner: str, interface: str, app: str, *, network: int
    ) -> None:
        active = {"name": "Active"}
        kind = {"type": "virtual"} if app == "dcim" else {}
        ports = self.rest.create_all(
            f"{app}/interfaces",
            ({owner: one, "name": "eth0", "status": active, **kind} for one in owners),
        )
        primary: list[dict[str, object]] = [{"id": one} for one in owners]
        for field, every, address in (
            ("primary_ip4", 1, _version_4),
            ("primary_ip6", 2, _version_6),
        ):
            chosen = range(0, len(owners), every)
            made = self.rest.create_all(
                "ipam/ip-addresses",
                (
                    {"address": address(network + n + 1), "status": active, "namespace": "Global"}
                    for n in chosen
                ),
            )
            self.rest.create_all(
                "ipam/ip-address-to-interface",
                (
                    {"ip_address": one, interface: ports[n]}
                    for n, one in zip(chosen, made, strict=True)
                ),
            )
            for n, one in zip(chosen, made, strict=True):
                primary[n][field] = one
        path = "dcim/devices" if app == "dcim" else "virtualization/virtual-machines"
        self.rest.change_all(path, primary)


def _version_4(number: int) -> str:
    return f"{ipaddress.IPv4Address(number)}/24"


def _version_6(number: int) -> str:
    return f"{ipaddress.IPv6Address((0x20010DB8 << 96) + number)}/64"


def make(rest: Rest, devices: int = 12, machines: int = 4) -> Organisation:
    """Make a whole organisation in an empty Nautobot."""
    organisation = Organisation(rest)
    organisation.make_vocabulary()
    organisation.make_contexts()
    made = organisation.make_devices(devices)
    organisation.make_machines(machines)
    organisation.make_groups(static_members=made[:3])
    return organisation
