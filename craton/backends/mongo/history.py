"""What each version of the schema brings. A version that was released is never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from pymongo import ASCENDING, IndexModel
from pymongo.database import Database
from pymongo.errors import CollectionInvalid

from craton.backends.mongo.schema import Index

#: For how long indexes may be built on what is there already, in seconds.
BUILD_TIMEOUT: Final = 3600


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version of the schema.

    Both functions may be called again when they were broken off, and change nothing when they are
    called once too often.

    Attributes:
        name: What it is called; the order of names is that of versions.
        serves: The oldest version whose programs can still work on a store of this one.
        summary: One line about it.
        up: Brings a store here from the version before.
        down: Brings it back.
    """

    name: str
    serves: str
    summary: str
    up: Callable[[Database[dict[str, Any]]], None]
    down: Callable[[Database[dict[str, Any]]], None]


def make_collections(database: Database[dict[str, Any]], names: Iterable[str]) -> None:
    """Make collections that are not there."""
    there = set(database.list_collection_names())
    for name in names:
        if name not in there:
            _make_collection(database, name)


def make_indexes(database: Database[dict[str, Any]], indexes: Iterable[Index]) -> None:
    """Make indexes that are not there."""
    for index in indexes:
        keys = [(field, ASCENDING) for field in index.fields]
        model = IndexModel(keys, name=index.name, unique=index.unique)
        database[index.collection].create_indexes([model])


def _make_collection(database: Database[dict[str, Any]], name: str) -> None:
    try:
        database.create_collection(name)
    except CollectionInvalid:
        return  # somebody else was faster


def _of_attached(collection: str, parent: str) -> tuple[Index, ...]:
    return (
        Index(collection, (parent, "name"), unique=True),
        Index(collection, (parent, "_id", "revision")),
        Index(collection, (parent, "created_at", "_id")),
        Index(collection, (parent, "updated_at", "_id")),
    )


_FIRST: Final = (
    Index("tenants", ("name",), unique=True),
    Index("tenants", ("created_at", "_id")),
    Index("tenants", ("updated_at", "_id")),
    Index("tenants", ("customer", "name")),
    Index("tenants", ("project_id", "name")),
    Index("tenants", ("tokens",)),
    Index("regions", ("tenant_id", "name"), unique=True),
    Index("regions", ("tenant_id", "_id", "revision")),
    Index("regions", ("tenant_id", "created_at", "_id")),
    Index("regions", ("tenant_id", "updated_at", "_id")),
    Index("regions", ("tenant_id", "tokens")),
    Index("groups", ("region_id", "name"), unique=True),
    Index("groups", ("region_id", "_id", "revision")),
    Index("groups", ("region_id", "created_at", "_id")),
    Index("groups", ("region_id", "updated_at", "_id")),
    Index("groups", ("region_id", "priority", "_id")),
    Index("groups", ("region_id", "parents")),
    Index("groups", ("region_id", "tokens")),
    Index("hosts", ("region_id", "name"), unique=True),
    Index("hosts", ("region_id", "_id", "revision", "active")),
    Index("hosts", ("region_id", "created_at", "_id")),
    Index("hosts", ("region_id", "updated_at", "_id")),
    Index("hosts", ("region_id", "ip_address", "name")),
    Index("hosts", ("region_id", "asset_id", "name")),
    Index("hosts", ("region_id", "groups")),
    Index("hosts", ("region_id", "tokens")),
    *_of_attached("region_references", "region_id"),
    *_of_attached("group_references", "group_id"),
    *_of_attached("secrets", "host_id"),
    *_of_attached("payloads", "secret_id"),
    Index("records", ("name",), unique=True),
    Index("records", ("created_at", "_id")),
    Index("records", ("updated_at", "_id")),
)
_FIRST_COLLECTIONS: Final = tuple(dict.fromkeys(index.collection for index in _FIRST))


def _up_first(database: Database[dict[str, Any]]) -> None:
    make_collections(database, _FIRST_COLLECTIONS)
    make_indexes(database, _FIRST)


def _down_first(database: Database[dict[str, Any]]) -> None:
    for name in _FIRST_COLLECTIONS:
        database.drop_collection(name)


_CHANGES: Final = (
    Index("changes", ("name",), unique=True),
    Index("changes", ("region_id", "name")),
    Index("changes", ("tenant_id", "name")),
    Index("changes", ("entity_id", "name")),
)


def _up_changes(database: Database[dict[str, Any]]) -> None:
    make_collections(database, ("changes",))
    make_indexes(database, _CHANGES)


def _down_changes(database: Database[dict[str, Any]]) -> None:
    database.drop_collection("changes")


#: Every version, the oldest first.
VERSIONS: Final = (
    Version(
        name="0001",
        serves="0001",
        summary="Tenants, regions, groups and hosts, what belongs to them, and records",
        up=_up_first,
        down=_down_first,
    ),
    Version(
        name="0002",
        serves="0001",
        summary="The change log",
        up=_up_changes,
        down=_down_changes,
    ),
)
