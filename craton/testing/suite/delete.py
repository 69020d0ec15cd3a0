"""DELETE: what goes, and what stays."""

from __future__ import annotations

import pytest

from craton.capabilities import Capability
from craton.errors import InUse, NotFound, RevisionConflict
from craton.models import Group, Host, Region, Tenant
from craton.query import Exists
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet, wait_for_the_clock
from craton.variables import Variables


class DeleteClauses(Suite):
    """Removing entities."""

    @clause("DELETE-1", writes=(Host, Group))
    def test_delete_1_frees_id_and_name(self, fleet: Fleet) -> None:
        host = fleet.driver.create(fleet.host("h", variables=Variables({"a": 1})))
        fleet.driver.delete(Host, host.id)
        with pytest.raises(NotFound):
            fleet.driver.get(Host, host.id)
        assert fleet.names() == set()
        again = fleet.driver.create(fleet.host("h", id=host.id))
        assert again.variables == Variables()
        assert fleet.names(Exists(("variables", "a"))) == set()
        fleet.driver.delete(Host, host.id)
        fleet.driver.create(fleet.group("h"))

    @clause("DELETE-1", writes=(Host, Group, Region, Tenant))
    def test_delete_1_works_for_every_kind(self, fleet: Fleet) -> None:
        host, group = fleet.given(fleet.host("h")), fleet.given(fleet.group("g"))
        for entity in (host, group, fleet.region, fleet.tenant):
            fleet.driver.delete(type(entity), entity.id)
            with pytest.raises(NotFound):
                fleet.driver.get(type(entity), entity.id)
        assert fleet.everything() == []

    @clause("DELETE-2", writes=(Host, Group))
    def test_delete_2_refuses_what_is_not_there(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h"))
        with pytest.raises(NotFound) as caught:
            fleet.driver.delete(Host, "nowhere")
        assert (caught.value.kind, caught.value.id) == ("host", "nowhere")
        with pytest.raises(NotFound):
            fleet.driver.delete(Group, host.id)
        assert fleet.names() == {"h"}

    @clause("DELETE-2", Capability.CAS, writes=(Host,))
    def test_delete_2_refuses_another_revision(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h"))
        after = fleet.driver.replace(host)
        for revision in (host.revision, "", "none"):
            with pytest.raises(RevisionConflict) as caught:
                fleet.driver.delete(Host, host.id, if_revision=revision)
            assert (caught.value.kind, caught.value.id) == ("host", host.id)
        assert fleet.driver.get(Host, host.id) == after
        fleet.driver.delete(Host, host.id, if_revision=after.revision)
        assert fleet.names() == set()

    @clause("DELETE-3", writes=(Tenant, Region))
    def test_delete_3_children_stand_in_the_way(self, fleet: Fleet) -> None:
        group = fleet.given(fleet.group("g", variables=Variables({"a": 1})))
        fleet.given(fleet.host("h", groups=(group.id,)))
        before = fleet.everything()
        for entity in (fleet.tenant, fleet.region):
            with pytest.raises(InUse) as caught:
                fleet.driver.delete(type(entity), entity.id)
            assert (caught.value.kind, caught.value.id) == (entity.kind, entity.id)
        assert fleet.everything() == before
        fleet.driver.delete(Region, fleet.region.id, cascade=True)
        assert fleet.everything() == [fleet.tenant]

    @clause("DELETE-3", writes=(Region,))
    @pytest.mark.parametrize("kind", [Host, Group])
    def test_delete_3_one_child_of_either_kind_is_enough(
        self, fleet: Fleet, kind: type[Host] | type[Group]
    ) -> None:
        fleet.given(kind(region_id=fleet.region.id, name="only"))
        with pytest.raises(InUse) as caught:
            fleet.driver.delete(Region, fleet.region.id)
        assert caught.value.fields["children"] == kind.collection

    @clause("DELETE-3", writes=(Tenant,))
    def test_delete_3_cascade_takes_all_below_and_nobody_elses(self, fleet: Fleet) -> None:
        group = fleet.given(fleet.group("g"))
        fleet.given(fleet.group("child", parents=(group.id,)))
        fleet.given(fleet.host("h", groups=(group.id,), variables=Variables({"a": 1})))
        fleet.given_region("south")
        other = fleet.given(Tenant(name="other"))
        region = fleet.given(Region(tenant_id=other.id, name="north"))
        theirs = fleet.given(Group(region_id=region.id, name="g"))
        host = fleet.given(Host(region_id=region.id, name="h", groups=(theirs.id,)))
        fleet.driver.delete(Tenant, fleet.tenant.id, cascade=True)
        assert fleet.everything() == [other, region, theirs, host]

    @clause("DELETE-4", writes=(Group,))
    def test_delete_4_links_to_a_group_go_with_it(self, fleet: Fleet) -> None:
        parent, kept = fleet.given(fleet.group("parent")), fleet.given(fleet.group("kept"))
        child = fleet.given(fleet.group("child", parents=(parent.id, kept.id)))
        host = fleet.given(
            fleet.host("h", groups=(parent.id, child.id), variables=Variables({"a": 1}))
        )
        bystander = fleet.given(fleet.host("b", groups=(kept.id,)))
        wait_for_the_clock()
        fleet.driver.delete(Group, parent.id)
        child_after = fleet.driver.get(Group, child.id)
        host_after = fleet.driver.get(Host, host.id)
        assert child_after.parents == (kept.id,)
        assert host_after.groups == (child.id,)
        assert host_after.variables == host.variables
        assert child_after.revision != child.revision
        assert host_after.revision != host.revision
        for before, after in ((child, child_after), (host, host_after)):
            assert after.created_at == before.created_at
            assert after.updated_at > before.updated_at
        assert fleet.driver.get(Host, bystander.id) == bystander
        assert fleet.driver.get(Group, kept.id) == kept
