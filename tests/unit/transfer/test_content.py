"""What of an entity is compared: all of it, in whatever order."""

from __future__ import annotations

import dataclasses
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from craton.backends.memory.driver import MemoryDriver
from craton.fields import Flag, Integer, Links, Moment, Names, Text, VariableMap, VariableNames
from craton.jsontext import JsonValue
from craton.models import KINDS, Entity, Host, specs
from craton.transfer.content import Tally, content
from craton.variables import Variables
from tests.fleets import everything, fill_with_every_kind
from tests.unit.transfer.conftest import store

OTHER = {
    Text: "other",
    Integer: 7,
    Moment: datetime(2001, 1, 1, tzinfo=UTC),
    Links: ("other",),
    VariableMap: Variables({"other": 1.0}),
    Names: ("other",),
    VariableNames: ("other",),
}


def one_of_each() -> list[Entity]:
    driver = store()
    fill_with_every_kind(driver)
    return [next(driver.scan(kind)) for kind in KINDS]


@pytest.mark.parametrize("entity", one_of_each(), ids=lambda entity: entity.kind)
def test_every_field_of_every_kind_counts(entity: Entity) -> None:
    for name, spec in specs(type(entity)).items():
        value = not getattr(entity, name) if isinstance(spec, Flag) else OTHER[type(spec)]
        changes: dict[str, Any] = {name: value}
        other = dataclasses.replace(entity, **changes)
        assert content(other) != content(entity), name
    assert content(dataclasses.replace(entity)) == content(entity)


@pytest.mark.parametrize("pair", [(1, 1.0), (1, "1"), (1, True), (0.0, -0.0), (None, "null")])
def test_types_of_values_are_told_apart(pair: tuple[JsonValue, JsonValue]) -> None:
    host = next(entity for entity in one_of_each() if isinstance(entity, Host))
    first, second = (
        content(dataclasses.replace(host, variables=Variables({"a": value}))) for value in pair
    )
    assert first != second


def test_a_digest_does_not_depend_on_the_order(source: MemoryDriver) -> None:
    entities = list(everything(source).values())
    tallies = []
    for seed in range(3):
        random.Random(seed).shuffle(entities)
        tally = Tally()
        for entity in entities:
            tally.add(entity)
        tallies.append(tally)
    assert tallies[0] == tallies[1] == tallies[2]
    assert {tally.digest for tally in tallies} == {tallies[0].digest}
    assert tallies[0].count == len(entities)


def test_a_digest_sees_what_is_missing_doubled_or_another() -> None:
    first, second = one_of_each()[:2]
    digests = set()
    for entities in ([], [first], [second], [first, second], [first, first], [first] * 3):
        tally = Tally()
        for entity in entities:
            tally.add(entity)
        digests.add(tally.digest)
    assert len(digests) == 6
