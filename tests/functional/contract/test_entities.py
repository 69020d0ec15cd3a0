"""GET, CREATE, REPLACE and DELETE: one entity at a time."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from craton.driver import InventoryDriver
from craton.errors import (
    AlreadyExists,
    CratonError,
    InUse,
    InvalidReference,
    InvalidValue,
    NotFound,
    RevisionConflict,
)
from craton.models import KINDS, Entity, Group, Host, Region, Tenant
from craton.query import Query
from craton.variables import Variables
from tests.functional.conftest import Fleet


def everything(driver: InventoryDriver) -> list[Entity]:
    return [entity for kind in KINDS for entity in driver.scan(kind, Query())]


def test_get_1_returns_every_field_as_stored(fleet: Fleet) -> None:
    group = fleet.group("web", priority=-5, variables=Variables({"a": [1, 1.0]}))
    host = fleet.host(
        "web1",
        ip_address="2001:db8::1",
        ssh_port=2222,
        ssh_user="ops",
        asset_id="A-17",
        active=False,
        groups=(group.id,),
        variables=Variables({"x": None, "y": {"b": 1, "a": "ü"}}),
        templated=("y",),
    )
    tenant = fleet.driver.create(Tenant(name="t", customer="c", project_id="p", description="d\nd"))
    for entity in (group, host, tenant, fleet.region):
        assert fleet.driver.get(type(entity), entity.id) == entity


@pytest.mark.parametrize("kind", KINDS)
def test_get_2_unknown_id_is_not_found(driver: InventoryDriver, kind: type[Entity]) -> None:
    with pytest.raises(NotFound) as caught:
        driver.get(kind, "nowhere")
    assert (caught.value.kind, caught.value.id) == (kind.kind, "nowhere")


def test_get_2_id_of_another_kind_is_not_found(fleet: Fleet) -> None:
    with pytest.raises(NotFound):
        fleet.driver.get(Host, fleet.region.id)


def test_create_1_makes_an_id_or_takes_the_one_given(fleet: Fleet) -> None:
    first, second = fleet.host("a"), fleet.host("b")
    assert first.id
    assert second.id
    assert first.id != second.id
    assert fleet.host("c", id="from-the-cmdb").id == "from-the-cmdb"
    with pytest.raises(AlreadyExists) as caught:
        fleet.host("d", id="from-the-cmdb")
    assert (caught.value.kind, caught.value.field) == ("host", "id")


def test_create_2_stamps_revision_and_times(fleet: Fleet) -> None:
    old = datetime(2001, 1, 1, tzinfo=UTC)
    host = fleet.host("a", revision="mine", created_at=old, updated_at=old)
    assert host.revision not in ("", "mine")
    assert host.created_at == host.updated_at
    assert datetime.now(UTC) - host.created_at < timedelta(minutes=5)
    assert host.created_at.microsecond % 1000 == 0
    assert fleet.driver.get(Host, host.id) == host


def test_create_3_unknown_parent_is_an_invalid_reference(fleet: Fleet) -> None:
    for entity, field in (
        (Region(tenant_id="nowhere", name="r"), "tenant_id"),
        (Region(tenant_id=fleet.region.id, name="r"), "tenant_id"),
        (Host(region_id="nowhere", name="h"), "region_id"),
        (Group(region_id=fleet.tenant.id, name="g"), "region_id"),
    ):
        with pytest.raises(InvalidReference) as caught:
            fleet.driver.create(entity)
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "x" * 251}),
        ("name", {"name": "é" * 126}),
        ("name", {"name": " a"}),
        ("name", {"name": "../a"}),
        ("name", {"name": "a[1:3]"}),
        ("name", {"name": "db1:5432"}),
        ("name", {"name": "a,b"}),
        ("name", {"name": "{{ x }}"}),
        ("name", {"name": "all"}),
        ("name", {"name": "ungrouped"}),
        ("name", {"name": "__ansible_unsafe"}),
        ("name", {"name": "a\n"}),
        ("name", {"name": "a\0b"}),
        ("name", {"name": None}),
        ("ip_address", {"ip_address": "10.0.0.256"}),
        ("ip_address", {"ip_address": "FE80::1"}),
        ("ip_address", {"ip_address": 1}),
        ("ssh_port", {"ssh_port": 0}),
        ("ssh_port", {"ssh_port": 65536}),
        ("ssh_port", {"ssh_port": True}),
        ("ssh_port", {"ssh_port": "22"}),
        ("ssh_user", {"ssh_user": "\ud800"}),
        ("active", {"active": 1}),
        ("active", {"active": None}),
        ("groups", {"groups": "abc"}),
        ("variables", {"variables": {"a": 1}}),
        ("templated", {"templated": ("a",)}),
    ],
)
def test_create_4_invalid_value_names_the_field(
    fleet: Fleet, field: str, fields: dict[str, object]
) -> None:
    before = everything(fleet.driver)
    with pytest.raises(InvalidValue) as caught:
        fleet.host(**{"name": "a", **fields})  # type: ignore[arg-type]
    assert caught.value.field == field
    assert everything(fleet.driver) == before


def test_create_5_names_of_tenants_and_regions_are_unique_where_they_must_be(
    fleet: Fleet,
) -> None:
    other = fleet.driver.create(Tenant(name="Acme"))
    fleet.driver.create(Region(tenant_id=other.id, name="north"))
    for entity in (Tenant(name="acme"), Region(tenant_id=fleet.tenant.id, name="north")):
        with pytest.raises(AlreadyExists) as caught:
            fleet.driver.create(entity)
        assert (caught.value.kind, caught.value.field) == (entity.kind, "name")
        assert caught.value.value == entity.name


def test_create_6_hosts_and_groups_share_one_namespace_in_their_region(fleet: Fleet) -> None:
    fleet.host("db")
    fleet.group("web")
    with pytest.raises(AlreadyExists) as caught:
        fleet.group("db")
    assert caught.value.kind == "host"
    with pytest.raises(AlreadyExists) as caught:
        fleet.host("web")
    assert caught.value.kind == "group"
    with pytest.raises(AlreadyExists):
        fleet.host("db")
    south = fleet.driver.create(Region(tenant_id=fleet.tenant.id, name="south"))
    fleet.driver.create(Group(region_id=south.id, name="db"))
    fleet.driver.create(Host(region_id=south.id, name="web"))


@pytest.mark.parametrize("name", ["DB", "db ", "db.", "dḃ", "d\u0062\u0307"])
def test_create_6_names_differ_by_code_point(fleet: Fleet, name: str) -> None:
    fleet.host("db")
    fleet.host("dḃ" if name != "dḃ" else "x")
    if name != name.strip():
        with pytest.raises(InvalidValue):
            fleet.host(name)
    else:
        fleet.host(name)


def test_create_7_one_name_of_the_controller_in_a_region(fleet: Fleet) -> None:
    fleet.host("localhost")
    with pytest.raises(AlreadyExists, match="localhost"):
        fleet.host("127.0.0.1")
    other = fleet.host("other")
    with pytest.raises(AlreadyExists, match="localhost"):
        fleet.driver.replace(dataclasses.replace(other, name="::1"))
    fleet.group("127.0.0.1")


def test_create_8_sets_come_back_sorted_and_without_repeats(fleet: Fleet) -> None:
    groups = [fleet.group(name).id for name in ("b", "a", "c")]
    host = fleet.host(
        "h",
        groups=(*sorted(groups, reverse=True), groups[0]),
        variables=Variables({"b": 1, "a": 2}),
        templated=("b", "a", "b"),
    )
    assert host.groups == tuple(sorted(groups))
    assert host.templated == ("a", "b")
    assert fleet.driver.get(Host, host.id) == host


def test_replace_1_stores_the_whole_state_and_keeps_created_at(fleet: Fleet) -> None:
    group = fleet.group("g")
    before = fleet.host("h", variables=Variables({"a": 1, "b": 2}), groups=(group.id,))
    state = dataclasses.replace(
        before,
        name="h2",
        variables=Variables({"b": 3}),
        groups=(),
        created_at=datetime(2001, 1, 1, tzinfo=UTC),
        revision="mine",
    )
    after = fleet.driver.replace(state)
    assert after == fleet.driver.get(Host, before.id)
    assert after.created_at == before.created_at
    assert after.updated_at >= before.updated_at
    assert after.revision not in ("mine", before.revision)
    assert (after.name, after.groups) == ("h2", ())
    assert dict(after.variables) == {"b": 3}


def test_replace_1_revisions_never_come_back(fleet: Fleet) -> None:
    host = fleet.host("h")
    seen = {host.revision}
    for _ in range(5):
        seen.add(fleet.driver.replace(host).revision)
    fleet.driver.delete(Host, host.id)
    seen.add(fleet.host("h", id=host.id).revision)
    assert len(seen) == 7


def test_replace_2_refuses_what_is_not_there_and_another_parent(fleet: Fleet) -> None:
    with pytest.raises(NotFound):
        fleet.driver.replace(Host(id="nowhere", region_id=fleet.region.id, name="h"))
    south = fleet.driver.create(Region(tenant_id=fleet.tenant.id, name="south"))
    host = fleet.host("h")
    with pytest.raises(InvalidValue) as caught:
        fleet.driver.replace(dataclasses.replace(host, region_id=south.id))
    assert caught.value.field == "region_id"
    assert fleet.driver.get(Host, host.id) == host


def test_replace_3_if_revision_must_be_the_stored_one(fleet: Fleet) -> None:
    host = fleet.host("h")
    after = fleet.driver.replace(dataclasses.replace(host, active=False), if_revision=host.revision)
    with pytest.raises(RevisionConflict):
        fleet.driver.replace(dataclasses.replace(host, ssh_port=1), if_revision=host.revision)
    assert fleet.driver.get(Host, host.id) == after


def test_replace_4_a_name_that_is_taken_changes_nothing(fleet: Fleet) -> None:
    host, _ = fleet.host("h"), fleet.group("g")
    with pytest.raises(AlreadyExists):
        fleet.driver.replace(dataclasses.replace(host, name="g", variables=Variables({"a": 1})))
    assert fleet.driver.get(Host, host.id) == host


def test_replace_6_an_equal_result_of_update_is_not_written(fleet: Fleet) -> None:
    host = fleet.host("h")
    assert fleet.driver.update(Host, host.id, lambda found: found) == host
    assert fleet.driver.get(Host, host.id).revision == host.revision


def test_delete_1_frees_id_and_name(fleet: Fleet) -> None:
    host = fleet.host("h", variables=Variables({"a": 1}))
    fleet.driver.delete(Host, host.id)
    with pytest.raises(NotFound):
        fleet.driver.get(Host, host.id)
    assert dict(fleet.host("h", id=host.id).variables) == {}
    fleet.driver.delete(Host, host.id)
    fleet.group("h")


def test_delete_2_refuses_what_is_not_there_and_another_revision(fleet: Fleet) -> None:
    with pytest.raises(NotFound):
        fleet.driver.delete(Host, "nowhere")
    host = fleet.host("h")
    with pytest.raises(NotFound):
        fleet.driver.delete(Group, host.id)
    after = fleet.driver.replace(host)
    with pytest.raises(RevisionConflict):
        fleet.driver.delete(Host, host.id, if_revision=host.revision)
    fleet.driver.delete(Host, host.id, if_revision=after.revision)


def test_delete_3_children_stand_in_the_way_unless_cascade(fleet: Fleet) -> None:
    fleet.host("h", groups=(fleet.group("g", variables=Variables({"a": 1})).id,))
    other = fleet.driver.create(Tenant(name="other"))
    kept = fleet.driver.create(Region(tenant_id=other.id, name="kept"))
    host = fleet.driver.create(Host(region_id=kept.id, name="h"))
    before = everything(fleet.driver)
    for entity in (fleet.tenant, fleet.region):
        with pytest.raises(InUse) as caught:
            fleet.driver.delete(type(entity), entity.id)
        assert (caught.value.kind, caught.value.id) == (entity.kind, entity.id)
    assert everything(fleet.driver) == before
    fleet.driver.delete(Tenant, fleet.tenant.id, cascade=True)
    assert everything(fleet.driver) == [other, kept, host]


def test_delete_4_links_to_a_group_go_with_it(fleet: Fleet) -> None:
    parent = fleet.group("parent")
    kept = fleet.group("kept")
    child = fleet.group("child", parents=(parent.id, kept.id))
    host = fleet.host("h", groups=(parent.id,), variables=Variables({"a": 1}))
    bystander = fleet.host("b", groups=(kept.id,))
    fleet.driver.delete(Group, parent.id)
    child_after, host_after = (
        fleet.driver.get(type(entity), entity.id) for entity in (child, host)
    )
    assert child_after.parents == (kept.id,)
    assert host_after.groups == ()
    assert host_after.variables == host.variables
    assert child_after.revision != child.revision
    assert host_after.revision != host.revision
    assert fleet.driver.get(Host, bystander.id) == bystander


def test_error_1_errors_carry_their_facts(fleet: Fleet) -> None:
    with pytest.raises(CratonError) as caught:
        fleet.host("h", ssh_port=0)
    assert caught.value.fields["field"] == "ssh_port"
    assert caught.value.code == "invalid_value"
