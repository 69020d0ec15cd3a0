"""A Nautobot for the drivers' conformance kit: what it owns is made through its REST API."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oslo_config import cfg

from craton.backends.cmdb.nautobot.naming import region_id
from craton.driver import InventoryDriver
from craton.models import E, Entity, Host, Region, Tenant, links
from craton.testing import Harness
from tests.functional.cmdb.nautobot.deployment import Deployment
from tests.functional.cmdb.nautobot.fleet import DEVICE
from tests.functional.cmdb.nautobot.rest import Rest
from tests.services.nautobot import Nautobot

#: Fields of Craton's that have no place in Nautobot, and the types of custom fields for them.
_FIELDS = {
    "project_id": ("text", "tenancy.tenant"),
    "customer": ("text", "tenancy.tenant"),
    "ssh_port": ("integer", DEVICE),
    "ssh_user": ("text", DEVICE),
}
OPTIONS = {
    "fields": ",".join(f"{name}:{name}" for name in _FIELDS),
    "asset_id": "serial",
    # Each device has a role; the kit wants hosts without a group.
    "group_prefixes": "tags:tag_",
    "region_types": "site",
    "timeout": 20,
}

#: What the kit's objects are, by the tables that they are in: the quickest way to be rid of them.
_TABLES = (
    *("ipam_ipaddresstointerface", "dcim_interface", "dcim_device", "ipam_ipaddress"),
    *("dcim_location", "tenancy_tenant", "extras_objectchange"),
)


class Ground:
    """A Nautobot with all that tenants, regions and hosts of the kit refer to."""

    def __init__(self, nautobot: Nautobot, rest: Rest) -> None:
        self.nautobot, self.rest = nautobot, rest
        active = {"name": "Active"}
        # Regions of two tenants may have one name; topmost locations may not.
        self.estate_kind = rest.create("dcim/location-types", name="estate")
        self.kind = rest.create(
            "dcim/location-types", name="site", parent=self.estate_kind, content_types=[DEVICE]
        )
        maker = rest.create("dcim/manufacturers", name="Tyrell")
        self.model = rest.create("dcim/device-types", manufacturer=maker, model="Nexus 6")
        self.role = rest.create("extras/roles", name="any", content_types=[DEVICE])
        for prefix in ("0.0.0.0/0", "::/0"):
            rest.create("ipam/prefixes", prefix=prefix, status=active, type="network")
        for key, (type, of) in _FIELDS.items():
            rest.create("extras/custom-fields", key=key, label=key, type=type, content_types=[of])
        self.estates: dict[str, str] = {}
        self.locations: dict[str, tuple[str, str]] = {}

    def clear(self) -> None:
        """Have no tenants, regions and hosts."""
        self.nautobot.postgres.execute(
            ";".join(f"DELETE FROM {table}" for table in _TABLES), database="nautobot"
        )
        self.estates.clear()
        self.locations.clear()

    def add(self, entities: Sequence[Entity]) -> list[str]:
        """Make what the entities say, and return their ids, in their order."""
        found: dict[int, str] = {}
        for kind, make in ((Tenant, self._tenants), (Region, self._regions), (Host, self._hosts)):
            chosen = [(n, entity) for n, entity in enumerate(entities) if type(entity) is kind]
            if chosen:
                made = make([entity for _, entity in chosen])
                found.update(zip((n for n, _ in chosen), made, strict=True))
        return [found[n] for n in range(len(entities))]

    def _tenants(self, tenants: Sequence[Any]) -> list[str]:
        return self.rest.create_all(
            "tenancy/tenants",
            (
                {
                    "name": tenant.name,
                    "description": tenant.description,
                    "custom_fields": _custom(tenant),
                }
                for tenant in tenants
            ),
        )

    def _regions(self, regions: Sequence[Any]) -> list[str]:
        made = self.rest.create_all(
            "dcim/locations",
            (
                {
                    "name": region.name,
                    "description": region.description,
                    "location_type": self.kind,
                    "parent": self._estate(region.tenant_id),
                    "status": {"name": "Active"},
                    "tenant": region.tenant_id,
                }
                for region in regions
            ),
        )
        ids = [region_id(id, of.tenant_id) for id, of in zip(made, regions, strict=True)]
        for region, location, of in zip(ids, made, regions, strict=True):
            self.locations[region] = (location, of.tenant_id)
        return ids

    def _estate(self, tenant_id: str) -> str:
        """Return the location that all regions of a tenant are in."""
        if tenant_id not in self.estates:
            self.estates[tenant_id] = self.rest.create(
                "dcim/locations",
                name=tenant_id,
                location_type=self.estate_kind,
                status={"name": "Active"},
            )
        return self.estates[tenant_id]

    def _hosts(self, hosts: Sequence[Any]) -> list[str]:
        made = self.rest.create_all("dcim/devices", map(self._device, hosts))
        addressed = [
            (id, host) for id, host in zip(made, hosts, strict=True) if host.ip_address is not None
        ]
        if addressed:
            self._address(addressed)
        return made

    def _device(self, host: Any) -> dict[str, Any]:
        location, tenant = self.locations[host.region_id]
        return {
            "name": host.name,
            "device_type": self.model,
            "role": self.role,
            "location": location,
            "tenant": tenant,
            "status": {"name": "Active" if host.active else "Offline"},
            "serial": host.asset_id or "",
            "custom_fields": _custom(host),
            "local_config_context_data": _context(host),
        }

    def _address(self, hosts: Sequence[tuple[str, Any]]) -> None:
        active = {"name": "Active"}
        ports = self.rest.create_all(
            "dcim/interfaces",
            (
                {"device": id, "name": "eth0", "type": "virtual", "status": active}
                for id, _ in hosts
            ),
        )
        wanted = sorted({host.ip_address for _, host in hosts})
        made = self.rest.create_all(
            "ipam/ip-addresses",
            (
                {
                    "address": f"{one}/{128 if ':' in one else 32}",
                    "namespace": "Global",
                    "status": active,
                }
                for one in wanted
            ),
        )
        ids = dict(zip(wanted, made, strict=True))
        self.rest.create_all(
            "ipam/ip-address-to-interface",
            (
                {"ip_address": ids[host.ip_address], "interface": port}
                for port, (_, host) in zip(ports, hosts, strict=True)
            ),
        )
        self.rest.change_all(
            "dcim/devices",
            (
                {
                    "id": id,
                    "primary_ip6" if ":" in host.ip_address else "primary_ip4": ids[
                        host.ip_address
                    ],
                }
                for id, host in hosts
            ),
        )


class NautobotDriverHarness(Harness):
    """The driver cmdb on a Nautobot, with its mirror in SQLite.

    Args:
        ground: The Nautobot.
        deployment: The configuration, in a directory of the test's own.
        template: The directory of a mirror of the Nautobot without anything of the kit's.
    """

    waivers: Mapping[str, str] = {
        "TEXT-1": "Nautobot's API trims strings, and takes no description of 256 characters"
    }

    def __init__(self, ground: Ground, deployment: Deployment, template: Path) -> None:
        self.ground, self.deployment, self.template = ground, deployment, template

    def settings(self) -> cfg.ConfigOpts:
        return self.deployment.settings()

    def reset(self) -> None:
        self.ground.clear()
        shutil.rmtree(self.deployment.state, ignore_errors=True)
        shutil.copytree(self.template, self.deployment.state)

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Move the mirror away; connections that are older than a second are made anew."""
        state = self.deployment.state
        away = state.with_name("away")
        state.rename(away)
        time.sleep(1.1)
        try:
            yield
        finally:
            away.rename(state)

    def seed(self, driver: InventoryDriver, entities: Sequence[E]) -> list[E]:
        owned = driver.capabilities.amendable
        if not any(type(entity) in owned for entity in entities):
            return super().seed(driver, entities)
        ids = self.ground.add(entities)
        driver.sync()
        assert not driver.mirror_status().rejected
        return [
            _amended(driver, dataclasses.replace(entity, id=id))
            for id, entity in zip(ids, entities, strict=True)
        ]


def _context(host: Any) -> dict[str, Any] | None:
    """Return the variables of a host, unless PostgreSQL would change one; then they are Craton's.

    Its jsonb keeps neither the order of keys nor every number as it was written.
    """
    values = host.variables.decode()
    return values if values and _is_plain(list(values.values())) else None


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return len(value) < 2 and _is_plain(list(value.values()))
    return not isinstance(value, float) and not (isinstance(value, int) and abs(value) > 2**53)


def _custom(entity: Entity) -> dict[str, Any]:
    return {name: getattr(entity, name) or None for name in _FIELDS if hasattr(entity, name)}


def _amended(driver: InventoryDriver, entity: E) -> E:
    """Add the part that is Craton's own."""
    stored = driver.get(type(entity), entity.id)
    variables: Any = getattr(entity, "variables", None)
    linked = any(getattr(entity, name) for name, _ in links(type(entity)))
    if not variables and not linked and not getattr(entity, "templated", ()):
        return stored
    own = {name: getattr(entity, name) for name in ("variables", "templated")}
    own |= {name: getattr(entity, name) for name, _ in links(type(entity))}
    return driver.replace(dataclasses.replace(stored, **own))


def deployed(nautobot: Nautobot, directory: Path) -> Deployment:
    """Configure Craton for the kit, in a directory."""
    more = "[database]\nconnection_recycle_time = 1\n"
    return Deployment(directory, nautobot.url, nautobot.token, None, dict(OPTIONS), {}, more)
