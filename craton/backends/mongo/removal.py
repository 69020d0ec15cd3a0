"""Deleting entities with all that hangs on them, a portion at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from craton.backends.mongo.documents import Document
from craton.backends.mongo.fences import Fences
from craton.backends.mongo.links import LINKING, Links
from craton.backends.mongo.store import Store
from craton.driver import Delete, at, new_revision, now
from craton.errors import InUse, NotFound, RevisionConflict
from craton.models import Entity, Region, children, parent_field


class Remover:
    """Deletes entities in one transaction.

    Args:
        store: In a transaction.
        fences: Its fences.
        links: Knows the links that were not looked at yet.
    """

    def __init__(self, store: Store, fences: Fences, links: Links) -> None:
        self._store = store
        self._fences = fences
        self._links = links

    def remove(self, kind: type[Entity], changes: Sequence[tuple[int, Delete]]) -> None:
        """Delete entities of one kind.

        Raises:
            NotFound, RevisionConflict, InUse: One of them cannot be deleted.
        """
        ids = [change.id for _, change in changes]
        parent = parent_field(kind)
        wanted = ["revision", *([parent] if parent else [])]
        there = {found["_id"]: found for found in self._store.chosen(kind, "_id", ids, wanted)}
        self._check(kind, changes, dict(there))
        self._unlink(kind, there)
        if any(change.cascade for _, change in changes):
            for child in children(kind):
                self._remove_below(child, ids)
        self._remove(kind, ids)

    def _check(
        self, kind: type[Entity], changes: Sequence[tuple[int, Delete]], there: dict[str, Document]
    ) -> None:
        parents = self._parents(kind, [change.id for _, change in changes if not change.cascade])
        for index, change in changes:
            with at(index):
                found = there.pop(change.id, None)
                if found is None:
                    raise NotFound(kind.kind, change.id)
                if change.if_revision not in (None, found["revision"]):
                    raise RevisionConflict(kind.kind, change.id)
                if not change.cascade and change.id in parents:
                    raise InUse(kind.kind, change.id, parents[change.id])

    def _parents(self, kind: type[Entity], ids: Sequence[str]) -> dict[str, str]:
        """Return which of the entities have children, and what the first kind of them is called.

        Who makes a child meanwhile writes the entity, too, so that its deletion fails.
        """
        found: dict[str, str] = {}
        for child in children(kind):
            for id in self._store.held(child, str(parent_field(child)), ids):
                found.setdefault(id, child.collection)
        return found

    def _unlink(self, kind: type[Entity], gone: dict[str, Document]) -> None:
        """Remove the links to entities; those that had one get another revision."""
        if not LINKING[kind]:
            return
        by_region: dict[str, list[str]] = defaultdict(list)
        for id, document in gone.items():
            by_region[document[str(parent_field(kind))]].append(id)
        self._fences.take(Region, by_region)
        stamp = {"revision": new_revision(), "updated_at": now()}
        for owner, field in LINKING[kind]:
            for region, ids in by_region.items():
                where = {str(parent_field(owner)): region, field: {"$in": ids}}
                for portion in self._store.portions(owner, where):
                    update = {"$pullAll": {field: ids}, "$set": stamp}
                    self._store.change(owner, portion, update)

    def _remove_below(self, kind: type[Entity], parents: Sequence[str]) -> None:
        """Remove the children of entities that go, and so all that may have links to them."""
        where = {str(parent_field(kind)): {"$in": list(parents)}}
        for ids in self._store.portions(kind, where):
            for child in children(kind):
                self._remove_below(child, ids)
            self._remove(kind, ids)

    def _remove(self, kind: type[Entity], ids: Sequence[str]) -> None:
        self._links.removing(kind, ids)
        self._fences.remove(kind, ids)
        self._store.delete(kind, ids)
