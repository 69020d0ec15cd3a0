"""Links between entities, which are looked at when all changes of a transaction are made.

They are stored with their entity at once. What is known to exist then need not be looked at again:
nobody else removes it while the region's fence is held, and who removes it here, unlinks it, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from craton.backends.mongo.documents import Document
from craton.backends.mongo.fences import Fences
from craton.backends.mongo.store import Store
from craton.driver import at, parent_of
from craton.errors import Cycle, InvalidReference
from craton.models import KINDS, Entity, Group, Region, links, parent_field
from craton.rules import find_cycle

#: Kinds that links name, each with the kinds and the fields that hold them.
LINKING: Final = {
    kind: [
        (owner, field) for owner in KINDS for field, spec in links(owner) if spec.kind == kind.kind
    ]
    for kind in KINDS
}


class Links:
    """The links that one transaction has stored and not yet looked at.

    Args:
        store: In a transaction.
        fences: Its fences.
    """

    def __init__(self, store: Store, fences: Fences) -> None:
        self._store = store
        self._fences = fences
        # In the order of the changes, so that the error is the first one's.
        self._pending: dict[tuple[type[Entity], str], int] = {}

    def written(
        self, changes: Sequence[tuple[int, Entity]], before: dict[str, Document] | None = None
    ) -> None:
        """Take note of entities of one kind that are stored now, with what they were before.

        Args:
            changes: The position of each change, and the entity that it stored.
            before: The documents of those that were there, by id.
        """
        changed = [
            (index, entity, _changed(entity, (before or {}).get(entity.id)))
            for index, entity in changes
        ]
        regions = {str(parent_of(entity)) for _, entity, linked in changed if linked}
        self._fences.take(Region, regions)
        known = self._regions_of({target for _, _, linked in changed for target in linked})
        for index, entity, linked in changed:
            key = type(entity), entity.id
            waited = self._pending.pop(key, None) is not None
            there = all(known.get(target) == parent_of(entity) for target in linked)
            if waited or not there or (linked and isinstance(entity, Group)):
                self._pending[key] = index

    def removing(self, kind: type[Entity], ids: Sequence[str]) -> None:
        """Remove the links to entities that go from what has not been looked at.

        Who loses a link here was written in this transaction, and needs no other revision.
        """
        for id in ids:
            self._pending.pop((kind, id), None)
        for owner, field in LINKING[kind]:
            waiting = [id for other, id in self._pending if other is owner]
            self._store.change(owner, waiting, {"$pullAll": {field: list(ids)}})

    def settle(self) -> None:
        """Look at what was stored.

        Raises:
            InvalidReference: A link names nothing in the region.
            Cycle: A group would be its own ancestor.
        """
        documents = dict(self._documents())
        targets = {target for linked in documents.values() for _, target in linked[1]}
        regions = self._regions_of(targets)
        graph = _Graph(self._store)
        for key, index in self._pending.items():
            if key not in documents:
                continue
            region, linked = documents[key]
            with at(index):
                for field, target in linked:
                    if regions.get(target) != region:
                        raise InvalidReference(field, target, "names no group of this region")
                if key[0] is Group and linked:
                    graph.check(region, key[1])

    def _documents(
        self,
    ) -> Iterator[tuple[tuple[type[Entity], str], tuple[str, list[tuple[str, str]]]]]:
        """Yield what waits, with its region and its links."""
        for kind in {kind for kind, _ in self._pending}:
            ids = [id for other, id in self._pending if other is kind]
            fields = [field for field, _ in links(kind)]
            parent = str(parent_field(kind))
            for found in self._store.chosen(kind, "_id", ids, (parent, *fields)):
                linked = [(field, target) for field in fields for target in found[field]]
                yield (kind, found["_id"]), (found[parent], linked)

    def _regions_of(self, groups: Iterable[str]) -> dict[str, str]:
        found = self._store.chosen(Group, "_id", set(groups), ("region_id",))
        return {document["_id"]: document["region_id"] for document in found}


class _Graph:
    """The groups of the regions in which a cycle may have been closed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._groups: dict[str, Document] = {}
        self._regions: set[str] = set()

    def check(self, region: str, group: str) -> None:
        """Look for a cycle through a group.

        Raises:
            Cycle: There is one.
        """
        self._load(region)
        cycle = find_cycle(group, self._parents)
        if cycle is not None:
            raise Cycle(self._groups[id]["name"] for id in cycle)

    def _parents(self, group: str) -> Iterable[str]:
        if group not in self._groups:
            # A group of another region, to which a link will be refused if no cycle is found first.
            for found in self._store.chosen(Group, "_id", (group,), ("region_id",)):
                self._load(found["region_id"])
        return self._groups[group]["parents"] if group in self._groups else ()

    def _load(self, region: str) -> None:
        if region not in self._regions:
            self._regions.add(region)
            fields = ("name", "parents")
            for found in self._store.chosen(Group, "region_id", (region,), fields):
                self._groups[found["_id"]] = found


def _changed(entity: Entity, before: Document | None) -> list[str]:
    """Return the links that an entity has, if they are others than before."""
    return [
        target
        for field, _ in links(type(entity))
        if before is None or list(getattr(entity, field)) != before[field]
        for target in getattr(entity, field)
    ]
