"""Machines for the conformance kits, put into a Nautobot's database by the statement.

The REST API takes a fifth of a second for a machine with an address, and the kits want thousands.
What Nautobot does when somebody changes something through its API is tested elsewhere.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from uuid import uuid4

from craton.testing.adapters import Machine
from tests.functional.cmdb.nautobot.fleet import DEVICE
from tests.functional.cmdb.nautobot.rest import Rest
from tests.services.nautobot import Nautobot

_DATABASE = "nautobot"

#: Machines of one statement, which has to fit an argument of a program.
_AT_ONCE = 300


class Floor:
    """A place for machines, and the one that others are copied from, which is not there any more.

    Attributes:
        ids: The ids of the machines by name.
    """

    def __init__(self, nautobot: Nautobot, rest: Rest) -> None:
        self._postgres = nautobot.postgres
        active = {"name": "Active"}
        kind = rest.create("dcim/location-types", name="site", content_types=[DEVICE])
        place = rest.create("dcim/locations", name="here", location_type=kind, status=active)
        maker = rest.create("dcim/manufacturers", name="Tyrell")
        model = rest.create("dcim/device-types", manufacturer=maker, model="Nexus 6")
        role = rest.create("extras/roles", name="any", content_types=[DEVICE])
        parents = [
            rest.create("ipam/prefixes", prefix=prefix, status=active, type="network")
            for prefix in ("0.0.0.0/0", "::/0")
        ]
        pattern = rest.create(
            "dcim/devices",
            name="pattern",
            device_type=model,
            role=role,
            location=place,
            status=active,
        )
        address = rest.create(
            "ipam/ip-addresses", address="192.0.2.1/32", namespace="Global", status=active
        )
        self._run(
            f"CREATE TABLE pattern_device AS SELECT * FROM dcim_device WHERE id = '{pattern}'",
            f"CREATE TABLE pattern_address AS SELECT * FROM ipam_ipaddress WHERE id = '{address}'",
            "CREATE TABLE pattern_prefix AS SELECT version, id FROM (VALUES "
            f"(4, '{parents[0]}'::uuid), (6, '{parents[1]}'::uuid)) AS p (version, id)",
            "CREATE TABLE pattern_kind AS SELECT id FROM django_content_type "
            "WHERE app_label = 'dcim' AND model = 'device'",
        )
        rest.delete("dcim/devices", pattern)
        rest.delete("ipam/ip-addresses", address)
        _furnish(rest)
        self.ids: dict[str, str] = {}

    def put(self, machines: Sequence[Machine]) -> None:
        """Have these machines."""
        for start in range(0, len(machines), _AT_ONCE):
            self._put(machines[start : start + _AT_ONCE])

    def _put(self, machines: Sequence[Machine]) -> None:
        wanted = {machine.name: machine for machine in machines}
        new = [name for name in wanted if name not in self.ids]
        self.ids.update((name, str(uuid4())) for name in new)
        addresses = {machine.address for machine in wanted.values()}
        groups = {group for machine in wanted.values() for group in machine.groups}
        self._run(
            _addresses(addresses),
            _devices((self.ids[name], name) for name in new),
            _touch((self.ids[name], machine.address) for name, machine in wanted.items()),
            f"DELETE FROM extras_taggeditem WHERE object_id IN ({self._list(wanted)})",
            *map(_tag, groups),
            *(
                _tagged(self.ids[name], group)
                for name, machine in wanted.items()
                for group in machine.groups
            ),
        )

    def twin(self, name: str) -> None:
        """Add another machine of the name, in the same place."""
        self._run(_devices([(str(uuid4()), name)]))

    def rename(self, name: str, new: str) -> None:
        """Call a machine something else."""
        self.ids[new] = self.ids.pop(name)
        self._change(new, f"name = {_text(new)}")

    def spoil(self, name: str) -> None:
        """Take its name from a machine."""
        self._change(name, "name = NULL")

    def remove(self, names: Iterable[str]) -> None:
        """Delete machines."""
        gone = list(names)
        if gone:
            self._run(
                f"DELETE FROM extras_taggeditem WHERE object_id IN ({self._list(gone)})",
                f"DELETE FROM dcim_device WHERE id IN ({self._list(gone)})",
            )
        for name in gone:
            del self.ids[name]

    def clear(self) -> None:
        """Delete everything that was put here."""
        self._run(
            "DELETE FROM extras_taggeditem",
            "DELETE FROM dcim_device",
            "DELETE FROM ipam_ipaddress",
            "DELETE FROM extras_tag_content_types",
            "DELETE FROM extras_tag",
        )
        self.ids.clear()

    def _change(self, name: str, what: str) -> None:
        self._run(
            f"UPDATE dcim_device SET {what}, last_updated = clock_timestamp() "
            f"WHERE id = '{self.ids[name]}'"
        )

    def _list(self, names: Iterable[str]) -> str:
        return ", ".join(f"'{self.ids[name]}'" for name in names)

    def _run(self, *statements: str) -> None:
        # One transaction, as a request would be.
        self._postgres.execute(";\n".join(filter(None, statements)), database=_DATABASE)


def _furnish(rest: Rest) -> None:
    """Have one of most sorts: the adapter asks whether it may see those that it does not see."""
    rest.create("tenancy/tenant-groups", name="any")
    rest.create("tenancy/tenants", name="nobody")
    rest.create("dcim/platforms", name="none")
    rest.create("dcim/device-families", name="any")
    rest.create(
        "dcim/device-redundancy-groups", name="any", status={"name": "Active"}, failover_strategy=""
    )
    kind = rest.create("virtualization/cluster-types", name="any")
    rest.create("virtualization/cluster-groups", name="any")
    rest.create("virtualization/clusters", name="any", cluster_type=kind)
    rest.create("extras/config-contexts", name="any", data={"a": 1}, is_active=False)
    rest.create("extras/dynamic-groups", name="any", group_type="static", content_type=DEVICE)


def _addresses(addresses: Iterable[str]) -> str:
    rows = ", ".join(f"('{uuid4()}', {_host(address)})" for address in sorted(addresses))
    return f"""
        INSERT INTO ipam_ipaddress
        SELECT (jsonb_populate_record(NULL::ipam_ipaddress, to_jsonb(a) || jsonb_build_object(
            'id', n.id, 'host', n.host, 'ip_version', n.version, 'parent_id', x.id))).*
        FROM (VALUES {rows}) AS n (id, host, version)
        JOIN pattern_prefix x ON x.version = n.version CROSS JOIN pattern_address a
        ON CONFLICT (parent_id, host) DO NOTHING"""


def _devices(machines: Iterable[tuple[str, str]]) -> str:
    rows = ", ".join(f"('{id}', {_text(name)})" for id, name in machines)
    if not rows:
        return ""
    return f"""
        INSERT INTO dcim_device
        SELECT (jsonb_populate_record(NULL::dcim_device, to_jsonb(d) || jsonb_build_object(
            'id', n.id, 'name', n.name, '_name', n.name))).*
        FROM (VALUES {rows}) AS n (id, name) CROSS JOIN pattern_device d"""


def _touch(machines: Iterable[tuple[str, str]]) -> str:
    rows = ", ".join(f"('{id}'::uuid, {_host(address)})" for id, address in machines)
    return f"""
        UPDATE dcim_device d SET last_updated = clock_timestamp(),
            primary_ip4_id = CASE n.version WHEN 4 THEN a.id END,
            primary_ip6_id = CASE n.version WHEN 6 THEN a.id END
        FROM (VALUES {rows}) AS n (id, host, version)
        JOIN ipam_ipaddress a ON a.host = n.host::bytea
        WHERE d.id = n.id::uuid"""


def _tag(name: str) -> str:
    return f"""
        WITH made AS (
            INSERT INTO extras_tag (id, name, created, last_updated, _custom_field_data, color,
                description)
            VALUES ('{uuid4()}', {_text(name)}, now(), now(), '{{}}', '9e9e9e', '')
            ON CONFLICT (name) DO NOTHING RETURNING id)
        INSERT INTO extras_tag_content_types (tag_id, contenttype_id)
        SELECT made.id, k.id FROM made, pattern_kind k"""


def _tagged(id: str, group: str) -> str:
    return f"""
        INSERT INTO extras_taggeditem (id, object_id, content_type_id, tag_id)
        SELECT '{uuid4()}', '{id}', k.id, t.id FROM pattern_kind k, extras_tag t
        WHERE t.name = {_text(group)}"""


def _host(address: str) -> str:
    packed = ipaddress.ip_address(address).packed
    return f"'\\x{packed.hex()}', {4 if len(packed) == 4 else 6}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
