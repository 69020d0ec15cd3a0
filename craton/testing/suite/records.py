"""RECORD: what Craton remembers beside the inventory."""

from __future__ import annotations

import dataclasses

import pytest

from craton.capabilities import Capability
from craton.driver import Change, Create, Delete, InventoryDriver, Replace
from craton.errors import AlreadyExists, InvalidValue, NotFound, RevisionConflict
from craton.models import Host, Record
from craton.query import Prefix, Query
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet, in_parallel, lost, won
from craton.testing.suite.values import NASTY

_changed = dataclasses.replace


class RecordClauses(Suite):
    """Records."""

    @clause("RECORD-1", writes=(Record,))
    def test_record_1_a_value_comes_back_as_it_was_stored(self, driver: InventoryDriver) -> None:
        values = ["", "x" * 2**20, "\U0001f600" * 2**20, *NASTY]
        for number, value in enumerate(values):
            stored = driver.create(Record(name=f"kit/{number}", value=value))
            assert driver.get(Record, stored.id) == stored
            assert stored.value == value
        for record in list(driver.scan(Record)):
            changed = driver.replace(_changed(record, value=record.value[1:]))
            assert driver.get(Record, record.id) == changed
        with pytest.raises(InvalidValue) as caught:
            driver.create(Record(name="kit/long", value="x" * (2**20 + 1)))
        assert caught.value.field == "value"

    @clause("RECORD-1", writes=(Record,))
    def test_record_1_names_are_unique_and_found(self, driver: InventoryDriver) -> None:
        names = ("kit/a", "kit/B", "other/a")
        records = [driver.create(Record(name=name)) for name in names]
        with pytest.raises(AlreadyExists) as caught:
            driver.create(Record(name="kit/a"))
        assert (caught.value.kind, caught.value.field) == ("record", "name")
        found = driver.scan(Record, Query(where=Prefix(("name",), "kit/")))
        assert [record.name for record in found] == ["kit/B", "kit/a"]
        driver.delete(Record, records[0].id)
        with pytest.raises(NotFound):
            driver.get(Record, records[0].id)
        driver.create(Record(name="kit/a"))

    @clause("RECORD-1", Capability.CAS, writes=(Record,))
    def test_record_1_of_two_writers_one_wins(self, driver: InventoryDriver) -> None:
        record = driver.create(Record(name="kit/lock"))
        for number in range(10):
            held = driver.get(Record, record.id)
            outcomes = in_parallel(
                *(
                    lambda who=who, held=held: driver.replace(
                        _changed(held, value=who), if_revision=held.revision
                    )
                    for who in (f"a{number}", f"b{number}")
                )
            )
            assert won(outcomes) == 1
            assert all(isinstance(error, RevisionConflict) for error in lost(outcomes))

    @clause("RECORD-2", Capability.ATOMIC_BATCH, Capability.CAS, writes=(Record, Host))
    def test_record_2_records_and_entities_in_one_batch(self, fleet: Fleet) -> None:
        driver = fleet.driver
        changes: list[Change] = [
            Create(entity=Record(name="kit/token", value="1")),
            Create(entity=fleet.host("h")),
        ]
        record, host = (stamp.id for stamp in driver.apply(changes))
        stored = driver.get(Record, record)
        before = fleet.everything()
        changes = [
            Replace(entity=_changed(stored, value="2")),
            Delete(kind=Host, id=host),
            Create(entity=Record(name="kit/token")),
        ]
        with pytest.raises(AlreadyExists) as caught:
            driver.apply(changes)
        assert caught.value.change == 2
        assert fleet.everything() == before
        changes = [Delete(kind=Host, id=host), Replace(entity=stored, if_revision="another")]
        with pytest.raises(RevisionConflict):
            driver.apply(changes)
        assert fleet.everything() == before
        driver.apply([Replace(entity=_changed(stored, value="2")), Delete(kind=Host, id=host)])
        assert driver.get(Record, record).value == "2"
        assert list(driver.scan(Host)) == []
