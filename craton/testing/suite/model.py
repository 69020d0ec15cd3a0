"""MODEL: whatever is done to a driver, it answers as the memory driver does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from craton import config, loader
from craton.capabilities import EVERY_CAPABILITY, Capability
from craton.driver import Change, Create, Delete, InventoryDriver, InventoryReader, Replace, Stamp
from craton.errors import (
    AlreadyExists,
    CratonError,
    InvalidReference,
    InvalidValue,
    NotFound,
    RevisionConflict,
)
from craton.models import INVENTORY_KINDS, KINDS, NEVER, Entity, Group, Host, Region, Tenant
from craton.query import Order, Predicate, Query
from craton.testing.harness import Harness
from craton.testing.promises import clause
from craton.testing.suite import strategies
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet, walk
from craton.testing.suite.strategies import Step, Stored
from craton.testing.suite.values import NASTY, TRICKY, VALUES
from craton.variables import Variables

#: Facts of an error that depend on which of several truths a driver comes upon first.
_INCIDENTAL: Final = frozenset({"children", "path"})

#: The same examples in each run, so that a verdict does not depend on luck.
_SETTINGS: Final = settings(
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)

_MIGRATIONS = Capability.MIGRATIONS

_changed = dataclasses.replace


class ModelClauses(Suite):
    """Random work, compared with the reference."""

    @clause("MODEL-1", Capability.ATOMIC_BATCH, Capability.CAS, writes=(Host,))
    def test_model_1_of_several_broken_rules_the_first_is_named(self, fleet: Fleet) -> None:
        host, taken = fleet.given(fleet.host("h")), fleet.given(fleet.host("taken"))
        south = fleet.given_region("south")
        elsewhere = _changed(host, region_id=south.id, name=taken.name)
        lost = fleet.host("x", region_id="no")
        cases: list[tuple[Change, type[CratonError], str]] = [
            (Create(entity=fleet.host("taken", ssh_port=0)), InvalidValue, "ssh_port"),
            (Replace(entity=fleet.host("taken", id="no")), NotFound, ""),
            (Replace(entity=elsewhere, if_revision="old"), InvalidValue, "region_id"),
            (Replace(entity=_changed(host, name="taken"), if_revision="old"), RevisionConflict, ""),
            (Create(entity=_changed(lost, id=host.id)), AlreadyExists, "id"),
            (Create(entity=fleet.host("taken", id=host.id)), AlreadyExists, "id"),
            (Create(entity=_changed(lost, groups=("no",))), InvalidReference, "region_id"),
            (Create(entity=fleet.host("taken", groups=("no",))), AlreadyExists, "name"),
            (Replace(entity=_changed(host, name="taken", groups=("no",))), AlreadyExists, "name"),
        ]
        for change, error, field in cases:
            for write in (lambda c: fleet.driver.apply([c]), lambda c: make(fleet.driver, c)):
                with pytest.raises(error) as caught:
                    write(change)
                assert getattr(caught.value, "field", "") == field, change

    @clause("MODEL-1", *sorted(EVERY_CAPABILITY - {_MIGRATIONS}, key=str), writes=INVENTORY_KINDS)
    def test_model_1_any_sequence_of_changes_ends_as_in_memory(
        self, harness: Harness, driver: InventoryDriver
    ) -> None:
        _check_claims(driver)
        driver.close()

        def machine() -> Comparison:
            return Comparison(harness)

        run_state_machine_as_test(machine, settings=_SETTINGS)  # type: ignore[arg-type]

    @clause("MODEL-2")
    def test_model_2_any_query_has_the_answer_of_its_meaning(self, fleet: Fleet) -> None:
        _populate(fleet)
        everything = {kind: list(fleet.driver.scan(kind)) for kind in KINDS}

        @settings(parent=_SETTINGS, max_examples=150)
        @given(data=st.data(), kind=strategies.kinds, limit=st.integers(1, 5))
        def compare(data: st.DataObject, kind: type[Entity], limit: int) -> None:
            where = data.draw(strategies.predicates(kind))
            expected = [entity for entity in everything[kind] if where.matches(entity)]
            assert list(fleet.driver.scan(kind, Query(where=where))) == expected
            page = fleet.driver.find(kind, Query(where=where, limit=limit))
            assert list(page.items) == expected[:limit]
            assert (page.next is None) == (len(expected) <= limit)

        compare()


class Comparison(RuleBasedStateMachine):
    """Does the same to a driver and to the memory driver, and compares what comes of it."""

    def __init__(self, harness: Harness) -> None:
        super().__init__()
        harness.reset()
        self.subject = harness.load()
        self.subject.open()
        self.model = reference()
        self.digests: dict[type[Entity], tuple[str, str]] = {}
        for driver in self._both():
            driver.create(Tenant(id="t1", name="t1"))
            for region in strategies.REGIONS:
                driver.create(Region(id=region, tenant_id="t1", name=region))
        self.before = (contents(self.subject), contents(self.model))

    def teardown(self) -> None:
        self.subject.close()

    @rule(step=strategies.steps)
    def change(self, step: Step) -> None:
        self._compare(lambda driver, stored: make(driver, step.change(stored)))

    @rule(batch=strategies.batches)
    def apply(self, batch: list[Step]) -> None:
        self._compare(lambda driver, stored: driver.apply(step.change(stored) for step in batch))

    @rule(kind=st.sampled_from((Host, Group)), id=strategies.ids, name=strategies.names)
    def update(self, kind: type[Entity], id: str, name: str) -> None:
        def renamed(found: Entity) -> Entity:
            changes: dict[str, Any] = {"name": name}
            return dataclasses.replace(found, **changes)

        self._compare(lambda driver, _: driver.update(kind, id, renamed))

    @rule(step=strategies.steps, batch=strategies.batches)
    def snapshot(self, step: Step, batch: list[Step]) -> None:
        def seen(driver: InventoryDriver, stored: Stored) -> object:
            with driver.snapshot() as reader:
                before = contents(reader)
                outcome(lambda: make(driver, step.change(stored)))
                outcome(lambda: driver.apply(other.change(contents(driver)) for other in batch))
                assert contents(reader) == before
            return [timeless(entity) for entity in before.values()]

        self._compare(seen)

    @rule(kind=strategies.kinds, id=strategies.ids)
    def get(self, kind: type[Entity], id: str) -> None:
        self._compare(lambda driver, _: driver.get(kind, id))

    @rule(
        kind=strategies.kinds,
        data=st.data(),
        field=st.sampled_from(("name", "name", "id", "priority", "nope")),
        descending=st.booleans(),
        limit=st.integers(0, 4),
    )
    def query(
        self, kind: type[Entity], data: st.DataObject, field: str, descending: bool, limit: int
    ) -> None:
        where = data.draw(strategies.predicates(kind))
        query = Query(where=where, order=Order(field, descending), limit=limit)
        self._compare(lambda driver, _: walked(driver, kind, query))
        self._compare(lambda driver, _: list(driver.scan(kind, query)))

    @rule(kind=strategies.kinds, data=st.data())
    def count(self, kind: type[Entity], data: st.DataObject) -> None:
        where: Predicate = data.draw(strategies.predicates(kind))
        self._compare(lambda driver, _: driver.count(kind, where))

    @rule(kind=strategies.kinds)
    def digest(self, kind: type[Entity]) -> None:
        found = (self.subject.digest(kind), self.model.digest(kind))
        last = self.digests.get(kind, found)
        assert (found[0] == last[0]) <= (found[1] == last[1]), "the digest hides a change"
        self.digests[kind] = found

    @invariant()
    def both_hold_the_same(self) -> None:
        after = (contents(self.subject), contents(self.model))
        subject, model = ([timeless(entity) for entity in found.values()] for found in after)
        assert subject == model
        touched = [
            {key for key in new if key not in old or new[key].revision != old[key].revision}
            for new, old in zip(after, self.before, strict=True)
        ]
        assert touched[0] == touched[1], "a revision changed on one of the two alone"
        self.before = after

    def _both(self) -> tuple[InventoryDriver, InventoryDriver]:
        return self.subject, self.model

    def _compare(self, action: Callable[[InventoryDriver, Stored], object]) -> None:
        found, expected = (
            outcome(lambda d=driver, s=stored: action(d, s))  # type: ignore[misc]
            for driver, stored in zip(self._both(), self.before, strict=True)
        )
        assert found == expected


def reference() -> InventoryDriver:
    """Return an empty memory driver."""
    return loader.load(config.settings(files=[], inventory__driver="memory"))


def make(driver: InventoryDriver, change: Change) -> Entity | None:
    """Make one change by its own method."""
    match change:
        case Create(entity=entity):
            return driver.create(entity)
        case Delete(kind=kind, id=id, if_revision=if_revision, cascade=cascade):
            driver.delete(kind, id, if_revision=if_revision, cascade=cascade)
            return None
        case _:
            return driver.replace(change.entity, if_revision=change.if_revision)


def contents(reader: InventoryReader) -> dict[tuple[type[Entity], str], Entity]:
    """Return all entities by kind and id."""
    return {(kind, entity.id): entity for kind in KINDS for entity in reader.scan(kind)}


def walked(driver: InventoryDriver, kind: type[Entity], query: Query) -> list[tuple[Entity, ...]]:
    """Return the pages of a query."""
    return [page.items for page in walk(driver, kind, query)]


def timeless(entity: Entity) -> Entity:
    """Return an entity without what differs between any two stores."""
    return dataclasses.replace(entity, revision="", created_at=NEVER, updated_at=NEVER)


def outcome(action: Callable[[], object]) -> object:
    """Do something and return its result, or its error, in a form that can be compared."""
    try:
        return _comparable(action())
    except CratonError as error:
        facts = {name: value for name, value in error.fields.items() if name not in _INCIDENTAL}
        return type(error).__name__, facts, error.change


def _comparable(value: object) -> object:
    if isinstance(value, Entity):
        return timeless(value)
    if isinstance(value, Stamp):
        return value.id, bool(value.revision)
    if isinstance(value, list | tuple):
        return [_comparable(item) for item in value]
    return value


def _check_claims(driver: InventoryDriver) -> None:
    """Refuse, as the contract says, before the machine asks for what is not claimed."""
    for capability in sorted(EVERY_CAPABILITY - {_MIGRATIONS}, key=str):
        driver.capabilities.require(capability)
    for kind in INVENTORY_KINDS:
        driver.capabilities.require_writable(kind)


def _populate(fleet: Fleet) -> None:
    """Fill the store with what is easily confused."""
    parents = fleet.given_all(fleet.group(name) for name in ("p", "q"))
    values = [*VALUES.values(), *(text[:200] for text in NASTY)]
    fleet.given_all(
        fleet.host(
            f"h{number}",
            ssh_port=(None, 22, 65535)[number % 3],
            asset_id=(None, "a", "A", "a ", "é")[number % 5],
            active=number % 4 > 0,
            groups=tuple(parent.id for parent in parents[: number % 3]),
            variables=Variables(dict.fromkeys(strategies.KEYS[: number % 3 + 1], value)),
        )
        for number, value in enumerate(values)
    )
    fleet.given_all(
        fleet.group(
            name,
            priority=number - 5,
            parents=(parents[number % 2].id,),
            variables=Variables({strategies.KEYS[0]: values[number]}),
        )
        for number, name in enumerate(TRICKY)
    )
