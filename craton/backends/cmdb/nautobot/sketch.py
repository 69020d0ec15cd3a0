"""Finds what differs between two large sets, of which one is known by a summary of fixed size.

An invertible Bloom lookup table (Goodrich and Mitzenmacher, 2011): each element is added to three
cells, by exclusive or. The difference of two tables is the table of what is in one set alone; as
long as that is not much more than half of the cells, a cell with a single element in it is found
again and again, is read, and is taken out.

So a token can tell which objects have gone, without a list of those that there were.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Final, Self

#: Cells for each of the three positions of an element.
_PART: Final = 400
_CELLS: Final = 3 * _PART
_POSITIONS = struct.Struct(">III")
_KEY, _CHECK, _COUNT = 25, 6, 4
#: Bytes of a table.
SIZE: Final = _CELLS * (_KEY + _CHECK + _COUNT)


@dataclass(frozen=True, slots=True)
class Element:
    """An object in one state.

    Attributes:
        sort: What it is, as a small number.
        id: Its id, 16 bytes.
        version: A digest of its state, 8 bytes.
    """

    sort: int
    id: bytes
    version: bytes


@dataclass(frozen=True, slots=True)
class Difference:
    """What is in one of two sets alone."""

    before: frozenset[Element]
    after: frozenset[Element]


class Sketch:
    """A summary of a set of elements; none is added twice."""

    def __init__(self) -> None:
        self._counts = [0] * _CELLS
        self._keys = [0] * _CELLS
        self._checks = [0] * _CELLS

    def add(self, element: Element) -> None:
        """Add an element."""
        key = bytes((element.sort,)) + element.id + element.version
        self._add(int.from_bytes(key), 1, *_digest(key))

    def difference(self, after: Sketch) -> Difference | None:
        """Return what differs from a later set; ``None`` if it is too much to be told."""
        rest = Sketch()
        rest._counts = [one - other for one, other in zip(self._counts, after._counts, strict=True)]
        rest._keys = [one ^ other for one, other in zip(self._keys, after._keys, strict=True)]
        rest._checks = [one ^ other for one, other in zip(self._checks, after._checks, strict=True)]
        return rest._taken_apart()

    def to_bytes(self) -> bytes:
        """Return it as ``SIZE`` bytes."""
        return b"".join(
            [count.to_bytes(_COUNT, signed=True) for count in self._counts]
            + [key.to_bytes(_KEY) for key in self._keys]
            + [check.to_bytes(_CHECK) for check in self._checks]
        )

    @classmethod
    def of_bytes(cls, data: bytes) -> Self:
        """Return what :meth:`to_bytes` wrote."""
        made, start = cls(), 0
        for cells, width in ((made._counts, _COUNT), (made._keys, _KEY), (made._checks, _CHECK)):
            for place in range(_CELLS):
                end = start + width
                cells[place] = int.from_bytes(data[start:end], signed=cells is made._counts)
                start = end
        return made

    def _add(self, key: int, count: int, check: int, places: tuple[int, int, int]) -> None:
        for place in places:
            self._counts[place] += count
            self._keys[place] ^= key
            self._checks[place] ^= check

    def _taken_apart(self) -> Difference | None:
        before: set[Element] = set()
        after: set[Element] = set()
        waiting = list(range(_CELLS))
        while waiting:
            place = waiting.pop()
            count, key = self._counts[place], self._keys[place]
            if abs(count) != 1:
                continue
            text = key.to_bytes(_KEY)
            check, places = _digest(text)
            if check != self._checks[place]:
                continue
            element = Element(text[0], text[1:17], text[17:])
            (before if count == 1 else after).add(element)
            self._add(key, -count, check, places)
            waiting += places
        if any(self._counts) or any(self._keys):
            return None
        return Difference(frozenset(before), frozenset(after))


def _digest(key: bytes) -> tuple[int, tuple[int, int, int]]:
    digest = hashlib.blake2b(key, digest_size=_CHECK + _POSITIONS.size).digest()
    first, second, third = _POSITIONS.unpack_from(digest, _CHECK)
    places = (first % _PART, _PART + second % _PART, 2 * _PART + third % _PART)
    return int.from_bytes(digest[:_CHECK]), places


def version_of(*parts: bytes) -> bytes:
    """Return the version of a state that these parts describe."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(len(part).to_bytes(4))
        digest.update(part)
    return digest.digest()
