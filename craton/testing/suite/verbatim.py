"""VERBATIM: entities that move here from another store."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from craton.capabilities import Capability
from craton.driver import Change, Create, Replace
from craton.errors import AlreadyExists, InvalidReference, InvalidValue, NotFound, RevisionConflict
from craton.models import Entity, Group, Host, Region, Tenant
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet
from craton.variables import Variables

_BATCH = Capability.ATOMIC_BATCH

_CREATED = datetime(2001, 2, 3, 4, 5, 6, 789000, UTC)
_UPDATED = datetime(2012, 12, 12, 12, 12, 12, 1000, UTC)

_changed = dataclasses.replace


def _stamp(revision: str) -> dict[str, Any]:
    return {"revision": revision, "created_at": _CREATED, "updated_at": _UPDATED}


class VerbatimClauses(Suite):
    """Storing what was read from another store."""

    @clause("VERBATIM-1", writes=(Tenant, Region, Group, Host))
    def test_verbatim_1_create_keeps_revision_and_times(self, fleet: Fleet) -> None:
        moved: list[Entity] = [
            Tenant(id="t", name="moved", **_stamp("of-t")),
            Region(id="r", tenant_id="t", name="moved", **_stamp("of-r")),
            Group(id="g", region_id="r", name="g", **_stamp("of-g")),
            Host(
                id="h",
                region_id="r",
                name="h",
                groups=("g",),
                variables=Variables({"a": [1, 1.0]}),
                templated=("a",),
                **_stamp("of-h"),
            ),
        ]
        for entity in moved:
            assert fleet.driver.create(entity, verbatim=True) == entity
        for entity in moved:
            assert fleet.driver.get(type(entity), entity.id) == entity

    @clause("VERBATIM-1", _BATCH, writes=(Host, Group))
    def test_verbatim_1_so_does_a_batch_for_some_of_its_changes(self, fleet: Fleet) -> None:
        host = fleet.host("h", id="h", groups=("g",), **_stamp("x" * 64))
        group = fleet.group("g", id="g", **_stamp("of-g"))
        other = fleet.host("other", **_stamp("mine"))
        stamps = fleet.driver.apply(
            [
                Create(entity=host, verbatim=True),
                Create(entity=group, verbatim=True),
                Create(entity=other),
            ]
        )
        assert [stamp.revision for stamp in stamps[:2]] == [host.revision, group.revision]
        assert fleet.driver.get(Host, "h") == host
        assert fleet.driver.get(Group, "g") == group
        stored = fleet.driver.get(Host, stamps[2].id)
        assert stored.revision == stamps[2].revision != "mine"
        assert stored.created_at > _UPDATED

    @clause("VERBATIM-1", _BATCH, writes=(Host, Group))
    def test_verbatim_1_a_replaced_entity_keeps_when_it_was_created(self, fleet: Fleet) -> None:
        host, group = fleet.given(fleet.host("h")), fleet.given(fleet.group("g"))
        first = _changed(host, name="first", **_stamp("first"))
        assert fleet.driver.replace(first, verbatim=True) == _changed(
            first, created_at=host.created_at
        )
        assert fleet.driver.get(Host, host.id) == _changed(first, created_at=host.created_at)
        second = _changed(group, variables=Variables({"a": 1}), **_stamp("second"))
        [stamp] = fleet.driver.apply([Replace(entity=second, verbatim=True)])
        assert stamp.revision == "second"
        assert fleet.driver.get(Group, group.id) == _changed(second, created_at=group.created_at)

    @clause("VERBATIM-1", Capability.CAS, writes=(Host,))
    def test_verbatim_1_the_next_write_begins_a_new_revision(self, fleet: Fleet) -> None:
        moved = fleet.driver.create(fleet.host("h", id="h", **_stamp("old")), verbatim=True)
        after = fleet.driver.replace(_changed(moved, ssh_port=22), if_revision="old")
        assert after.revision not in ("", "old")
        assert (after.created_at, after.updated_at > _UPDATED) == (_CREATED, True)
        with pytest.raises(RevisionConflict):
            fleet.driver.replace(moved, if_revision="old", verbatim=True)
        assert fleet.driver.get(Host, "h") == after

    @clause("VERBATIM-2", writes=(Host,))
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("id", ""),
            ("id", "a/b"),
            ("revision", ""),
            ("revision", "x" * 65),
            ("created_at", None),
            ("created_at", datetime(2001, 1, 1)),
            ("updated_at", datetime(2001, 1, 1, microsecond=1, tzinfo=UTC)),
        ],
    )
    def test_verbatim_2_what_it_must_bring(self, fleet: Fleet, field: str, value: Any) -> None:
        bad = _changed(fleet.host("h", id="h", **_stamp("x")), **{field: value})
        before = fleet.everything()
        with pytest.raises(InvalidValue) as caught:
            fleet.driver.create(bad, verbatim=True)
        assert caught.value.field == field
        assert fleet.everything() == before

    @clause("VERBATIM-2", _BATCH, writes=(Host, Group))
    def test_verbatim_2_every_other_rule_holds(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h"))
        stamp = _stamp("x")
        bad: list[tuple[Change, type[Exception]]] = [
            (Create(entity=fleet.host("", id="i", **stamp), verbatim=True), InvalidValue),
            (Create(entity=fleet.host("h", id="i", **stamp), verbatim=True), AlreadyExists),
            (Create(entity=fleet.host("i", id=host.id, **stamp), verbatim=True), AlreadyExists),
            (
                Create(entity=fleet.group("g", id="g", parents=("no",), **stamp), verbatim=True),
                InvalidReference,
            ),
            (Replace(entity=fleet.host("i", id="i", **stamp), verbatim=True), NotFound),
        ]
        before = fleet.everything()
        for change, error in bad:
            with pytest.raises(error):
                fleet.driver.apply([change])
            assert fleet.everything() == before
