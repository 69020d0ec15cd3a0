"""Adds, changes and deletes devices by the thousand in an organisation made through the REST API.

All of it goes past Nautobot's own checks, its change log and its caches of group members, which
cost a tenth of a second a device.

Each argument is an action, done in this order, all in one transaction:

add FIRST COUNT
    Devices FIRST to FIRST + COUNT - 1, each with an interface and a primary IPv4 address. What a
    device gets follows from its number, as in the small organisation.
change EVERY
    Gives every so-many-th device, by name, another serial number.
delete EVERY
    Deletes every so-many-th device and what belongs to it.

A line is printed for each device: the action and the device's id.
"""

from __future__ import annotations

import sys
from ipaddress import IPv4Address
from itertools import product
from uuid import UUID

import nautobot

nautobot.setup()

from django.contrib.contenttypes.models import ContentType  # noqa: E402
from django.db import transaction  # noqa: E402
from django.db.models import Value  # noqa: E402
from django.db.models.functions import Concat  # noqa: E402
from django.utils import timezone  # noqa: E402
from nautobot.dcim.models import Device, DeviceType, Interface, Location, Platform  # noqa: E402
from nautobot.extras.models import Role, StaticGroupAssociation, Status, Tag, TaggedItem  # noqa: E402
from nautobot.ipam.models import IPAddress, IPAddressToInterface, Prefix  # noqa: E402
from nautobot.tenancy.models import Tenant  # noqa: E402

AT_ONCE = 2000

#: Device 0 has this address, device 1 the next.
NETWORK = IPv4Address("10.0.0.1")


def make(numbers: range) -> list[Device]:
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


def tag(numbers: range, devices: list[Device]) -> None:
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


def add(first: int, count: int) -> list[UUID]:
    """Make and tag the devices of a range of numbers; return the ids."""
    numbers = range(first, first + count)
    devices = make(numbers)
    tag(numbers, devices)
    return [device.pk for device in devices]


def change(every: int) -> list[UUID]:
    """Change every so-many-th device; return the ids."""
    chosen = chosen_ids(every)
    now = timezone.now()
    for start in range(0, len(chosen), AT_ONCE):
        batch = Device.objects.filter(pk__in=chosen[start : start + AT_ONCE])
        batch.update(serial=Concat("serial", Value("-new")), last_updated=now)
    return chosen


def delete(every: int) -> list[UUID]:
    """Delete every so-many-th device with its interface, assignments and tags; return the ids."""
    chosen = chosen_ids(every)
    for model, condition in (
        (IPAddressToInterface, "interface__device__in"),
        (Interface, "device__in"),
        (TaggedItem, "object_id__in"),
        (StaticGroupAssociation, "associated_object_id__in"),
        (Device, "pk__in"),
    ):
        rows = getattr(model, "all_objects", model.objects).filter(**{condition: chosen})
        rows = model._base_manager.filter(pk__in=list(rows.values_list("pk", flat=True)))
        rows._raw_delete(rows.db)
    return chosen


def chosen_ids(every: int) -> list[UUID]:
    """The ids of every so-many-th device, in the order of their names."""
    return list(Device.objects.order_by("name").values_list("pk", flat=True)[::every])


ACTIONS = {"add": add, "change": change, "delete": delete}

with transaction.atomic():
    for argument in sys.argv[1:]:
        action, *numbers = argument.split()
        for identity in ACTIONS[action](*map(int, numbers)):
            print(action, identity)
