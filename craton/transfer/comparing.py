"""Whether two stores hold the same, and if not, what differs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from craton.driver import InventoryReader, parent_of
from craton.models import KINDS, Entity
from craton.transfer.chunks import portions
from craton.transfer.content import Tally, content
from craton.transfer.copying import total
from craton.transfer.errors import failing_as, reading
from craton.transfer.observing import Observer
from craton.transfer.places import OUTSIDE, Place, by_id, entities, is_there, regions

#: How many entities of each sort of difference are named.
NAMED: Final = 5


@dataclass
class Ids:
    """Entities that differ in one way.

    Attributes:
        count: How many there are.
        first: The ids of the first of them, ``NAMED`` at most.
    """

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, id: str) -> None:
        """Count one."""
        self.count += 1
        if len(self.first) < NAMED:
            self.first.append(id)


@dataclass
class Difference:
    """How the two sides differ in one kind and place.

    Attributes:
        missing: What the source alone has.
        extra: What the target alone has.
        different: What both have, in different states.
    """

    missing: Ids = field(default_factory=Ids)
    extra: Ids = field(default_factory=Ids)
    different: Ids = field(default_factory=Ids)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The entities of one kind in one place, on both sides.

    Attributes:
        kind: The kind.
        place: The place.
        source: What the source has.
        target: What the target has.
        difference: How they differ; ``None`` if they do not.
    """

    kind: type[Entity]
    place: Place
    source: Tally
    target: Tally
    difference: Difference | None = None


def compare(
    source: InventoryReader, target: InventoryReader, observer: Observer
) -> Iterator[Comparison]:
    """Compare two stores, every kind and every place by itself.

    Raises:
        TransferError: One side cannot be read.
    """
    observer.begin("comparing", total(source, target))
    with failing_as("cannot read regions from the source"):
        places = {place.region: place for place in regions(source)}
        wanted = {kind for kind in KINDS if is_there(source, kind)}
    with failing_as("cannot read regions from the target"):
        places = {place.region: place for place in regions(target)} | places
        wanted |= {kind for kind in KINDS if is_there(target, kind)}
    for place in (OUTSIDE, *sorted(places.values())):
        for kind in filter(wanted.__contains__, place.kinds()):
            observer.at(kind, place)
            yield _compared(source, target, kind, place, observer)
    observer.end()


def _compared(
    source: InventoryReader,
    target: InventoryReader,
    kind: type[Entity],
    place: Place,
    observer: Observer,
) -> Comparison:
    of_source = _tally(source, kind, place, "the source", observer)
    of_target = _tally(target, kind, place, "the target", observer)
    difference = None
    if of_source != of_target:
        with failing_as(f"cannot compare {kind.collection}{place}"):
            difference = _difference(source, target, kind, place)
    return Comparison(
        kind=kind, place=place, source=of_source, target=of_target, difference=difference
    )


def _tally(
    reader: InventoryReader, kind: type[Entity], place: Place, side: str, observer: Observer
) -> Tally:
    tally = Tally()
    with closing(entities(reader, kind, place)) as found:
        for chunk in portions(reading(found, f"{kind.collection}{place} from {side}")):
            for entity in chunk:
                tally.add(entity)
            observer.advance(len(chunk))
    return tally


def _difference(
    source: InventoryReader, target: InventoryReader, kind: type[Entity], place: Place
) -> Difference:
    difference = Difference()
    with closing(entities(source, kind, place)) as here:
        for chunk in portions(here):
            there = by_id(target, kind, tuple(entity.id for entity in chunk))
            for entity in chunk:
                if entity.id not in there:
                    difference.missing.add(entity.id)
                elif content(there[entity.id]) != content(entity):
                    difference.different.add(entity.id)
    with closing(entities(target, kind, place)) as here:
        for chunk in portions(here):
            there = by_id(source, kind, tuple(entity.id for entity in chunk))
            for entity in chunk:
                twin = there.get(entity.id)
                if twin is None or parent_of(twin) != parent_of(entity):
                    difference.extra.add(entity.id)
    return difference
