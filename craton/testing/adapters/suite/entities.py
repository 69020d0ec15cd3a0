"""What an adapter makes of the objects of its CMDB."""

from __future__ import annotations

from craton.cmdb import CmdbAdapter, Present
from craton.fields import ID
from craton.models import INVENTORY_KINDS, NEVER, Group
from craton.testing.adapters.harness import AdapterHarness, Machine
from craton.testing.adapters.mirror import Mirror
from craton.testing.adapters.promises import clause
from craton.testing.adapters.suite.base import Cmdb, Suite, machine
from craton.validation import normalized


class EntityClauses(Suite):
    """ADAPTER-2 to ADAPTER-4."""

    @clause("ADAPTER-2")
    def test_adapter_2_ids_are_valid_and_each_objects_own(
        self, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.fill(12)
        mirror = Mirror()
        mirror.follow(adapter)
        for _, id in mirror.known:
            ID.check(id, "id")
        assert len(mirror.hosts) == len(cmdb.machines), "two machines share an id, or one is lost"

    @clause("ADAPTER-2")
    def test_adapter_2_an_id_is_the_same_in_every_stream(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.fill(6)
        mirror = Mirror()
        mirror.follow(adapter)
        before = {host.name: host.id for host in mirror.hosts.values()}
        parents = {key for key in mirror.present if mirror.present[key].entity.name not in before}  # type: ignore[attr-defined]
        cmdb.put(machine(2, version=1), machine(100))
        cmdb.remove("m1")
        mirror.follow(adapter)
        with harness.load() as other:
            again = Mirror()
            again.follow(other)
        for found in (mirror, again):
            ids = {host.name: host.id for host in found.hosts.values()}
            assert {name: ids[name] for name in ids if name in before} == {
                name: before[name] for name in before if name != "m1"
            }
            assert parents <= found.known

    @clause("ADAPTER-2")
    def test_adapter_2_an_id_stays_when_the_name_changes(
        self, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.fill(3)
        mirror = Mirror()
        mirror.follow(adapter)
        before = mirror.host("m1").id
        cmdb.rename("m1", "renamed")
        mirror.follow(adapter)
        assert mirror.host("renamed").id == before
        assert cmdb.is_in(mirror)

    @clause("ADAPTER-3")
    def test_adapter_3_entities_are_valid_and_bring_no_revision(
        self, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.put(machine(0), Machine(name="m1", address="192.0.2.1", groups=("web", "db")))
        for item in adapter.changes(None):
            if isinstance(item, Present):
                entity = item.entity
                assert type(entity) in INVENTORY_KINDS
                assert entity.id
                normalized(entity)
                assert entity.revision == ""
                assert (entity.created_at, entity.updated_at) == (NEVER, NEVER)

    @clause("ADAPTER-3")
    def test_adapter_3_an_entity_is_what_the_cmdb_says(
        self, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.put(
            Machine(name="web1.example.com", address="192.0.2.1"),
            Machine(name="WEB1.example.com", address="2001:db8::1"),
            Machine(name="0123", address="192.0.2.3"),
            Machine(name="bär é e\u0301 中 \U0001f600", address="192.0.2.4"),
            Machine(name='it\'s 100% <b>&amp; "quoted"; x_y|z', address="192.0.2.5"),
        )
        mirror = Mirror()
        mirror.follow(adapter)
        assert cmdb.is_in(mirror)

    @clause("ADAPTER-4")
    def test_adapter_4_parents_and_links_name_what_is_known(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.put(Machine(name="a", address="192.0.2.1", groups=("web",)), machine(1))
        mirror = Mirror()
        mirror.follow(adapter)
        assert mirror.dangling() == []
        cmdb.put(Machine(name="b", address="192.0.2.2", groups=("web", "new")))
        mirror.follow(adapter)
        assert cmdb.is_in(mirror)
        cmdb.remove("a")
        mirror.follow(adapter)
        assert cmdb.is_in(mirror)
        if harness.groups:
            assert mirror.groups_of("b") == ["new", "web"]

    @clause("ADAPTER-4")
    def test_adapter_4_a_host_leaves_a_group_and_joins_another(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        steps = (("web", "db"), ("db",), ("cache",), ())
        mirror = Mirror()
        for groups in steps:
            cmdb.put(Machine(name="a", address="192.0.2.1", groups=groups))
            mirror.follow(adapter)
            assert cmdb.is_in(mirror)
            found = mirror.groups_of("a")
            assert found == (sorted(groups) if harness.groups else [])
        assert harness.groups or not any(kind is Group for kind, _ in mirror.known)
