"""Versions of the schema: made by migrations alone, the same as the metadata says."""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from craton.backends.sql.driver import SqlDriver
from craton.backends.sql.schema import METADATA, TABLES
from craton.driver import Migrations
from craton.errors import InvalidValue, SchemaOutdated
from craton.models import Host, Region, Tenant
from craton.variables import Variables
from tests import backends


@pytest.fixture
def migrations(state: Path) -> Migrations:
    return backends.make("sql", state).migrations()


def schema_of(path: Path) -> dict[str, str]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
        found = {name: " ".join(sql.split()) for name, sql in rows}
    connection.close()
    found.pop("alembic_version", None)
    return found


def test_the_migrations_make_what_the_metadata_says(sql: SqlDriver) -> None:
    options = {"compare_type": True, "compare_server_default": True}
    with sql._reading() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []


def test_the_migrations_make_it_to_the_letter(sql: SqlDriver, state: Path, tmp_path: Path) -> None:
    # What Alembic does not compare: options of tables, actions of foreign keys.
    engine = create_engine(f"sqlite:///{tmp_path / 'metadata.sqlite'}")
    METADATA.create_all(engine)
    engine.dispose()
    assert schema_of(state / "craton.sqlite") == schema_of(tmp_path / "metadata.sqlite")


def test_a_missing_index_is_noticed(sql: SqlDriver) -> None:
    index = next(iter(TABLES[Host].entities.indexes))
    with sql._writing() as connection:
        index.drop(connection)
        assert compare_metadata(MigrationContext.configure(connection), METADATA)


def test_versions_are_listed_from_the_oldest(migrations: Migrations) -> None:
    history = migrations.history()
    assert [version for version, _ in history] == sorted(version for version, _ in history)
    assert history[-1][0] == migrations.latest()
    assert all(words for _, words in history)


def test_an_upgrade_is_made_once(migrations: Migrations) -> None:
    assert migrations.current() is None
    migrations.upgrade()
    migrations.upgrade()
    assert migrations.current() == migrations.latest()


def test_a_downgrade_to_the_base_leaves_nothing(sql: SqlDriver, state: Path) -> None:
    tenant = sql.create(Tenant(name="t", variables=Variables({"a": 1})))
    region = sql.create(Region(tenant_id=tenant.id, name="r"))
    sql.create(Host(region_id=region.id, name="h", variables=Variables({"a": 1})))
    migrations = sql.migrations()
    migrations.downgrade("base")
    assert migrations.current() is None
    assert schema_of(state / "craton.sqlite") == {}
    migrations.upgrade()
    assert sql.count(Tenant) == 0


def test_neither_way_goes_past_its_aim(sql: SqlDriver) -> None:
    tenant = sql.create(Tenant(name="t"))
    migrations = sql.migrations()
    migrations.downgrade(migrations.latest())
    migrations.upgrade(migrations.history()[0][0])
    assert migrations.current() == migrations.latest()
    assert sql.get(Tenant, tenant.id) == tenant


@pytest.mark.parametrize("version", ["9999", "head", "+1", "000", ""])
def test_an_unknown_version_is_refused(migrations: Migrations, version: str) -> None:
    for move in (migrations.upgrade, migrations.downgrade):
        with pytest.raises(InvalidValue) as caught:
            move(version)
        assert caught.value.field == "version"
    assert migrations.current() is None


def test_open_refuses_another_version_and_says_what_to_do(state: Path) -> None:
    with (
        pytest.raises(SchemaOutdated, match="craton-manage db upgrade") as caught,
        backends.make("sql", state),
    ):
        pass
    assert caught.value.fields["current"] is None
    assert schema_of(state / "craton.sqlite") == {}


def test_open_refuses_a_version_from_the_future(sql: SqlDriver, state: Path) -> None:
    with sql._writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaOutdated), backends.make("sql", state):
        pass
    with pytest.raises(SchemaOutdated):
        backends.make("sql", state).migrations().upgrade()


def test_logging_stays_as_it_was(migrations: Migrations) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("craton").disabled)
    migrations.upgrade()
    assert (root.level, list(root.handlers), logging.getLogger("craton").disabled) == before


def test_upgrades_at_once_make_one_schema(state: Path) -> None:
    errors: list[BaseException] = []
    barrier = threading.Barrier(4)

    def upgrade() -> None:
        driver = backends.make("sql", state)
        barrier.wait()
        try:
            driver.migrations().upgrade()
        except BaseException as error:
            errors.append(error)
        driver.close()

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with backends.make("sql", state) as driver:
        assert driver.count(Tenant) == 0
