"""What becomes of Nautobot's objects, without a Nautobot."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from craton.backends.cmdb.nautobot.mapping import Mapper
from craton.backends.cmdb.nautobot.members import Members
from craton.backends.cmdb.nautobot.naming import group_name
from craton.backends.cmdb.nautobot.options import Options
from craton.backends.cmdb.nautobot.vocabulary import (
    SORTS,
    UnknownObjectError,
    Vocabulary,
    ambiguous_names,
)
from craton.cmdb import Item, Present, Unusable
from craton.errors import Unavailable
from craton.models import Group, Host, Region, Tenant
from tests.unit.backends.cmdb.nautobot.conftest import Configure


def id(number: int) -> str:
    return str(UUID(int=number))


def ref(number: int | None) -> dict[str, str] | None:
    return None if number is None else {"id": id(number)}


ACTIVE, SITE, CITY, HALL, WEB, TENANT = 1, 2, 10, 11, 20, 30


def rows(**more: dict[int, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a vocabulary's rows: a hall in a city, one role, one tenant, and more."""
    place = {"description": "", "location_type": ref(SITE), "tenant": None}
    found: dict[str, dict[int, dict[str, Any]]] = {
        "statuses": {ACTIVE: {"name": "Active"}, 3: {"name": "Offline"}},
        "location_types": {SITE: {"name": "site"}, 4: {"name": "hall"}},
        "locations": {
            CITY: {"name": "city", "parent": None, **place},
            HALL: {"name": "hall", "parent": ref(CITY), **place, "location_type": ref(4)},
        },
        "roles": {WEB: {"name": "web"}},
        "tenants": {
            TENANT: {
                "name": "acme",
                "description": "",
                "tenant_group": None,
                "_custom_field_data": {"keystone": "p1"},
            }
        },
    }
    for sort, wanted in more.items():
        found[sort] = {**found.get(sort, {}), **wanted}
    return {
        sort: {id(n): {"id": id(n), **row} for n, row in found.get(sort, {}).items()}
        for sort in SORTS
    }


def vocabulary(options: Options, exact: tuple[int, ...] = (), **more: Any) -> Vocabulary:
    found = rows(**more)
    return Vocabulary(
        rows=found,
        ambiguous=ambiguous_names(found, options),
        exact=frozenset(map(id, exact)),
        seen=frozenset(),
    )


def device(**fields: Any) -> dict[str, Any]:
    return {
        "id": id(100),
        "name": "m1",
        "last_updated": "now",
        "status": ref(ACTIVE),
        "role": ref(WEB),
        "platform": None,
        "tenant": None,
        "tags": [],
        "primary_ip4": None,
        "primary_ip6": None,
        "config_context": {},
        "_custom_field_data": {},
        "serial": "S1",
        "asset_tag": "A1",
        "location": ref(HALL),
        **fields,
    }


def made(
    options: Options, *found: dict[str, Any], sort: str = "devices", groups: Any = None, **more: Any
) -> list[Item]:
    mapper = Mapper(options, vocabulary(options, **more), groups or Members())
    return list(mapper.host(sort, found or (device(),)))


def entities(items: list[Item]) -> list[Any]:
    return [item.entity for item in items if isinstance(item, Present)]


def test_a_host_comes_behind_its_tenant_region_and_groups(configure: Configure) -> None:
    tenant, region, group, host = entities(made(configure()))
    assert (type(tenant), tenant.name) == (Tenant, "default")
    assert (type(region), region.name, region.tenant_id) == (Region, "city", tenant.id)
    assert (type(group), group.name, group.region_id) == (Group, "role_web", region.id)
    assert (type(host), host.name, host.groups) == (Host, "m1", (group.id,))
    assert (host.asset_id, host.active, host.ip_address) == ("A1", True, None)


def test_what_hosts_share_is_said_once(configure: Configure) -> None:
    options = configure()
    mapper = Mapper(options, vocabulary(options), Members())
    first = list(mapper.host("devices", [device()]))
    second = list(mapper.host("devices", [device(id=id(101), name="m2")]))
    assert (len(first), len(second)) == (4, 1)


def test_a_region_is_what_a_tenant_has_at_a_place(configure: Configure) -> None:
    options = configure(fields="project_id:keystone")
    mapper = Mapper(options, vocabulary(options), Members())
    items = [
        *mapper.host("devices", [device()]),
        *mapper.host("devices", [device(id=id(101), name="m2", tenant=ref(TENANT))]),
    ]
    regions = [one for one in entities(items) if isinstance(one, Region)]
    assert len({region.id for region in regions}) == 2
    assert {region.name for region in regions} == {"city"}
    acme = next(one for one in entities(items) if isinstance(one, Tenant) and one.name == "acme")
    assert (acme.id, acme.project_id) == (id(TENANT), "p1")


@pytest.mark.parametrize(("type", "place"), [("", "city"), ("site", "city"), ("hall", "hall")])
def test_a_region_is_of_a_configured_type(configure: Configure, type: str, place: str) -> None:
    found = entities(made(configure(region_types=type)))
    assert [one.name for one in found if isinstance(one, Region)] == [place]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": None}, "no name"),
        ({"name": ""}, "no name"),
        ({"location": ref(CITY)}, "region_types"),
        ({"config_context": {"a-b": 1}}, "makes no variable"),
    ],
)
def test_what_makes_no_host_is_said_with_its_page(
    configure: Configure, fields: dict[str, Any], reason: str
) -> None:
    item = made(configure(region_types="hall"), device(**fields))[-1]
    assert isinstance(item, Unusable)
    assert (item.kind, item.id) == (Host, id(100))
    assert reason in item.reason
    assert item.url == f"https://nautobot.example/dcim/devices/{id(100)}/"
    assert item.name


def test_what_was_made_on_the_way_to_an_unusable_host_is_not_lost(configure: Configure) -> None:
    options = configure()
    mapper = Mapper(options, vocabulary(options), Members())
    bad = list(mapper.host("devices", [device(config_context={"a-b": 1})]))
    good = list(mapper.host("devices", [device(id=id(101))]))
    assert [type(one) for one in entities(bad + good)] == [Tenant, Region, Group, Host]


def test_what_was_made_on_the_way_to_something_unknown_is_not_lost(configure: Configure) -> None:
    options = configure()
    mapper = Mapper(options, vocabulary(options), Members())
    with pytest.raises(UnknownObjectError):
        list(mapper.host("devices", [device(tags=[ref(77)])]))
    mapper.vocabulary = vocabulary(options, tags={77: {"name": "new"}})
    found = entities(list(mapper.host("devices", [device(tags=[ref(77)])])))
    assert [one.name for one in found] == ["default", "city", "role_web", "tag_new", "m1"]


def test_a_device_with_several_contexts_is_said(configure: Configure) -> None:
    one, other = device(config_context={"a": 1}), device(config_context={"a": 2})
    same = made(configure(), one, one)[-1]
    assert isinstance(same, Present)
    item = made(configure(), one, other)[-1]
    assert isinstance(item, Unusable)
    assert "clusters" in item.reason


@pytest.mark.parametrize("field", ["status", "role", "location"])
def test_what_every_device_has_is_not_missed_without_a_word(
    configure: Configure, field: str
) -> None:
    with pytest.raises(Unavailable, match="permission"):
        made(configure(), device(**{field: None}))


def test_a_machine_is_where_its_cluster_is(configure: Configure) -> None:
    clusters = {
        40: {"name": "here", "location": ref(HALL)},
        41: {"name": "nowhere", "location": None},
    }
    machine = device(role=None, cluster=ref(40))
    del machine["location"], machine["serial"], machine["asset_tag"]
    found = made(configure(), machine, sort="virtual_machines", clusters=clusters)
    assert [one.name for one in entities(found)] == ["default", "city", "m1"]
    machine["cluster"] = ref(41)
    item = made(configure(), machine, sort="virtual_machines", clusters=clusters)[-1]
    assert isinstance(item, Unusable)
    assert "'nowhere'" in item.reason


def test_addresses_and_numbers_are_chosen_as_configured(configure: Configure) -> None:
    row = device(primary_ip4={"host": "192.0.2.1"}, primary_ip6={"host": "2001:DB8::0:1"})
    assert entities(made(configure(), row))[-1].ip_address == "192.0.2.1"
    host = entities(made(configure(address_family="ipv6", asset_id="serial"), row))[-1]
    assert (host.ip_address, host.asset_id) == ("2001:db8::1", "S1")


def test_custom_fields_fill_fields(configure: Configure) -> None:
    row = device(_custom_field_data={"port": 2222, "login": "", "other": 1})
    host = entities(made(configure(fields="ssh_port:port,ssh_user:login"), row))[-1]
    assert (host.ssh_port, host.ssh_user) == (2222, None)
    assert host.variables.decode() == {"cf_other": 1}


def test_groups_of_one_name_are_said_and_hosts_keep_the_link(configure: Configure) -> None:
    tags = {50: {"name": "a b"}, 51: {"name": "a-b"}}
    items = made(configure(), device(tags=[ref(50)]), tags=tags)
    bad = [item for item in items if isinstance(item, Unusable)]
    assert [(item.kind, item.name) for item in bad] == [(Group, "a b")]
    assert "'tag_a_b'" in bad[0].reason
    assert bad[0].id in entities(items)[-1].groups


def test_a_union_has_its_children_and_an_intersection_has_none(configure: Configure) -> None:
    kind = {"app_label": "dcim", "model": "device"}
    groups = {
        60: {"name": "child", "content_type": kind, "parents": [ref(61), ref(62)]},
        61: {"name": "union", "content_type": kind, "parents": []},
        62: {"name": "intersection", "content_type": kind, "parents": []},
    }
    members = Members((id(60),), {UUID(int=100).bytes: 1})
    found = entities(made(configure(), groups=members, dynamic_groups=groups, exact=(61,)))
    by_name = {one.name: one for one in found}
    assert "group_intersection" not in by_name
    assert by_name["group_child"].parents == (by_name["group_union"].id,)


@pytest.mark.parametrize(
    ("prefix", "name", "made"),
    [
        ("role_", "web", "role_web"),
        ("group_", "web in berlin", "group_web_in_berlin"),
        ("tag_", "a-b/c.d", "tag_a_b_c_d"),
        ("tag_", "\u4e2d", "tag__"),
        ("", "3com", "_3com"),
        ("", "web", "web"),
    ],
)
def test_names_of_groups_fit_ansible(prefix: str, name: str, made: str) -> None:
    assert group_name(prefix, name) == made
