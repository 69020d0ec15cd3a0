"""A number in each document that keeps two writers from breaking a rule together.

A transaction that gives an entity a child, or changes the names or the links of its children, adds
to the number of the entity. So of two such transactions at once, or of one and a deletion of the
entity, MongoDB lets one go through: the other one meets a write conflict, and begins again with
what the first one left. The revision stays, because nothing changed that a reader sees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from craton.backends.mongo.documents import FENCE
from craton.backends.mongo.store import Store
from craton.models import Entity


class Fences:
    """The entities whose children nobody else changes before this transaction ends.

    Args:
        store: In a transaction.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[type[Entity], set[str]] = defaultdict(set)

    def take(self, kind: type[Entity], ids: Iterable[str]) -> set[str]:
        """Hold entities, and return the ids of those that exist."""
        wanted = set(ids)
        held = self._held[kind]
        there = {found["_id"] for found in self._store.chosen(kind, "_id", wanted - held)}
        self._store.change(kind, sorted(there), {"$inc": {FENCE: 1}})
        held |= there
        return wanted & held

    def add(self, kind: type[Entity], ids: Iterable[str]) -> None:
        """Hold entities that are new, so that nobody else sees them."""
        self._held[kind].update(ids)

    def remove(self, kind: type[Entity], ids: Iterable[str]) -> None:
        """Forget entities that go."""
        self._held[kind].difference_update(ids)
