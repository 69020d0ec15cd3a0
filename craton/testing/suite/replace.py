"""REPLACE: another state of an entity that is there."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from craton.capabilities import Capability
from craton.errors import (
    AlreadyExists,
    CratonError,
    InvalidReference,
    InvalidValue,
    NotFound,
    RevisionConflict,
)
from craton.models import Group, Host, Region, Tenant
from craton.query import Compare, Exists, Operator, Overlaps
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.create import BAD_HOSTS
from craton.testing.suite.fleet import Fleet, wait_for_the_clock
from craton.variables import Variables

_changed = dataclasses.replace


class ReplaceClauses(Suite):
    """Storing another state."""

    @clause("REPLACE-1", writes=(Host,))
    def test_replace_1_stores_the_whole_state_and_keeps_created_at(self, fleet: Fleet) -> None:
        group = fleet.given(fleet.group("g"))
        before = fleet.given(
            fleet.host("h", variables=Variables({"a": 1, "b": 2}), groups=(group.id,), ssh_port=1)
        )
        state = _changed(
            before,
            name="h2",
            active=False,
            ssh_port=None,
            variables=Variables({"b": 3}),
            templated=("b",),
            groups=(),
            created_at=datetime(2001, 1, 1, tzinfo=UTC),
            revision="mine",
        )
        wait_for_the_clock()
        after = fleet.driver.replace(state)
        assert after == fleet.driver.get(Host, before.id)
        assert after.created_at == before.created_at
        assert after.updated_at > before.updated_at
        assert after.revision not in ("mine", before.revision)
        assert (after.name, after.active, after.ssh_port, after.groups) == ("h2", False, None, ())
        assert after.variables == Variables({"b": 3})
        assert after.templated == ("b",)

    @clause("REPLACE-1", writes=(Tenant, Region, Group))
    def test_replace_1_works_for_every_kind(self, fleet: Fleet) -> None:
        group = fleet.given(fleet.group("g"))
        for state in (
            _changed(fleet.tenant, name="t2", customer="c", variables=Variables({"a": 1})),
            _changed(fleet.region, name="r2", description="d"),
            _changed(group, name="g2", priority=7),
        ):
            after = fleet.driver.replace(state)
            assert fleet.driver.get(type(state), state.id) == after
            kept = _changed(after, revision=state.revision, updated_at=state.updated_at)
            assert kept == state

    @clause("REPLACE-1", writes=(Host,))
    def test_replace_1_revisions_never_come_back(self, fleet: Fleet) -> None:
        host = fleet.driver.create(fleet.host("h"))
        seen = {host.revision}
        for _ in range(5):
            seen.add(fleet.driver.replace(host).revision)
        fleet.driver.delete(Host, host.id)
        seen.add(fleet.driver.create(fleet.host("h", id=host.id)).revision)
        assert len(seen) == 7

    @clause("REPLACE-2", writes=(Host,))
    def test_replace_2_refuses_what_is_not_there_and_another_parent(self, fleet: Fleet) -> None:
        with pytest.raises(NotFound) as missing:
            fleet.driver.replace(fleet.host("h", id="nowhere"))
        assert (missing.value.kind, missing.value.id) == ("host", "nowhere")
        assert fleet.names() == set()
        south = fleet.given_region("south")
        host = fleet.given(fleet.host("h"))
        with pytest.raises(InvalidValue) as caught:
            fleet.driver.replace(_changed(host, region_id=south.id))
        assert caught.value.field == "region_id"
        assert fleet.driver.get(Host, host.id) == host

    @clause("REPLACE-3", Capability.CAS, writes=(Host,))
    def test_replace_3_if_revision_must_be_the_stored_one(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h"))
        after = fleet.driver.replace(_changed(host, active=False), if_revision=host.revision)
        for revision in (host.revision, "", after.revision + " ", "none"):
            with pytest.raises(RevisionConflict) as caught:
                fleet.driver.replace(_changed(host, ssh_port=1), if_revision=revision)
            assert (caught.value.kind, caught.value.id) == ("host", host.id)
        assert fleet.driver.get(Host, host.id) == after

    @clause("REPLACE-4", writes=(Host,))
    @pytest.mark.parametrize(("field", "fields"), BAD_HOSTS[::4])
    def test_replace_4_an_invalid_value_names_the_field(
        self, fleet: Fleet, field: str, fields: dict[str, Any]
    ) -> None:
        host = fleet.given(fleet.host("h"))
        with pytest.raises(InvalidValue) as caught:
            fleet.driver.replace(_changed(host, **fields))
        assert caught.value.field == field
        assert fleet.driver.get(Host, host.id) == host

    @clause("REPLACE-4", writes=(Host, Region))
    def test_replace_4_a_rule_that_is_broken_changes_nothing(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h", variables=Variables({"kept": True})))
        other = fleet.given(fleet.host("other"))
        fleet.given_all([fleet.host("localhost"), fleet.host("second")])
        fleet.given(fleet.group("g"))
        south = fleet.given_region("south")
        before = fleet.everything()
        new = {"variables": Variables({"a": 1})}
        bad: list[tuple[Any, type[CratonError]]] = [
            (_changed(host, name="g", **new), AlreadyExists),
            (_changed(host, name="other", **new), AlreadyExists),
            (_changed(host, name="::1", **new), AlreadyExists),
            (_changed(host, groups=(other.id,), **new), InvalidReference),
            (_changed(south, name="north", **new), AlreadyExists),
        ]
        for state, error in bad:
            with pytest.raises(error):
                fleet.driver.replace(state)
            assert fleet.everything() == before

    @clause("REPLACE-4", writes=(Host, Group))
    def test_replace_4_an_entity_never_stands_in_its_own_way(self, fleet: Fleet) -> None:
        host, group = fleet.given(fleet.host("localhost")), fleet.given(fleet.group("g"))
        for name in ("localhost", "127.0.0.1", "::1", "h", "h"):
            assert fleet.driver.replace(_changed(host, name=name)).name == name
        assert fleet.driver.replace(_changed(group, priority=2)).name == "g"
        fleet.driver.replace(_changed(group, name="localhost"))
        assert fleet.driver.replace(_changed(host, name="g")).name == "g"

    @clause("REPLACE-4", writes=(Host,))
    def test_replace_4_sets_come_back_sorted(self, fleet: Fleet) -> None:
        groups = [fleet.given(fleet.group(name)).id for name in "ab"]
        host = fleet.given(fleet.host("h"))
        after = fleet.driver.replace(
            _changed(host, groups=(*sorted(groups, reverse=True), groups[0]))
        )
        assert after.groups == tuple(sorted(groups))
        assert fleet.driver.get(Host, host.id) == after

    @clause("REPLACE-5", writes=(Host, Group))
    def test_replace_5_variables_and_links_that_are_left_out_are_gone(self, fleet: Fleet) -> None:
        first, second = (fleet.given(fleet.group(name)) for name in ("first", "second"))
        values = Variables({"gone": 1, "kept": {"a": 1}})
        host = fleet.given(
            fleet.host("h", variables=values, templated=("gone",), groups=(first.id, second.id))
        )
        child = fleet.given(fleet.group("child", parents=(first.id,), variables=values))
        kept = Variables({"kept": {"b": 2}})
        fleet.driver.replace(_changed(host, variables=kept, templated=(), groups=(second.id,)))
        fleet.driver.replace(_changed(child, variables=Variables(), parents=()))
        assert fleet.driver.get(Host, host.id).variables == kept
        assert fleet.driver.get(Host, host.id).groups == (second.id,)
        assert fleet.names(Exists(("variables", "gone"))) == set()
        assert fleet.names(Compare(("variables", "kept", "a"), Operator.EQ, 1)) == set()
        assert fleet.names(Overlaps(("groups",), (first.id,))) == set()
        assert fleet.names(Overlaps(("groups",), (second.id,))) == {"h"}
        assert fleet.driver.get(Group, child.id).parents == ()
        assert fleet.driver.get(Group, child.id).variables == Variables()

    @clause("REPLACE-6", Capability.CAS, writes=(Host,))
    def test_replace_6_an_equal_result_of_update_is_not_written(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h"))
        changed = fleet.driver.update(Host, host.id, lambda found: _changed(found, ssh_port=1))
        assert fleet.driver.get(Host, host.id) == changed
        assert changed.revision != host.revision
        assert fleet.driver.update(Host, host.id, lambda found: found) == changed
        assert fleet.driver.get(Host, host.id).revision == changed.revision

    @clause("REPLACE-6", Capability.CAS, writes=(Host,))
    def test_replace_6_update_sees_what_was_written_in_between(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h", variables=Variables({"n": 0})))
        seen = []

        def change(found: Host) -> Host:
            seen.append(found.ssh_port)
            if len(seen) == 1:
                fleet.driver.replace(_changed(found, ssh_port=7))
            return _changed(found, active=False)

        after = fleet.driver.update(Host, host.id, change)
        assert seen == [None, 7]
        assert (after.ssh_port, after.active) == (7, False)
        assert fleet.driver.get(Host, host.id) == after
