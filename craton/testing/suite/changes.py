"""CHANGE: what a change log says."""

from __future__ import annotations

import dataclasses

import pytest

from craton.capabilities import Capability
from craton.driver import Change, Create, Delete, InventoryDriver
from craton.errors import AlreadyExists, NotFound
from craton.models import ChangeRecord, Host
from craton.query import Compare, In, Operator, Query
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet

_DIGEST = "0123456789abcdef" * 4

_PLAIN = ChangeRecord(name="2026-01-01T00", operation="create", entity_kind="host", entity_id="h")
_FULL = ChangeRecord(
    name="2026-01-01T01",
    region_id="r",
    tenant_id="t",
    operation="delete",
    cascade=True,
    entity_kind="region",
    entity_id="r",
    entity_name="nörth ",
    fields=("name", "variables.a", "variables.b"),
    digest_before=_DIGEST,
    digest_after=_DIGEST[::-1],
    user_id="é",
    project_id="p",
    request_id="req-1",
)


class ChangeClauses(Suite):
    """Records of changes."""

    @clause("CHANGE-1", writes=(ChangeRecord,))
    def test_change_1_every_field_comes_back(self, driver: InventoryDriver) -> None:
        long = tuple(f"variables.{'x' * 200}{number:04}" for number in range(1000))
        given = [_PLAIN, _FULL, dataclasses.replace(_FULL, name="2026-01-01T02", fields=long)]
        for entity in given:
            stored = driver.create(entity)
            assert driver.get(ChangeRecord, stored.id) == stored
            fields = {f.name for f in dataclasses.fields(stored)}
            for name in fields - {"id", "revision", "created_at", "updated_at"}:
                assert getattr(stored, name) == getattr(entity, name)
        assert [record.name for record in driver.scan(ChangeRecord)] == [e.name for e in given]
        with pytest.raises(AlreadyExists):
            driver.create(_FULL)

    @clause("CHANGE-1", writes=(ChangeRecord,))
    def test_change_1_records_are_found_by_what_they_say(self, driver: InventoryDriver) -> None:
        for entity in (_PLAIN, _FULL):
            driver.create(entity)
        for path, value, found in (
            (("region_id",), "r", [_FULL.name]),
            (("tenant_id",), None, [_PLAIN.name]),
            (("entity_name",), "nörth", []),
            (("cascade",), True, [_FULL.name]),
            (("operation",), "create", [_PLAIN.name]),
            (("fields",), "name", []),
        ):
            where = Compare(path, Operator.EQ, value)
            assert [r.name for r in driver.scan(ChangeRecord, Query(where=where))] == found, path
        where_in = In(("entity_kind",), ("host", "region"))
        assert len(list(driver.scan(ChangeRecord, Query(where=where_in)))) == 2

    @clause("CHANGE-2", Capability.ATOMIC_BATCH, writes=(ChangeRecord, Host))
    def test_change_2_changes_and_their_records_in_one_batch(self, fleet: Fleet) -> None:
        driver = fleet.driver
        host = fleet.host("h")
        made, first = (s.id for s in driver.apply([Create(entity=host), Create(entity=_PLAIN)]))
        before = fleet.everything()
        changes: list[Change] = [
            Create(entity=_FULL),
            Delete(kind=ChangeRecord, id=first),
            Create(entity=fleet.host("h")),
        ]
        with pytest.raises(AlreadyExists) as caught:
            driver.apply(changes)
        assert caught.value.change == 2
        assert fleet.everything() == before
        with pytest.raises(NotFound):
            driver.apply([Delete(kind=Host, id=made), Delete(kind=ChangeRecord, id="none")])
        assert fleet.everything() == before
        driver.apply([Delete(kind=Host, id=made), *changes[:2]])
        assert [record.name for record in driver.scan(ChangeRecord)] == [_FULL.name]
        assert list(driver.scan(Host)) == []
