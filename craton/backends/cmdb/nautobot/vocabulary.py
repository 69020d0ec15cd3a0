"""What devices refer to: places, tenants, roles and the like, read as a whole at each sync."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from craton.backends.cmdb.nautobot.client import Client, Row, no_answer
from craton.backends.cmdb.nautobot.naming import group_name
from craton.backends.cmdb.nautobot.options import Options
from craton.backends.cmdb.nautobot.sketch import Element, version_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Sort:
    """A sort of objects.

    Attributes:
        path: Where the REST API has them, and people find one.
        permission: What it takes to see them.
        selection: What to ask of each in GraphQL; ``None`` where only REST knows them.
        inert: Whether a new one changes nothing that is known of others, until these change too.
    """

    path: str
    permission: str
    selection: str | None = ""
    inert: bool = True


#: By the name of the field in GraphQL, with all that decides which config contexts a host has, and
#: what becomes of it here: none of this shows in the time at which a host was last changed.
SORTS: Final[Mapping[str, Sort]] = {
    "tenant_groups": Sort(
        path="tenancy/tenant-groups",
        permission="tenancy.view_tenantgroup",
        selection="name",
    ),
    "tenants": Sort(
        path="tenancy/tenants",
        permission="tenancy.view_tenant",
        selection="name description tenant_group { id } _custom_field_data",
    ),
    "location_types": Sort(
        path="dcim/location-types",
        permission="dcim.view_locationtype",
        selection="name",
    ),
    "locations": Sort(
        path="dcim/locations",
        permission="dcim.view_location",
        selection="name description location_type { id } parent { id } tenant { id }",
    ),
    "statuses": Sort(path="extras/statuses", permission="extras.view_status", selection="name"),
    "roles": Sort(path="extras/roles", permission="extras.view_role", selection="name"),
    "platforms": Sort(path="dcim/platforms", permission="dcim.view_platform", selection="name"),
    "tags": Sort(path="extras/tags", permission="extras.view_tag", selection="name"),
    "dynamic_groups": Sort(
        path="extras/dynamic-groups",
        permission="extras.view_dynamicgroup",
        selection="name content_type { app_label model } parents { id }",
    ),
    "clusters": Sort(
        path="virtualization/clusters",
        permission="virtualization.view_cluster",
        selection="name location { id } cluster_group { id }",
    ),
    "cluster_groups": Sort(
        path="virtualization/cluster-groups", permission="virtualization.view_clustergroup"
    ),
    "device_types": Sort(
        path="dcim/device-types",
        permission="dcim.view_devicetype",
        selection="device_family { id }",
    ),
    "device_families": Sort(path="dcim/device-families", permission="dcim.view_devicefamily"),
    "device_redundancy_groups": Sort(
        path="dcim/device-redundancy-groups", permission="dcim.view_deviceredundancygroup"
    ),
    "device_cluster_assignments": Sort(
        path="dcim/device-cluster-assignments",
        permission="dcim.view_deviceclusterassignment",
        selection="device { id } cluster { id }",
        inert=False,
    ),
    "config_contexts": Sort(
        path="extras/config-contexts",
        permission="extras.view_configcontext",
        selection="last_updated",
        inert=False,
    ),
    "custom_fields": Sort(
        path="extras/custom-fields",
        permission="extras.view_customfield",
        selection=None,
        inert=False,
    ),
    "dynamic_group_memberships": Sort(
        path="extras/dynamic-group-memberships",
        permission="extras.view_dynamicgroupmembership",
        selection=None,
        inert=False,
    ),
}

#: What becomes a host.
HOSTS: Final[Mapping[str, Sort]] = {
    "devices": Sort(path="dcim/devices", permission="dcim.view_device"),
    "virtual_machines": Sort(
        path="virtualization/virtual-machines", permission="virtualization.view_virtualmachine"
    ),
}

#: What is asked only for whether it may be seen.
_ADDRESSES: Final = Sort(path="ipam/ip-addresses", permission="ipam.view_ipaddress")

#: The numbers of sorts in a sketch.
NUMBERS: Final = {name: number for number, name in enumerate((*HOSTS, *SORTS))}
NAMES: Final = tuple(NUMBERS)

_IN_GRAPHQL: Final = {name: sort for name, sort in SORTS.items() if sort.selection is not None}
_ASKED: Final = {**_IN_GRAPHQL, "ip_addresses": _ADDRESSES}
_FIELDS: Final = {
    **{name: f"{name} {{ id {sort.selection} }}" for name, sort in _IN_GRAPHQL.items()},
    "ip_addresses": "ip_addresses(limit: 1) { id }",
}

#: What a host seems not to have, where the permission to see it was taken back meanwhile.
_OPTIONAL: Final = ("tenants", "platforms", "tags", "ip_addresses")


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """All that devices refer to.

    Attributes:
        rows: What Nautobot says of each object, by its id, by the name of its sort.
        ambiguous: The names of groups that two objects of a sort would give, by the sort's name.
        exact: The dynamic groups that have just the members of their children.
        seen: The sorts of which there is something.
    """

    rows: Mapping[str, Mapping[str, Row]]
    ambiguous: Mapping[str, frozenset[str]]
    exact: frozenset[str]
    seen: frozenset[str]

    @classmethod
    def load(cls, client: Client, options: Options) -> Self:
        """Read it, and make sure that the token may see all of it.

        Raises:
            Unavailable: It may not, or there is no whole answer.
        """
        found = client.graphql(_FIELDS)
        seen = frozenset(name for name in _ASKED if found[name])
        _check_permitted(client, _ASKED.keys() - seen)
        rows = {name: {_id(row): row for row in found[name]} for name in _IN_GRAPHQL}
        for name in SORTS.keys() - rows.keys():
            sort = SORTS[name]
            rows[name] = {_id(row): row for row in client.rest(sort.path, sort.permission)}
        _check_region_types(rows["location_types"], options)
        return cls(
            rows=rows,
            ambiguous=ambiguous_names(rows, options),
            exact=_exact(rows["dynamic_group_memberships"]),
            seen=seen,
        )

    def check(self, client: Client) -> None:
        """Make sure that nothing was hidden since, because a permission was taken back.

        Raises:
            Unavailable: Something was, or there is no whole answer.
        """
        wanted: dict[str, str] = {
            name: f"{name}(limit: 1) {{ id }}" for name in _OPTIONAL if name in self.seen
        }
        if wanted:
            found = client.graphql(wanted)
            _check_permitted(client, {name for name in wanted if not found[name]})

    def elements(self) -> Iterator[Element]:
        """Yield every object in its state."""
        for name, rows in self.rows.items():
            for id, row in rows.items():
                state = json.dumps(row, sort_keys=True, default=str).encode()
                yield Element(NUMBERS[name], UUID(id).bytes, version_of(state))

    def above(self, location: Row) -> Iterator[Row]:
        """Yield a location, then the one that it is in, and so on."""
        seen: set[str] = set()
        place: Row | None = location
        while place is not None and place["id"] not in seen:
            seen.add(place["id"])
            yield place
            place = self.named("locations", place["parent"])

    def named(self, sort: str, reference: Row | None) -> Row | None:
        """Return what another object refers to by its id.

        Raises:
            UnknownObjectError: It is not there, so it was made a moment ago, or may not be seen.
        """
        if reference is None:
            return None
        try:
            return self.rows[sort][reference["id"]]
        except KeyError:
            raise UnknownObjectError(SORTS[sort].permission) from None


class UnknownObjectError(Exception):
    """An object refers to one that was not there when the vocabulary was read.

    Args:
        permission: What it takes to see objects of that sort.
    """

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


def _check_permitted(client: Client, missing: Iterable[str]) -> None:
    """Ask about what seems not to be there: GraphQL does not tell what may not be seen."""
    for name in sorted(missing):
        client.check_permitted(_ASKED[name].path, _ASKED[name].permission)


def _id(row: Row) -> str:
    try:
        return str(UUID(row["id"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise no_answer("gives an object without a right id") from error


def ambiguous_names(
    rows: Mapping[str, Mapping[str, Row]], options: Options
) -> Mapping[str, frozenset[str]]:
    """Return the names of groups that two objects of a sort would give, by the sort's name."""
    found = {}
    for sort, prefix in options.group_prefixes.items():
        counts = Counter(group_name(prefix, row["name"]) for row in rows[sort].values())
        found[sort] = frozenset(name for name, count in counts.items() if count > 1)
    return found


def _exact(memberships: Mapping[str, Row]) -> frozenset[str]:
    operators: dict[str, set[str]] = {}
    for row in memberships.values():
        operator = row["operator"]
        plain = operator["value"] if isinstance(operator, dict) else operator
        operators.setdefault(row["parent_group"]["id"], set()).add(plain)
    return frozenset(parent for parent, used in operators.items() if used == {"union"})


def _check_region_types(types: Mapping[str, Row], options: Options) -> None:
    unknown = options.region_types - {row["name"] for row in types.values()}
    if unknown:
        raise no_answer(
            f"has no location type {min(unknown)!r}, which [nautobot] region_types names", 30
        )
