"""The collections and their indexes, derived from the descriptions of the entities' fields.

Every index but MongoDB's own on ``_id`` begins with the parent's id, so that a collection can be
sharded by it: all that a region has is in one place, and no question about it goes to two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from craton.backends.mongo.documents import SEARCHED, TOKENS
from craton.fields import Flag, Links, Text
from craton.models import KINDS, Entity, parent_field, specs

#: One document, with the version of the schema.
SCHEMA: Final = "schema"


@dataclass(frozen=True)
class Index:
    """An index, ascending in each of its fields.

    Attributes:
        collection: The collection.
        fields: The fields, the leading one first.
        unique: Whether no two documents have the same values.
    """

    collection: str
    fields: tuple[str, ...]
    unique: bool = False

    @property
    def name(self) -> str:
        """What it is called in the store."""
        return "_".join(("unique" if self.unique else "by", *(f.lstrip("_") for f in self.fields)))


def digest_index(kind: type[Entity]) -> Index | None:
    """Return the index with all that a digest of one parent's children reads; roots have none.

    It also has the flags, by which bundles choose, so that MongoDB need not fetch the documents.
    """
    parent = parent_field(kind)
    if parent is None:
        return None
    flags = [name for name, s in specs(kind).items() if isinstance(s, Flag) and s.filterable]
    return Index(kind.collection, (parent, "_id", "revision", *flags))


def indexes(kind: type[Entity]) -> Iterator[Index]:
    """Yield the indexes of a kind.

    Inside of one parent a name is unique, so the index on both is in the order by name and id, too.
    The index for a filter goes on with the name, because what it finds is listed by name.
    """
    parent = parent_field(kind)
    prefix = (parent,) if parent else ()
    collection = kind.collection
    yield Index(collection, (*prefix, "name"), unique=True)
    for name, spec in specs(kind).items():
        if name == "name":
            continue
        if name == "id":
            yield from filter(None, [digest_index(kind)])
        elif spec.sortable:
            yield Index(collection, (*prefix, name, "_id"))
        elif isinstance(spec, Text) and spec.filterable and spec.selective:
            yield Index(collection, (*prefix, name, "name"))
        elif isinstance(spec, Links):
            yield Index(collection, (*prefix, name))
        elif name == SEARCHED:
            yield Index(collection, (*prefix, TOKENS))


#: Every index that a store at the latest version has, beside those on ``_id``.
INDEXES: Final = frozenset(index for kind in KINDS for index in indexes(kind))
