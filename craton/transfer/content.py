"""What of an entity must be the same on both sides: the only place that says so."""

from __future__ import annotations

import hashlib
from typing import Final

from craton.models import Entity, specs

_BYTES: Final = 16


def content(entity: Entity) -> bytes:
    """Return bytes that are the same for two entities of a kind exactly if one is a copy.

    That is every field, id, revision and times included: a copy loses nothing.
    """
    return repr([getattr(entity, name) for name in specs(type(entity))]).encode()


class Tally:
    """How many entities there are, and a digest of what they hold, whatever their order.

    The digest is the sum of the entities' own (a multiset hash): it takes the same memory for any
    number, and stores need not agree about an order.

    Attributes:
        count: How many were added.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, entity: Entity) -> None:
        """Count an entity in."""
        digest = hashlib.blake2b(content(entity), digest_size=_BYTES).digest()
        self.count += 1
        self._sum = (self._sum + int.from_bytes(digest)) % (1 << 8 * _BYTES)

    @property
    def digest(self) -> str:
        """The digest of all that was added, in hexadecimal digits."""
        return f"{self._sum:0{2 * _BYTES}x}"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Tally):
            return (self.count, self._sum) == (other.count, other._sum)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]
