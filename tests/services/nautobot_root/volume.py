"""Adds devices by the thousand to an organisation that was made through the REST API.

volume.py FIRST COUNT: numbers FIRST to FIRST + COUNT - 1, each with an interface and a primary
IPv4 address, past Nautobot's own checks and its change log. What a device gets follows from its
number, as in the small organisation.
"""

import sys
from ipaddress import IPv4Address
from itertools import product

import nautobot

nautobot.setup()

from django.contrib.contenttypes.models import ContentType  # noqa: E402
from django.db import transaction  # noqa: E402
from nautobot.dcim.models import Device, DeviceType, Interface, Location, Platform  # noqa: E402
from nautobot.extras.models import Role, Status, Tag, TaggedItem  # noqa: E402
from nautobot.ipam.models import IPAddress, IPAddressToInterface, Prefix  # noqa: E402
from nautobot.tenancy.models import Tenant  # noqa: E402

AT_ONCE = 2000

#: Device 0 has this address, device 1 the next.
NETWORK = IPv4Address("10.0.0.1")


def make(numbers):
    """Make the devices with these numbers."""
    active = Status.objects.get(name="Active")
    kind = DeviceType.objects.get(model="Nexus 6")
    halls = list(Location.objects.filter(location_type__name="hall").order_by("name"))
    roles = list(Role.objects.filter(name__in=["web", "database", "router"]).order_by("-name"))
    platforms, tenants = list(Platform.objects.all()), list(Tenant.objects.all())
    parent = Prefix.objects.get(prefix="10.0.0.0/8")
    devices = [
        Device(
            name=f"device-{n:05}",
            device_type=kind,
            status=active,
            serial=f"SN{n:08}",
            asset_tag=f"asset-{n:05}",
            location=halls[n % len(halls)],
            role=roles[n % len(roles)],
            platform=platforms[n % len(platforms)],
            tenant=tenants[n // 2 % len(tenants)],
            _custom_field_data={"rack_unit": n % 42, "owner": f"team-{n % 5}", "on_call": None},
            local_config_context_data={"from": "itself"} if n % 10 == 9 else None,
        )
        for n in numbers
    ]
    addresses = [
        IPAddress(address=f"{NETWORK + n}/24", parent=parent, status=active) for n in numbers
    ]
    for device, address in zip(devices, addresses, strict=True):
        device.primary_ip4 = address
    ports = [Interface(device=d, name="eth0", type="virtual", status=active) for d in devices]
    IPAddress.objects.bulk_create(addresses, AT_ONCE)
    Device.objects.bulk_create(devices, AT_ONCE)
    Interface.objects.bulk_create(ports, AT_ONCE)
    IPAddressToInterface.objects.bulk_create(
        (
            IPAddressToInterface(ip_address=address, interface=port)
            for address, port in zip(addresses, ports, strict=True)
        ),
        AT_ONCE,
    )
    return devices


def tag(numbers, devices):
    """Tag the devices by their numbers."""
    kind = ContentType.objects.get_for_model(Device)
    TaggedItem.objects.bulk_create(
        (
            TaggedItem(content_type=kind, object_id=device.pk, tag=label)
            for (every, label), (n, device) in product(
                enumerate(Tag.objects.order_by("name"), start=4), zip(numbers, devices, strict=True)
            )
            if n % every == 0
        ),
        AT_ONCE,
    )


with transaction.atomic():
    first, count = map(int, sys.argv[1:])
    chosen = range(first, first + count)
    tag(chosen, make(chosen))
