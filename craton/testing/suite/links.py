"""LINK: memberships and parents of groups."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from craton.errors import Cycle, InvalidReference
from craton.models import Entity, Group, Host
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet
from craton.variables import Variables

_changed = dataclasses.replace


class LinkClauses(Suite):
    """References between the entities of one region."""

    @clause("LINK-1", writes=(Host, Group))
    def test_link_1_links_name_groups_of_the_same_region(self, fleet: Fleet) -> None:
        south = fleet.given_region("south")
        far = fleet.given(Group(region_id=south.id, name="far"))
        host, group = fleet.given(fleet.host("h")), fleet.given(fleet.group("g"))
        before = fleet.everything()
        attempts: list[tuple[Callable[[Entity], Entity], str, Callable[[str], Entity]]] = [
            (fleet.driver.create, "groups", lambda bad: fleet.host("x", groups=(bad,))),
            (fleet.driver.create, "parents", lambda bad: fleet.group("x", parents=(bad,))),
            (fleet.driver.replace, "groups", lambda bad: _changed(host, groups=(group.id, bad))),
            (fleet.driver.replace, "parents", lambda bad: _changed(group, parents=(bad,))),
        ]
        for bad in (far.id, host.id, fleet.region.id, "nowhere"):
            for write, field, entity in attempts:
                with pytest.raises(InvalidReference) as caught:
                    write(entity(bad))
                assert (caught.value.field, caught.value.id) == (field, bad)
        assert fleet.everything() == before

    @clause("LINK-1", writes=(Host, Group))
    def test_link_1_links_of_the_same_region_are_kept(self, fleet: Fleet) -> None:
        web = fleet.driver.create(fleet.group("web"))
        child = fleet.driver.create(fleet.group("child", parents=(web.id,)))
        host = fleet.driver.create(fleet.host("h", groups=(web.id, child.id)))
        assert fleet.driver.get(Group, child.id).parents == (web.id,)
        assert fleet.driver.get(Host, host.id).groups == tuple(sorted((web.id, child.id)))

    @clause("LINK-2", writes=(Group,))
    @pytest.mark.parametrize("depth", [1, 2, 3, 4, 12])
    def test_link_2_no_group_is_its_own_ancestor(self, fleet: Fleet, depth: int) -> None:
        top = group = fleet.given(fleet.group("g0"))
        for level in range(1, depth):
            group = fleet.given(fleet.group(f"g{level}", parents=(group.id,)))
        before = fleet.everything()
        with pytest.raises(Cycle) as caught:
            fleet.driver.replace(_changed(top, parents=(group.id,), variables=Variables({"a": 1})))
        expected = ["g0", *(f"g{level}" for level in range(depth - 1, -1, -1))]
        assert caught.value.fields["path"] == expected
        assert fleet.everything() == before

    @clause("LINK-2", writes=(Group,))
    def test_link_2_a_new_group_is_not_its_own_parent(self, fleet: Fleet) -> None:
        with pytest.raises(Cycle):
            fleet.driver.create(fleet.group("g", id="g", parents=("g",)))
        assert list(fleet.driver.scan(Group)) == []

    @clause("LINK-2", writes=(Group,))
    def test_link_2_diamonds_are_no_cycles(self, fleet: Fleet) -> None:
        top = fleet.given(fleet.group("top"))
        left, right = (fleet.given(fleet.group(name, parents=(top.id,))) for name in "lr")
        bottom = fleet.driver.create(fleet.group("bottom", parents=(left.id, right.id)))
        wide = fleet.driver.replace(_changed(bottom, parents=(left.id, right.id, top.id)))
        assert wide.parents == tuple(sorted((left.id, right.id, top.id)))
        with pytest.raises(Cycle):
            fleet.driver.replace(_changed(top, parents=(bottom.id,)))

    @clause("LINK-2", writes=(Group,))
    def test_link_2_an_edge_may_turn_around(self, fleet: Fleet) -> None:
        a = fleet.given(fleet.group("a"))
        b = fleet.given(fleet.group("b", parents=(a.id,)))
        fleet.driver.replace(_changed(b, parents=()))
        assert fleet.driver.replace(_changed(a, parents=(b.id,))).parents == (b.id,)
