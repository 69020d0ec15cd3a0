"""Whole inventories, the same for the same numbers: one made at random, one of every kind."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Mapping
from typing import Any

from craton.driver import Create, InventoryDriver, InventoryReader
from craton.fields import Text
from craton.jsontext import JsonValue
from craton.models import KINDS, E, Entity, Group, Host, Region, Tenant, links, parent_field, specs
from craton.variables import Variables
from tests.oracle.regions import NUMBERS, STRINGS, VARIABLES

#: Without the number of thousands of digits: in a large fleet it would be all that takes time.
VALUES: tuple[JsonValue, ...] = (
    *STRINGS,
    *(n for n in NUMBERS if type(n) is float or n < 10**100),
    None,
    True,
    False,
)


def fill(
    driver: InventoryDriver, *, seed: int = 0, regions: int = 2, hosts: int = 20, groups: int = 8
) -> None:
    """Store an inventory at random: so many hosts and groups in each region, in any order."""
    rng = random.Random(seed)
    tenants = [Tenant(id=f"t{n}", name=f"tenant {n}", **_variables(rng)) for n in range(2)]
    places = [
        Region(id=f"r{n}", tenant_id=f"t{n % 2}", name=f"region {n}", **_variables(rng))
        for n in range(regions)
    ]
    driver.apply(Create(entity=entity) for entity in (*tenants, *places))
    for region in places:
        made = list(_groups(rng, region, groups))
        filled = list(_hosts(rng, region, hosts, [group.id for group in made]))
        # In any order, but kind by kind, which is what drivers are quick at.
        for entities in (filled, made):
            rng.shuffle(entities)
        driver.apply(Create(entity=entity) for entity in (*filled, *made))


def fill_with_every_kind(driver: InventoryDriver) -> None:
    """Store two entities of each kind that there is, with links where they may have some."""
    ids: dict[str, str] = {}
    for kind in KINDS:
        made = [driver.create(_minimal(kind, number, ids)) for number in range(2)]
        ids[kind.kind] = made[0].id


def everything(reader: InventoryReader) -> dict[tuple[type[Entity], str], Entity]:
    """Return all that a reader has, by kind and id."""
    return {(kind, entity.id): entity for kind in KINDS for entity in reader.scan(kind)}


def _groups(rng: random.Random, region: Region, count: int) -> Iterator[Group]:
    # Each may have parents among those before it; ids say nothing of that.
    ids = [f"{region.id}g{rng.getrandbits(32):08x}{number}" for number in range(count)]
    for number, id in enumerate(ids):
        parents = rng.sample(ids[:number], min(number, rng.choice((0, 1, 1, 2, 3))))
        yield Group(
            id=id,
            region_id=region.id,
            name=f"{rng.choice('abcxyzé')}-group-{number}",
            priority=rng.choice((1, 1, 0, 7)),
            parents=tuple(parents),
            **_variables(rng),
        )


def _hosts(rng: random.Random, region: Region, count: int, groups: list[str]) -> Iterator[Host]:
    for number in range(count):
        yield Host(
            id=f"{region.id}h{number}",
            region_id=region.id,
            name=f"{rng.choice('abcxyzé')}-host-{number}",
            ip_address=rng.choice((None, f"10.0.{number // 250 % 250}.{number % 250}")),
            ssh_port=rng.choice((None, 22, 2222)),
            active=rng.random() < 0.9,
            groups=tuple(rng.sample(groups, min(len(groups), rng.randrange(4)))),
            **_variables(rng),
        )


def _variables(rng: random.Random) -> dict[str, Any]:
    names = rng.sample(VARIABLES, rng.choice((0, 1, 2, 4)))
    values = {name: _value(rng) for name in names}
    templated = tuple(name for name in names if rng.random() < 0.3)
    return {"variables": Variables(values), "templated": templated}


def _value(rng: random.Random) -> JsonValue:
    one = rng.choice(VALUES)
    choices: tuple[JsonValue, ...] = (one, one, [one, {"k": one}])
    return rng.choice(choices)


def _minimal(kind: type[E], number: int, ids: Mapping[str, str]) -> E:
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if kind.parent is not None and field.name == parent_field(kind):
            values[field.name] = ids[kind.parent.kind]
        elif isinstance(specs(kind)[field.name], Text) and field.default is dataclasses.MISSING:
            values[field.name] = f"{kind.kind}-{number}"
        elif field.name == "region_id":
            values[field.name] = ids["region"]
    values["name"] = f"{kind.kind}-{number}"
    for name, spec in links(kind):
        values[name] = (ids[spec.kind],) if spec.kind in ids else ()
    return kind(**values)
