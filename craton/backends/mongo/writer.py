"""Makes the changes of one transaction, in their order, a portion at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Final

from craton.backends.mongo.documents import Document, document_of, encoded, settable
from craton.backends.mongo.fences import Fences
from craton.backends.mongo.links import Links
from craton.backends.mongo.predicates import Filter
from craton.backends.mongo.removal import Remover
from craton.backends.mongo.store import Store
from craton.chunks import chunked, kind_of
from craton.driver import Change, Create, Delete, Replace, at, check_replaceable, parent_of
from craton.errors import AlreadyExists, InvalidReference
from craton.models import Entity, links, parent_field
from craton.rules import TakenNames, name_of

#: How many changes are made together. While they are gathered, perhaps from a slow caller, nothing
#: is written yet, so up to here no transaction stands open meanwhile.
PORTION: Final = 1000


class Writer:
    """Writes in one transaction.

    Args:
        store: In a transaction.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._fences = Fences(store)
        self._links = Links(store, self._fences)
        self._remover = Remover(store, self._fences, self._links)

    def make(self, changes: Iterator[Change]) -> None:
        """Make the changes.

        Raises:
            CratonError: As ``InventoryDriver._write``.
        """
        for chunk in chunked(changes, PORTION):
            kind = kind_of(chunk[0][1])
            creates = [(index, c.entity) for index, c in chunk if isinstance(c, Create)]
            replaces = [(index, c) for index, c in chunk if isinstance(c, Replace)]
            deletes = [(index, c) for index, c in chunk if isinstance(c, Delete)]
            if creates:
                self._create(kind, creates)
            elif replaces:
                self._replace(kind, replaces)
            else:
                self._remover.remove(kind, deletes)
        self._links.settle()

    # -- new entities --------------------------------------------------------------------------

    def _create(self, kind: type[Entity], changes: Sequence[tuple[int, Entity]]) -> None:
        documents = self._checked(kind, changes)
        self._store.insert(kind, documents)
        self._fences.add(kind, [entity.id for _, entity in changes])
        self._links.written(changes)

    def _checked(self, kind: type[Entity], changes: Sequence[tuple[int, Entity]]) -> list[bytes]:
        entities = [entity for _, entity in changes]
        parents = self._parents(kind, entities)
        ids = [entity.id for entity in entities]
        taken = {found["_id"] for found in self._store.chosen(kind, "_id", ids, ())}
        names = TakenNames(kind, entities, self._store.names)
        documents = []
        for index, entity in changes:
            with at(index):
                documents.append(encoded(document_of(entity), kind))
                if entity.id in taken:
                    raise AlreadyExists(entity.kind, "id", entity.id)
                parent = parent_of(entity)
                if parent is not None and parent not in parents:
                    raise InvalidReference(str(parent_field(kind)), parent)
                names.take(entity)
                taken.add(entity.id)
        return documents

    def _parents(self, kind: type[Entity], entities: Sequence[Entity]) -> set[str]:
        """Return the parents of entities, as far as they exist; nobody else removes them now."""
        if kind.parent is None:
            return set()
        return self._fences.take(kind.parent, {str(parent_of(entity)) for entity in entities})

    # -- other states of entities that are there -------------------------------------------------

    def _replace(self, kind: type[Entity], changes: Sequence[tuple[int, Replace]]) -> None:
        parent = parent_field(kind)
        kept = ["revision", "name", *([parent] if parent else [])]
        kept += [field for field, _ in links(kind)]
        ids = [change.entity.id for _, change in changes]
        before = {found["_id"]: found for found in self._store.chosen(kind, "_id", ids, kept)}
        updates = self._check_replaced(kind, changes, before)
        self._store.set(kind, updates)
        self._links.written([(index, change.entity) for index, change in changes], before)

    def _check_replaced(
        self,
        kind: type[Entity],
        changes: Sequence[tuple[int, Replace]],
        before: dict[str, Document],
    ) -> list[tuple[Filter, Document]]:
        renamed = [
            change.entity
            for _, change in changes
            if (old := before.get(change.entity.id)) is not None
            and old["name"] != name_of(change.entity)[1]
        ]
        if kind.parent is not None and renamed:
            self._fences.take(kind.parent, {str(parent_of(entity)) for entity in renamed})
        names = TakenNames(kind, renamed, self._store.names)
        updates: list[tuple[Filter, Document]] = []
        for index, change in changes:
            entity = change.entity
            with at(index):
                document = document_of(entity)
                encoded(document, kind)
                was = _as_it_was(entity, before.get(entity.id))
                stored = check_replaceable(was, entity, change.if_revision)
                if name_of(stored) != name_of(entity):
                    names.release(stored)
                    names.take(entity)
            updates.append(({"_id": entity.id}, settable(document, kind)))
        return updates


def _as_it_was(entity: Entity, document: Document | None) -> Entity | None:
    """Return an entity that has what decides whether it may be replaced as the document has it."""
    if document is None:
        return None
    parent = parent_field(type(entity))
    stored: dict[str, Any] = {n: document[n] for n in ("revision", "name", parent) if n}
    return dataclasses.replace(entity, **stored)
