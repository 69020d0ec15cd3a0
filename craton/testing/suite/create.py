"""CREATE: a new entity."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from craton.errors import AlreadyExists, CratonError, Cycle, InvalidReference, InvalidValue
from craton.models import Group, Host, Region, Tenant
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet
from craton.variables import Variables

#: What a host cannot be, and the field that the error names.
BAD_HOSTS: list[tuple[str, dict[str, Any]]] = [
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
]


class CreateClauses(Suite):
    """Storing a new entity."""

    @clause("CREATE-1", writes=(Host,))
    def test_create_1_makes_an_id_or_takes_the_one_given(self, fleet: Fleet) -> None:
        first, second = (fleet.driver.create(fleet.host(name)) for name in "ab")
        assert first.id
        assert second.id
        assert first.id != second.id
        assert fleet.driver.create(fleet.host("c", id="from-the-cmdb")).id == "from-the-cmdb"
        with pytest.raises(AlreadyExists) as caught:
            fleet.driver.create(fleet.host("d", id="from-the-cmdb"))
        assert (caught.value.kind, caught.value.field) == ("host", "id")
        assert caught.value.value == "from-the-cmdb"

    @clause("CREATE-1", writes=(Host,))
    def test_create_1_ids_differ_by_code_point(self, fleet: Fleet) -> None:
        ids = ["id", "ID", "id.", "e\u0301", "é"]
        hosts = [
            fleet.driver.create(fleet.host(f"h{number}", id=id)) for number, id in enumerate(ids)
        ]
        assert [fleet.driver.get(Host, id) for id in ids] == hosts

    @clause("CREATE-1", writes=(Host, Group))
    def test_create_1_returns_the_entity_as_stored(self, fleet: Fleet) -> None:
        group = fleet.driver.create(fleet.group("g", variables=Variables({"a": [1, 1.0]})))
        host = fleet.driver.create(fleet.host("h", groups=(group.id,), ssh_port=22))
        assert fleet.driver.get(Group, group.id) == group
        assert fleet.driver.get(Host, host.id) == host
        assert (host.name, host.groups, host.ssh_port) == ("h", (group.id,), 22)

    @clause("CREATE-2", writes=(Host,))
    def test_create_2_stamps_revision_and_times(self, fleet: Fleet) -> None:
        old = datetime(2001, 1, 1, tzinfo=UTC)
        wanted = fleet.host("a", revision="mine", created_at=old, updated_at=old)
        host = fleet.driver.create(wanted)
        assert host.revision not in ("", "mine")
        assert host.created_at == host.updated_at
        assert host.created_at.tzinfo is UTC
        assert datetime.now(UTC) - host.created_at < timedelta(days=1)
        assert host.created_at.microsecond % 1000 == 0
        assert fleet.driver.get(Host, host.id) == host

    @clause("CREATE-3", writes=(Region, Host, Group))
    def test_create_3_an_unknown_parent_is_an_invalid_reference(self, fleet: Fleet) -> None:
        for entity, field in (
            (Region(tenant_id="nowhere", name="r"), "tenant_id"),
            (Region(tenant_id=fleet.region.id, name="r"), "tenant_id"),
            (Host(region_id="nowhere", name="h"), "region_id"),
            (Group(region_id=fleet.tenant.id, name="g"), "region_id"),
        ):
            with pytest.raises(InvalidReference) as caught:
                fleet.driver.create(entity)
            assert caught.value.field == field

    @clause("CREATE-4", writes=(Host,))
    @pytest.mark.parametrize(("field", "fields"), BAD_HOSTS)
    def test_create_4_an_invalid_value_names_the_field(
        self, fleet: Fleet, field: str, fields: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidValue) as caught:
            fleet.driver.create(fleet.host(**{"name": "a", **fields}))
        assert caught.value.field == field
        assert caught.value.rule

    @clause("CREATE-5", writes=(Tenant, Region))
    def test_create_5_names_are_unique_where_they_must_be(self, fleet: Fleet) -> None:
        other = fleet.driver.create(Tenant(name="Acme"))
        fleet.driver.create(Region(tenant_id=other.id, name="north"))
        for entity in (Tenant(name="acme"), Region(tenant_id=fleet.tenant.id, name="north")):
            with pytest.raises(AlreadyExists) as caught:
                fleet.driver.create(entity)
            assert (caught.value.kind, caught.value.field) == (entity.kind, "name")
            assert caught.value.value == entity.name

    @clause("CREATE-6", writes=(Host, Group))
    def test_create_6_hosts_and_groups_share_one_namespace(self, fleet: Fleet) -> None:
        create = fleet.driver.create
        create(fleet.host("db"))
        create(fleet.group("web"))
        for entity, holder in (
            (fleet.group("db"), "host"),
            (fleet.host("web"), "group"),
            (fleet.host("db"), "host"),
            (fleet.group("web"), "group"),
        ):
            with pytest.raises(AlreadyExists) as caught:
                create(entity)
            assert (caught.value.kind, caught.value.field) == (holder, "name")
            assert caught.value.value == entity.name
        south = fleet.given_region("south")
        create(Group(region_id=south.id, name="db"))
        create(Host(region_id=south.id, name="web"))

    @clause("CREATE-6", writes=(Host,))
    @pytest.mark.parametrize("name", ["DB", "db.", "dḃ", "d\u0062\u0307", "ďb"])
    def test_create_6_names_differ_by_code_point(self, fleet: Fleet, name: str) -> None:
        fleet.driver.create(fleet.host("db"))
        fleet.driver.create(fleet.host("dḃ" if name != "dḃ" else "x"))
        assert fleet.driver.create(fleet.host(name)).name == name

    @clause("CREATE-7", writes=(Host,))
    @pytest.mark.parametrize(
        ("first", "second"),
        [("localhost", "127.0.0.1"), ("127.0.0.1", "::1"), ("::1", "localhost")],
    )
    def test_create_7_one_name_of_the_controller(
        self, fleet: Fleet, first: str, second: str
    ) -> None:
        fleet.driver.create(fleet.host(first))
        with pytest.raises(AlreadyExists) as caught:
            fleet.driver.create(fleet.host(second))
        assert (caught.value.kind, caught.value.field) == ("host", "name")
        south = fleet.given_region("south")
        fleet.driver.create(Host(region_id=south.id, name=second))

    @clause("CREATE-7", writes=(Host, Group))
    def test_create_7_a_group_may_have_such_a_name(self, fleet: Fleet) -> None:
        fleet.driver.create(fleet.host("localhost"))
        fleet.driver.create(fleet.group("127.0.0.1"))

    @clause("CREATE-8", writes=(Host,))
    def test_create_8_sets_come_back_sorted_and_without_repeats(self, fleet: Fleet) -> None:
        groups = [fleet.given(fleet.group(name)).id for name in ("b", "a", "c")]
        host = fleet.driver.create(
            fleet.host(
                "h",
                groups=(*sorted(groups, reverse=True), groups[0]),
                variables=Variables({"b": 1, "a": 2}),
                templated=("b", "a", "b"),
            )
        )
        assert host.groups == tuple(sorted(groups))
        assert host.templated == ("a", "b")
        assert fleet.driver.get(Host, host.id) == host

    @clause("CREATE-9", writes=(Host, Group, Region))
    def test_create_9_whatever_the_error_nothing_was_stored(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h"))
        before = fleet.everything()
        bad: list[tuple[Any, type[CratonError]]] = [
            (fleet.host("", variables=Variables({"a": 1})), InvalidValue),
            (fleet.host("h", variables=Variables({"a": 1})), AlreadyExists),
            (fleet.host("x", id=host.id, variables=Variables({"a": 1})), AlreadyExists),
            (fleet.host("x", groups=("nowhere",)), InvalidReference),
            (fleet.group("h", variables=Variables({"a": 1})), AlreadyExists),
            (fleet.group("x", id="x", parents=("x",)), Cycle),
            (Host(region_id="nowhere", name="x"), InvalidReference),
            (Region(tenant_id=fleet.tenant.id, name="north"), AlreadyExists),
        ]
        for entity, error in bad:
            with pytest.raises(error):
                fleet.driver.create(entity)
            assert fleet.everything() == before
        fleet.driver.create(fleet.host("x"))
        fleet.driver.create(fleet.group("y", id="x"))
