"""Where entities are: each region by itself, and what stands outside of all regions.

What is said here of kinds is derived from their descriptions, so a new kind is moved as well.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Final

from craton.driver import InventoryReader
from craton.models import KINDS, E, Entity, Region, Tenant, links, parent_field
from craton.query import EVERYTHING, Compare, In, Operator, Predicate, Query
from craton.transfer.chunks import chunked


@dataclass(frozen=True, order=True)
class Place:
    """A region, or what is outside of all.

    Attributes:
        name: The names of tenant and region.
        region: The id of the region; empty for what is outside.
    """

    name: str
    region: str

    def __str__(self) -> str:
        return f" of {self.name}" if self.region else ""

    def kinds(self) -> Iterator[type[Entity]]:
        """Yield the kinds that are here: parents first, and what links name before the links."""
        return (kind for kind in _ORDER if _is_within_region(kind) == bool(self.region))


OUTSIDE: Final = Place("", "")


def regions(reader: InventoryReader) -> list[Place]:
    """Return the place of each region; they are few enough to be held in memory."""
    with closing(reader.scan(Tenant)) as tenants:
        names = {tenant.id: tenant.name for tenant in tenants}
    with closing(reader.scan(Region)) as found:
        return sorted(
            Place(f"{names.get(region.tenant_id, region.tenant_id)}/{region.name}", region.id)
            for region in found
        )


def is_there(reader: InventoryReader, kind: type[Entity]) -> bool:
    """Tell whether there is an entity of a kind anywhere.

    Where there is none, nobody has to go through all parents to see that.
    """
    return bool(reader.find(kind, Query(limit=1)).items)


def entities(reader: InventoryReader, kind: type[E], place: Place) -> Generator[E, None, None]:
    """Yield the entities of a kind in one place, in bounded memory."""
    if not place.region:
        yield from _scan(reader, kind, EVERYTHING)
        return
    field = str(parent_field(kind))
    assert kind.parent is not None
    if kind.parent is Region:
        yield from _scan(reader, kind, Compare((field,), Operator.EQ, place.region))
        return
    with closing(entities(reader, kind.parent, place)) as parents:
        for ids in chunked(parent.id for parent in parents):
            yield from _scan(reader, kind, In((field,), tuple(ids)))


def by_id(reader: InventoryReader, kind: type[E], ids: tuple[str, ...]) -> dict[str, E]:
    """Return those of some entities that exist, by their ids."""
    return {entity.id: entity for entity in _scan(reader, kind, In(("id",), ids))}


def links_to_itself(kind: type[Entity]) -> list[str]:
    """Return the fields by which entities of a kind name others of it."""
    return [name for name, spec in links(kind) if spec.kind == kind.kind]


def _scan(reader: InventoryReader, kind: type[E], where: Predicate) -> Generator[E, None, None]:
    with closing(reader.scan(kind, Query(where=where))) as found:
        yield from found


def _is_within_region(kind: type[Entity]) -> bool:
    return kind.parent is not None and (kind.parent is Region or _is_within_region(kind.parent))


def in_writing_order(kinds: Sequence[type[Entity]]) -> tuple[type[Entity], ...]:
    """Return kinds so that each comes behind its parent's and behind those that it links to."""

    def needed(kind: type[Entity]) -> list[type[Entity]]:
        linked = [spec.kind for _, spec in links(kind)]
        return [
            other
            for other in kinds
            if other is not kind and (other is kind.parent or other.kind in linked)
        ]

    return tuple(TopologicalSorter({kind: needed(kind) for kind in kinds}).static_order())


_ORDER: Final = in_writing_order(KINDS)
