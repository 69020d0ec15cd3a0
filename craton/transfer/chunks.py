"""Entities in portions, of which each is one step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from craton.models import E, Entity, specs
from craton.variables import Variables

T = TypeVar("T")

#: How many entities are read, compared and written together.
SIZE: Final = 500

#: How many characters they may have together; one entity alone may have more.
WEIGHT: Final = 4 * 2**20


def chunked(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield small items, such as ids, in lists of ``SIZE``; the last one may be shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, SIZE)):
        yield chunk


def portions(entities: Iterable[E]) -> Iterator[list[E]]:
    """Yield entities in lists that are neither long nor heavy, for some of them are large."""
    portion: list[E] = []
    weight = 0
    for entity in entities:
        more = _weight(entity)
        if portion and (len(portion) == SIZE or weight + more > WEIGHT):
            yield portion
            portion, weight = [], 0
        portion.append(entity)
        weight += more
    if portion:
        yield portion


def _weight(entity: Entity) -> int:
    weight = 0
    for name in specs(type(entity)):
        value = getattr(entity, name)
        # By exact class: an abstract one, as Variables has, takes longer to ask than to weigh.
        if type(value) is str:
            weight += len(value)
        elif type(value) is Variables:
            weight += len(value.text)
    return weight
