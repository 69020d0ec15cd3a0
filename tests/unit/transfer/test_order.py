"""In which order entities are written, and in which portions."""

from __future__ import annotations

import dataclasses

import pytest

from craton.backends.memory.driver import MemoryDriver
from craton.errors import BackendFault
from craton.models import KINDS, Entity, Group, Host, Region, Secret, Tenant, links
from craton.transfer import OUTSIDE, Place, chunks
from craton.transfer.ordering import writable_chunks
from craton.transfer.places import entities, in_writing_order, regions
from craton.variables import Variables
from tests.fleets import everything, fill, fill_with_every_kind

REGION = Place("tenant 0/region 0", "r0")


def test_each_kind_has_its_place() -> None:
    inside, outside = list(REGION.kinds()), list(OUTSIDE.kinds())
    assert sorted(kind.kind for kind in (*inside, *outside)) == sorted(k.kind for k in KINDS)
    assert {Group, Host, Secret} <= set(inside)
    assert {Tenant, Region} <= set(outside)


@pytest.mark.parametrize("given", [KINDS, KINDS[::-1]])
def test_a_kind_comes_behind_its_parent_and_what_it_links_to(
    given: tuple[type[Entity], ...],
) -> None:
    kinds = in_writing_order(given)
    assert set(kinds) == set(KINDS)
    for position, kind in enumerate(kinds):
        linked = {spec.kind for _, spec in links(kind)}
        for later in kinds[position + 1 :]:
            assert later is not kind.parent
            assert later.kind not in linked


def test_every_entity_is_in_one_place(target: MemoryDriver) -> None:
    fill_with_every_kind(target)
    found = [
        entity
        for place in (OUTSIDE, *regions(target))
        for kind in place.kinds()
        for entity in entities(target, kind, place)
    ]
    assert len(found) == 2 * len(KINDS)
    assert {(type(entity), entity.id) for entity in found} == everything(target).keys()


@pytest.mark.parametrize("seed", range(20))
def test_no_group_comes_before_its_parents(target: MemoryDriver, seed: int) -> None:
    fill(target, seed=seed, groups=40, hosts=0)
    seen: set[str] = set()
    for chunk in writable_chunks(target, Group, REGION):
        assert 1 <= len(chunk) <= chunks.SIZE
        for group in chunk:
            assert set(group.parents) <= seen
            seen.add(group.id)
    assert len(seen) == 40


def test_a_cycle_that_a_store_let_in_is_an_error(target: MemoryDriver) -> None:
    fill(target, groups=3, hosts=0)
    first, second, _ = entities(target, Group, REGION)
    for group, parent in ((first, second), (second, first)):
        broken = dataclasses.replace(group, parents=(parent.id,))
        target.state._entities[Group][group.id] = broken
    with pytest.raises(BackendFault, match="groups of tenant 0/region 0 form a cycle"):
        list(writable_chunks(target, Group, REGION))


def test_heavy_entities_come_in_small_portions(
    target: MemoryDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "WEIGHT", 1000)
    hosts = [
        Host(id=f"h{n}", region_id="r", name=f"h{n}", variables=Variables({"a": "x" * size}))
        for n, size in enumerate((10, 10, 5000, 10, 10, 700, 700))
    ]
    portions = [[host.id for host in portion] for portion in chunks.portions(hosts)]
    assert portions == [["h0", "h1"], ["h2"], ["h3", "h4", "h5"], ["h6"]]
