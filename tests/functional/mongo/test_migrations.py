"""Versions of the schema: every index is there, leads with the parent, and goes again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database

from craton.backends.mongo import history, versions
from craton.backends.mongo.driver import MongoDriver
from craton.backends.mongo.schema import INDEXES, Index
from craton.driver import InventoryDriver
from craton.errors import SchemaOutdated, Unavailable
from craton.models import KINDS, Host, Region, Tenant, parent_field
from tests import backends
from tests.services import mongo

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("mongo")]


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a database that does not exist."""
    with backends.databases().server.database() as name:
        yield name


@pytest.fixture
def fresh(name: str) -> InventoryDriver:
    """A driver on a database that does not exist."""
    return backends.make_mongo(backends.databases().server.uri, name)


@pytest.fixture
def behind(name: str) -> Iterator[Database[dict[str, Any]]]:
    """The same database behind the driver."""
    with mongo.client(backends.databases().server.uri) as client:
        yield client[name]


def indexes_of(database: Database[dict[str, Any]]) -> set[Index]:
    return {
        Index(collection, tuple(field for field, _ in index["key"]), index.get("unique", False))
        for collection in database.list_collection_names()
        for name, index in database[collection].index_information().items()
        if name != "_id_"
    }


def test_an_upgrade_makes_the_indexes_that_the_fields_ask_for(
    fresh: InventoryDriver, behind: Database[dict[str, Any]]
) -> None:
    fresh.migrations().upgrade()
    assert indexes_of(behind) == INDEXES
    collections = {kind.collection for kind in KINDS}
    assert set(behind.list_collection_names()) == {*collections, "schema"}


def test_every_index_leads_with_the_parent(
    fresh: InventoryDriver, behind: Database[dict[str, Any]]
) -> None:
    fresh.migrations().upgrade()
    parents = {kind.collection: parent_field(kind) for kind in KINDS}
    leading = {index.collection: set[str]() for index in indexes_of(behind)}
    for index in indexes_of(behind):
        leading[index.collection].add(index.fields[0])
    assert leading["hosts"] == leading["groups"] == {"region_id"}
    assert leading["regions"] == {"tenant_id"}
    for collection, parent in parents.items():
        assert parent is None or leading[collection] == {parent}


def test_names_are_unique_also_without_the_driver(
    driver: MongoDriver, database: Database[dict[str, Any]]
) -> None:
    unique = {(index.collection, index.fields) for index in indexes_of(database) if index.unique}
    assert ("hosts", ("region_id", "name")) in unique
    assert ("tenants", ("name",)) in unique
    assert len(unique) == len(KINDS)


def test_a_downgrade_removes_everything(
    fresh: InventoryDriver, behind: Database[dict[str, Any]]
) -> None:
    migrations = fresh.migrations()
    migrations.upgrade()
    migrations.downgrade("base")
    assert set(behind.list_collection_names()) <= {"schema"}
    assert list(behind["schema"].find()) == []
    assert migrations.current() is None


def test_an_upgrade_keeps_what_is_there(driver: MongoDriver) -> None:
    tenant = driver.create(Tenant(name="t"))
    driver.migrations().upgrade()
    assert driver.get(Tenant, tenant.id) == tenant


def test_an_upgrade_that_was_broken_off_is_taken_up(
    fresh: InventoryDriver, behind: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Index] = []
    whole = history.make_indexes

    def some(database: Database[dict[str, Any]], indexes: tuple[Index, ...]) -> None:
        made.extend(indexes[:7])
        whole(database, indexes[:7])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(history, "make_indexes", some)
        with pytest.raises(KeyboardInterrupt):
            fresh.migrations().upgrade()
    assert indexes_of(behind) == set(made)
    assert fresh.migrations().current() is None
    with pytest.raises(SchemaOutdated):
        fresh.open()
    fresh.migrations().upgrade()
    assert indexes_of(behind) == INDEXES


def test_an_upgrade_takes_over_from_one_that_was_killed(
    fresh: InventoryDriver, behind: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "LEASE", 1)
    behind["schema"].update_one(
        {"_id": "schema"}, [{"$set": {"mover": "gone", "seen_at": "$$NOW"}}], upsert=True
    )
    fresh.migrations().upgrade()
    assert fresh.migrations().current() == fresh.migrations().latest()
    latest = history.VERSIONS[-1]
    stored = {"version": latest.name, "serves": latest.serves}
    assert behind["schema"].find_one({}, {"_id": False}) == stored


def test_an_upgrade_waits_for_another_one(
    fresh: InventoryDriver, behind: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "_PATIENCE", 0.5)
    behind["schema"].update_one(
        {"_id": "schema"}, [{"$set": {"mover": "other", "seen_at": "$$NOW"}}], upsert=True
    )
    with pytest.raises(Unavailable):
        fresh.migrations().upgrade()
    assert behind.list_collection_names() == ["schema"]


def test_who_lost_the_turn_changes_nothing_more(
    fresh: InventoryDriver, behind: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(database: Database[dict[str, Any]], indexes: tuple[Index, ...]) -> None:
        database["schema"].update_one({"_id": "schema"}, {"$set": {"mover": "other"}})

    monkeypatch.setattr(history, "make_indexes", overtaken)
    with pytest.raises(Unavailable):
        fresh.migrations().upgrade()
    assert fresh.migrations().current() is None


def test_upgrades_and_downgrades_at_once_take_turns(
    name: str, behind: Database[dict[str, Any]]
) -> None:
    errors: list[BaseException] = []
    barrier = threading.Barrier(5)

    def move(number: int) -> None:
        migrations = backends.make_mongo(backends.databases().server.uri, name).migrations()
        barrier.wait(30)
        try:
            if number:
                migrations.upgrade()
            else:
                migrations.downgrade("base")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=move, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    driver = backends.make_mongo(backends.databases().server.uri, name)
    if driver.migrations().current() is None:
        assert indexes_of(behind) == set()
    else:
        assert indexes_of(behind) == INDEXES
    driver.migrations().upgrade()
    with driver:
        tenant = driver.create(Tenant(name="t"))
        region = driver.create(Region(tenant_id=tenant.id, name="r"))
        driver.create(Host(region_id=region.id, name="h"))


def test_a_version_of_the_future_is_left_alone(
    fresh: InventoryDriver, behind: Database[dict[str, Any]]
) -> None:
    fresh.migrations().upgrade()
    future = {"version": "9999", "serves": "9998"}
    behind["schema"].update_one({"_id": "schema"}, {"$set": future})
    for move in (fresh.open, fresh.migrations().upgrade):
        with pytest.raises(SchemaOutdated):
            move()
    with pytest.raises(SchemaOutdated):
        fresh.migrations().downgrade("base")
    assert indexes_of(behind) == INDEXES


def test_a_version_of_the_future_may_still_serve(
    fresh: InventoryDriver, behind: Database[dict[str, Any]]
) -> None:
    fresh.migrations().upgrade()
    future = {"version": "9999", "serves": fresh.migrations().latest()}
    behind["schema"].update_one({"_id": "schema"}, {"$set": future})
    with fresh as driver:
        driver.create(Tenant(name="t"))
    with pytest.raises(SchemaOutdated):
        fresh.migrations().upgrade()
