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
from array import array
from dataclasses import dataclass
from typing import Final, Self

#: Cells for each of the three positions of an element.
_PART: Final = 400
_CELLS: Final = 3 * _PART
_POSITIONS = struct.Struct(">III")
_COUNTS = struct.Struct(f">{_CELLS}i")
_KEY, _CHECK, _COUNT = 25, 6, 4
#: What a cell has of an element: its key, and by what it is known again.
_ENTRY: Final = _KEY + _CHECK
#: Bytes of a table.
SIZE: Final = _CELLS * (_ENTRY + _COUNT)


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
    """A summary of a set of elements; none is added twice. Its own size never changes."""

    def __init__(self) -> None:
        self._counts = array("i", bytes(_COUNT * _CELLS))
        self._entries = bytearray(_ENTRY * _CELLS)

    def add(self, element: Element) -> None:
        """Add an element."""
        self._add(bytes((element.sort,)) + element.id + element.version, 1)

    def difference(self, after: Sketch) -> Difference | None:
        """Return what differs from a later set; ``None`` if it is too much to be told."""
        rest = Sketch()
        pairs = zip(self._counts, after._counts, strict=True)
        rest._counts = array("i", (one - other for one, other in pairs))
        both = int.from_bytes(self._entries) ^ int.from_bytes(after._entries)
        rest._entries = bytearray(both.to_bytes(_ENTRY * _CELLS))
        return rest._taken_apart()

    def to_bytes(self) -> bytes:
        """Return it as ``SIZE`` bytes."""
        return _COUNTS.pack(*self._counts) + self._entries

    @classmethod
    def of_bytes(cls, data: bytes) -> Self:
        """Return what :meth:`to_bytes` wrote."""
        made = cls()
        made._counts = array("i", _COUNTS.unpack_from(data))
        made._entries = bytearray(data[_COUNTS.size :])
        return made

    def _add(self, key: bytes, count: int) -> None:
        check, places = _digest(key)
        entry = int.from_bytes(key + check)
        for place in places:
            self._counts[place] += count
            cell = slice(place * _ENTRY, (place + 1) * _ENTRY)
            both = int.from_bytes(self._entries[cell]) ^ entry
            self._entries[cell] = both.to_bytes(_ENTRY)

    def _taken_apart(self) -> Difference | None:
        found: dict[int, set[Element]] = {1: set(), -1: set()}
        waiting = list(range(_CELLS))
        while waiting:
            place = waiting.pop()
            count = self._counts[place]
            entry = bytes(self._entries[place * _ENTRY : (place + 1) * _ENTRY])
            key = entry[:_KEY]
            check, places = _digest(key)
            if abs(count) == 1 and check == entry[_KEY:]:
                found[count].add(Element(key[0], key[1:17], key[17:]))
                self._add(key, -count)
                waiting += places
        if any(self._counts) or any(self._entries):
            return None
        return Difference(before=frozenset(found[1]), after=frozenset(found[-1]))


def _digest(key: bytes) -> tuple[bytes, tuple[int, int, int]]:
    """Return by what an element is known again, and its cells."""
    digest = hashlib.blake2b(key, digest_size=_CHECK + _POSITIONS.size).digest()
    first, second, third = _POSITIONS.unpack_from(digest, _CHECK)
    places = (first % _PART, _PART + second % _PART, 2 * _PART + third % _PART)
    return digest[:_CHECK], places


def version_of(*parts: bytes) -> bytes:
    """Return the version of a state that these parts describe."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(len(part).to_bytes(4))
        digest.update(part)
    return digest.digest()
