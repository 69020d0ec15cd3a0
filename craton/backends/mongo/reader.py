"""The reading half of the driver, in a session with a snapshot or without one."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final

from pymongo.cursor import Cursor

from craton.backends.mongo.documents import ENTITY, entity_of, is_storable
from craton.backends.mongo.errors import translated
from craton.backends.mongo.predicates import Filter, Translator, both
from craton.backends.mongo.schema import digest_index
from craton.backends.mongo.store import Store
from craton.capabilities import EVERY_CAPABILITY, Capabilities
from craton.driver import InventoryReader
from craton.errors import BackendFault, InvalidPageToken
from craton.models import E, Entity, parent_field
from craton.pushdown import has_one_parent
from craton.query import EVERYTHING, Order, Position, Predicate, Selection, conjuncts

#: How many documents are fetched at once, and so are in memory.
_BATCH: Final = 250

#: The same for the short ones of a digest.
_DIGEST_BATCH: Final = 10_000


class MongoReader(InventoryReader):
    """Reads entities."""

    capabilities = Capabilities(supported=EVERY_CAPABILITY)

    def __init__(self) -> None:
        self._cursors: set[Cursor[dict[str, Any]]] = set()
        self._released = False

    @property
    @abstractmethod
    def _store(self) -> Store:
        """Where to read."""

    def release(self) -> None:
        """End every stream; whoever reads on gets an error, not an end."""
        self._released = True
        with translated():
            for cursor in tuple(self._cursors):
                cursor.close()

    def _get(self, kind: type[E], id: str) -> E | None:
        if not is_storable(id):
            return None
        store = self._store
        with translated():
            found = store.of(kind).find_one({"_id": id}, ENTITY, session=store.session)
        return None if found is None else entity_of(kind, found)

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        filter = _filter(kind, selection.where)
        if selection.after is not None:
            filter = both(filter, _behind(kind, selection.after, selection))
        store = self._store
        with self._streaming(
            store.many(kind).find(
                filter,
                ENTITY,
                sort=_sort(kind, selection),
                limit=selection.limit or 0,
                batch_size=_BATCH,
                session=store.session,
            )
        ) as cursor:
            for document in cursor:
                yield entity_of(kind, document)

    def _pushdown(self, kind: type[E], where: Predicate) -> tuple[Predicate, Predicate]:
        return Translator(kind).divide(where)

    def _count(self, kind: type[Entity], where: Predicate) -> int:
        if self._pushdown(kind, where)[1] != EVERYTHING:
            return super()._count(kind, where)
        filter = _filter(kind, where)
        store = self._store
        with translated():
            return store.many(kind).count_documents(filter, session=store.session)

    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        if self._pushdown(kind, where)[1] != EVERYTHING:
            return super()._digest(kind, where)
        # Where the parent is one, it orders nothing.
        parent = None if has_one_parent(kind, where) else parent_field(kind)
        filter = _filter(kind, where)
        digest = hashlib.blake2b(digest_size=16)
        store = self._store
        with self._streaming(
            store.many(kind).find(
                filter,
                {"revision": True},
                sort=[(field, 1) for field in (parent, "_id") if field],
                batch_size=_DIGEST_BATCH,
                session=store.session,
                hint=_covering(kind, filter),
            )
        ) as cursor:
            for document in cursor:
                digest.update(f"{document['_id']} {document['revision']}\n".encode())
        return digest.hexdigest()

    @contextmanager
    def _streaming(self, cursor: Cursor[dict[str, Any]]) -> Iterator[Cursor[dict[str, Any]]]:
        """Lend a cursor that is closed at the end, and that does not end early unnoticed."""
        self._cursors.add(cursor)
        try:
            with translated(), cursor:
                yield cursor
            if self._released:
                raise BackendFault("the snapshot has ended; read inside of its context")
        finally:
            self._cursors.discard(cursor)


def _filter(kind: type[Entity], where: Predicate) -> Filter:
    """Return the filter for what ``_pushdown`` kept, part by part as it was looked at there."""
    translator = Translator(kind)
    return both(*(translator.translate(part).filter for part in conjuncts(where)))


def _covering(kind: type[Entity], filter: Filter) -> str | None:
    """Return the name of the index that answers a digest alone, if it does."""
    index = digest_index(kind)
    if index is None or index.fields[0] not in filter or not filter.keys() <= set(index.fields):
        return None
    return index.name


def _sort(kind: type[Entity], selection: Selection) -> list[tuple[str, int]]:
    direction = -1 if selection.order.descending else 1
    return [(key, direction) for key in _keys(kind, selection)]


def _keys(kind: type[Entity], selection: Selection) -> list[str]:
    order: Order = selection.order
    if order.field == "id":
        return ["_id"]
    if order.field == "name" and has_one_parent(kind, selection.where):
        # No two have one name, so the index on both needs no help in finding the order.
        return ["name"]
    return [order.field, "_id"]


def _behind(kind: type[Entity], after: Position, selection: Selection) -> Filter:
    value, id = after
    if not is_storable(id):
        raise InvalidPageToken
    beyond, least = ("$lt", "$lte") if selection.order.descending else ("$gt", "$gte")
    keys = _keys(kind, selection)
    if len(keys) == 1:
        return {keys[0]: {beyond: id if keys[0] == "_id" else value}}
    field = keys[0]
    return {field: {least: value}, "$or": [{field: {beyond: value}}, {"_id": {beyond: id}}]}
