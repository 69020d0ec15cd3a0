"""A database seen from inside of one session, or from outside of any."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from bson.raw_bson import RawBSONDocument
from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as MongoCollection
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from craton.backends.mongo.documents import Document, is_storable
from craton.backends.mongo.predicates import Filter
from craton.models import Entity, parent_field

#: How many values stand in one ``$in`` of a read.
VALUES: Final = 1000

#: How many documents one statement writes, so that each has its answer well within the time-out.
PORTION: Final = 250


T = TypeVar("T")


@dataclass(frozen=True)
class Store:
    """The collections, by kind.

    Attributes:
        database: The database.
        session: The session whose transaction everything belongs to, if any.
        scanning: The read concern of reads of many documents, where it is not the database's.
    """

    database: Database[dict[str, Any]]
    session: ClientSession | None = None
    scanning: ReadConcern | None = None

    def of(self, kind: type[Entity]) -> MongoCollection[dict[str, Any]]:
        """Return the collection of a kind."""
        return self.database[kind.collection]

    def many(self, kind: type[Entity]) -> MongoCollection[dict[str, Any]]:
        """Return the collection of a kind, for a read that sees one state of it to its end."""
        collection = self.of(kind)
        return collection.with_options(read_concern=self.scanning) if self.scanning else collection

    def chosen(
        self,
        kind: type[Entity],
        field: str,
        values: Collection[str],
        wanted: Sequence[str] = (),
        where: Filter | None = None,
    ) -> Iterator[Document]:
        """Yield the documents whose field holds one of the values, however many.

        Args:
            kind: The kind.
            field: The field, as documents call it.
            values: The values.
            wanted: The fields to read, beside ``_id``.
            where: What else must hold.
        """
        storable = [value for value in values if is_storable(value)]
        for start in range(0, len(storable), VALUES):
            filter = {**(where or {}), field: {"$in": storable[start : start + VALUES]}}
            with self.of(kind).find(
                filter, dict.fromkeys(wanted, True) or {"_id": True}, session=self.session
            ) as found:
                yield from found

    def names(
        self, kind: type[Entity], parent: str | None, names: Collection[str]
    ) -> Iterator[str]:
        """Yield those of the names that a parent's entities of a kind have."""
        field = parent_field(kind)
        where = {field: parent} if field else {}
        for document in self.chosen(kind, "name", names, ("name",), where):
            yield document["name"]

    def held(self, kind: type[Entity], field: str, values: Sequence[str]) -> set[str]:
        """Return which of the values stand in a field of any document."""
        if len(values) == 1:
            # It may stand in a million of them.
            where = {field: values[0]}
            one = self.of(kind).find_one(where, {"_id": True}, session=self.session)
            return set() if one is None else set(values)
        stages: list[Filter] = [
            {"$match": {field: {"$in": list(values)}}},
            {"$group": {"_id": f"${field}"}},
        ]
        with self.of(kind).aggregate(stages, session=self.session) as groups:
            return {group["_id"] for group in groups}

    def portions(self, kind: type[Entity], where: Filter) -> Iterator[list[str]]:
        """Yield the ids of what matches in portions; the caller makes each one cease to match."""
        while True:
            with self.of(kind).find(
                where, {"_id": True}, limit=PORTION, session=self.session
            ) as found:
                ids = [str(document["_id"]) for document in found]
            if not ids:
                return
            yield ids

    def insert(self, kind: type[Entity], documents: Sequence[bytes]) -> None:
        """Store new documents."""
        for part in _portions(documents):
            self.of(kind).insert_many([RawBSONDocument(d) for d in part], session=self.session)

    def set(self, kind: type[Entity], changes: Sequence[tuple[Filter, Document]]) -> None:
        """Set fields of single documents, each found by a filter."""
        for part in _portions(changes):
            updates = [UpdateOne(filter, {"$set": values}) for filter, values in part]
            self.of(kind).bulk_write(updates, session=self.session)

    def change(self, kind: type[Entity], ids: Sequence[str], update: Document) -> None:
        """Change documents, all in the same way."""
        for part in _portions(ids):
            self.of(kind).update_many({"_id": {"$in": part}}, update, session=self.session)

    def delete(self, kind: type[Entity], ids: Sequence[str]) -> None:
        """Remove documents."""
        for part in _portions(ids):
            self.of(kind).delete_many({"_id": {"$in": part}}, session=self.session)


def _portions(items: Sequence[T]) -> Iterator[list[T]]:
    for start in range(0, len(items), PORTION):
        yield list(items[start : start + PORTION])
