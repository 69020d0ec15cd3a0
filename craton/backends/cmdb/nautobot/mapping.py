"""What becomes of Nautobot's objects: tenants, regions, groups and hosts.

docs/nautobot.rst has the rules as tables. A region is what one tenant has at one location, so a
location that several tenants share is several regions, and each host has the tenant that Nautobot
says it has. Regions and groups are said when the first host in them is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from craton.backends.cmdb.nautobot.client import Row, not_permitted, packed_id
from craton.backends.cmdb.nautobot.members import Members
from craton.backends.cmdb.nautobot.naming import DEFAULT_TENANT, group_id, group_name, region_id
from craton.backends.cmdb.nautobot.options import Options
from craton.backends.cmdb.nautobot.variables import UnfitError, host_variables
from craton.backends.cmdb.nautobot.vocabulary import HOSTS, SORTS, Vocabulary
from craton.cmdb import Item, Present, Unusable
from craton.models import Entity, Group, Host, Region, Tenant

#: What to ask of each host. The config context has to be asked for right here: in a named fragment
#: it would cost several statements for each host.
_COMMON = (
    "id name last_updated status { id } role { id } platform { id } tenant { id } tags { id } "
    "primary_ip4 { host } primary_ip6 { host } config_context _custom_field_data"
)
SELECTIONS = {
    "devices": f"{_COMMON} serial asset_tag location {{ id }}",
    "virtual_machines": f"{_COMMON} cluster {{ id }}",
}


class Mapper:
    """Makes the items of one stream; what several hosts share is said once.

    Attributes:
        vocabulary: What hosts refer to; a newer one may be put in its place.
    """

    def __init__(self, options: Options, vocabulary: Vocabulary, members: Members) -> None:
        self.vocabulary = vocabulary
        self._options = options
        self._members = members
        self._said: set[str] = set()
        self._pending: list[Item] = []

    def places(self) -> Iterator[Item]:
        """Yield every tenant, and the regions that locations are whoever else has a host there."""
        for tenant in self.vocabulary.rows["tenants"].values():
            self._tenant(tenant)
        for location in self.vocabulary.rows["locations"].values():
            if self._is_region(location):
                self._region(location, self._tenant_of(None, location))
        yield from self._flushed()

    def host(self, sort: str, rows: Sequence[Row]) -> Iterator[Item]:
        """Yield a host behind what it needs.

        Args:
            sort: A name in ``HOSTS``.
            rows: All that Nautobot gave for the one id.

        Raises:
            UnknownObjectError: It refers to something that is not in the vocabulary.
            Unavailable: A permission is missing.
        """
        row, url = rows[0], self._url(HOSTS[sort].path, rows[0]["id"])
        try:
            if any(other != row for other in rows):
                raise UnfitError(
                    "Nautobot has several config contexts for it, because it is in several "
                    "clusters: let one cluster have it, or give them the same contexts"
                )
            made: Item = Present(entity=self._host(sort, row), url=url)
        except UnfitError as error:
            name = row["name"] or f"(unnamed) {row['id']}"
            made = Unusable(kind=Host, id=row["id"], name=name, reason=str(error), url=url)
        yield from self._flushed()
        yield made

    def _flushed(self) -> Iterator[Item]:
        """Yield what was made of others on the way."""
        pending, self._pending = self._pending, []
        yield from pending

    # -- hosts ---------------------------------------------------------------------------------

    def _host(self, sort: str, row: Row) -> Host:
        location = self._location_of(sort, row)
        place = next(above for above in self.vocabulary.above(location) if self._is_region(above))
        region = self._region(place, self._tenant_of(row["tenant"], location))
        status = self._required("statuses", row["status"])
        filled = self._filled(row, "host")
        return Host(
            id=row["id"],
            region_id=region,
            name=self._name(row),
            ip_address=self._address(row),
            asset_id=filled.get("asset_id", row.get(self._options.asset_id)) or None,
            ssh_port=filled.get("ssh_port"),
            ssh_user=filled.get("ssh_user") or None,
            active=status["name"] in self._options.active_statuses,
            groups=tuple(self._groups(sort, row, region)),
            variables=host_variables(row, self._options),
        )

    def _name(self, row: Row) -> str:
        if not row["name"]:
            raise UnfitError("it has no name, and a host needs one")
        return str(row["name"])

    def _location_of(self, sort: str, row: Row) -> Row:
        if sort == "devices":
            location = self._required("locations", row["location"])
        else:
            cluster = self._required("clusters", row["cluster"])
            found = self.vocabulary.named("locations", cluster["location"])
            if found is None:
                raise UnfitError(
                    f"its cluster {cluster['name']!r} has no location, so it is in no region"
                )
            location = found
        if not any(self._is_region(above) for above in self.vocabulary.above(location)):
            raise UnfitError(
                f"its location {location['name']!r} is in none of a type that "
                "[nautobot] region_types names"
            )
        return location

    def _address(self, row: Row) -> str | None:
        families = ("primary_ip4", "primary_ip6")
        if self._options.address_family == "ipv6":
            families = ("primary_ip6", "primary_ip4")
        for family in families:
            if row[family] is not None:
                return str(ipaddress.ip_address(row[family]["host"]))
        return None

    def _required(self, sort: str, reference: Row | None) -> Row:
        """Return what every object has: without it, the token may not see such objects."""
        found = self.vocabulary.named(sort, reference)
        if found is None:
            raise not_permitted(SORTS[sort].permission)
        return found

    def _filled(self, row: Row, kind: str) -> Row:
        """Return the fields that custom fields fill."""
        values = row["_custom_field_data"] or {}
        return {
            field: values[key]
            for field, key in self._options.filled(kind).items()
            if values.get(key) is not None
        }

    # -- groups --------------------------------------------------------------------------------

    def _groups(self, sort: str, row: Row, region: str) -> Iterator[str]:
        role = row["role"] if sort == "virtual_machines" else self._required("roles", row["role"])
        references = {
            "roles": [role] if role else [],
            "platforms": [row["platform"]] if row["platform"] else [],
            "tags": row["tags"],
            "dynamic_groups": [{"id": id} for id in self._members.of(packed_id(row["id"]))],
        }
        for name in self._options.group_prefixes:
            for reference in references[name]:
                yield self._group(name, reference, region)

    def _group(self, sort: str, reference: Row, region: str) -> str:
        row = self.vocabulary.named(sort, reference)
        assert row is not None
        id = group_id(region, sort, row["id"])
        if id in self._said:
            return id
        parents = tuple(
            self._group(sort, parent, region)
            for parent in row.get("parents", ())
            if parent["id"] in self.vocabulary.exact
        )
        url = self._url(SORTS[sort].path, row["id"])
        name = group_name(self._options.group_prefixes[sort], row["name"])
        if name in self.vocabulary.ambiguous[sort]:
            reason = f"another one has a name that makes {name!r} as well: rename one of them"
            self._say(id, Unusable(kind=Group, id=id, name=row["name"], reason=reason, url=url))
        else:
            entity = Group(id=id, region_id=region, name=name, parents=parents)
            self._say(id, Present(entity=entity, url=url))
        return id

    # -- tenants and regions -------------------------------------------------------------------

    def _is_region(self, location: Row) -> bool:
        if not self._options.region_types:
            return location["parent"] is None
        of = self._required("location_types", location["location_type"])
        return of["name"] in self._options.region_types

    def _tenant_of(self, own: Row | None, location: Row) -> Row | None:
        """Return the tenant of what is at a location: its own, or that of the nearest one."""
        owners = [own, *(above["tenant"] for above in self.vocabulary.above(location))]
        return self.vocabulary.named("tenants", next(filter(None, owners), None))

    def _region(self, location: Row, tenant: Row | None) -> str:
        tenant_id = self._tenant(tenant)
        id = region_id(location["id"], tenant_id)
        if id not in self._said:
            entity = Region(
                id=id,
                tenant_id=tenant_id,
                name=location["name"],
                description=location["description"] or "",
            )
            self._say(id, self._present(entity, "locations", location))
        return id

    def _tenant(self, row: Row | None) -> str:
        id = DEFAULT_TENANT if row is None else str(row["id"])
        if id in self._said:
            return id
        if row is None:
            self._say(id, Present(entity=Tenant(id=id, name=self._options.default_tenant)))
            return id
        filled = self._filled(row, "tenant")
        group = self.vocabulary.named("tenant_groups", row["tenant_group"]) or {"name": ""}
        entity = Tenant(
            id=id,
            name=row["name"],
            customer=filled.get("customer") or group["name"],
            project_id=filled.get("project_id") or None,
            description=row["description"] or "",
        )
        self._say(id, self._present(entity, "tenants", row))
        return id

    def _say(self, id: str, item: Item) -> None:
        self._said.add(id)
        self._pending.append(item)

    def _present(self, entity: Entity, sort: str, row: Row) -> Present:
        return Present(entity=entity, url=self._url(SORTS[sort].path, row["id"]))

    def _url(self, path: str, id: str) -> str:
        return f"{self._options.endpoint}/{path}/{id}/"
