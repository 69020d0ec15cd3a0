"""What the driver does with its database, seen from the database's side."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from craton import config, loader
from craton.backends.sql import dialects, reader
from craton.backends.sql.driver import SqlDriver
from craton.driver import Create, InventoryDriver
from craton.errors import BackendFault, ConfigurationError, NotFound, Unavailable
from craton.models import Group, Host, Region, Tenant
from craton.query import AllOf, Compare, In, Operator, Order, Overlaps, Predicate, Query
from craton.variables import Variables
from tests import backends


@pytest.fixture
def region(sql: SqlDriver) -> Region:
    """A region with 1,200 hosts, more than are fetched at once."""
    tenant = sql.create(Tenant(name="acme"))
    region = sql.create(Region(tenant_id=tenant.id, name="north"))
    group = sql.create(Group(region_id=region.id, name="web"))
    sql.apply(
        Create(
            entity=Host(
                region_id=region.id,
                name=f"h{number:04}",
                groups=(group.id,),
                variables=Variables({"number": number, "b": "x", "a": [number]}),
            )
        )
        for number in range(1200)
    )
    return region


@contextmanager
def raw(state: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(state / "craton.sqlite", isolation_level=None)) as connection:
        yield connection


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for another writer."""
    monkeypatch.setattr(dialects, "SQLITE_BUSY_TIMEOUT", 50)


def in_region(region: Region, *more: Predicate) -> Predicate:
    return AllOf(Compare(("region_id",), Operator.EQ, region.id), *more)


class TestFile:
    def test_the_default_is_a_file_in_a_directory_of_its_own(self, tmp_path: Path) -> None:
        state = tmp_path / "new" / "state"
        backends.prepare("sql", state)
        assert (state / "craton.sqlite").is_file()
        assert stat.S_IMODE(state.stat().st_mode) == 0o700

    def test_a_directory_that_cannot_be_made_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigurationError, match="state_path"):
            backends.make("sql", tmp_path / "file" / "state").open()

    @pytest.mark.parametrize(
        ("connection", "words"),
        [
            ("sqlite://", "memory"),
            ("sqlite:///:memory:", "memory"),
            ("oracle://db/craton", "oracle"),
            ("not a URL", "not a URL"),
        ],
    )
    def test_a_connection_that_will_not_do_is_refused(
        self, tmp_path: Path, connection: str, words: str
    ) -> None:
        settings = config.settings(files=[], state_path=str(tmp_path))
        config.register(settings, SqlDriver.options())
        settings.set_override("connection", connection, "database")
        with pytest.raises(ConfigurationError, match=words):
            loader.load(settings).open()

    @pytest.mark.parametrize(("synchronous", "found"), [(True, 1), (False, 0)])
    def test_readers_ask_a_replica_where_they_may_lag(
        self,
        tmp_path: Path,
        template_of: Callable[[str], Path],
        synchronous: bool,
        found: int,
    ) -> None:
        for name in ("main", "replica"):
            shutil.copytree(template_of("sql"), tmp_path / name)
        settings = config.settings(files=[], state_path=str(tmp_path / "main"))
        config.register(settings, SqlDriver.options())
        replica = f"sqlite:///{tmp_path / 'replica' / 'craton.sqlite'}"
        settings.set_override("slave_connection", replica, "database")
        settings.set_override("synchronous_reader", synchronous, "database")
        with loader.load(settings) as driver:
            driver.create(Tenant(name="t"))
            assert driver.count(Tenant) == found

    def test_connections_write_ahead_and_keep_references(self, sql: SqlDriver) -> None:
        with sql._reading() as connection:

            def pragma(name: str) -> object:
                return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

            assert pragma("journal_mode") == "wal"
            assert pragma("foreign_keys") == 1
            assert pragma("synchronous") == 2
            assert pragma("busy_timeout") == dialects.SQLITE_BUSY_TIMEOUT

    def test_connections_are_used_again(self, sql: SqlDriver) -> None:
        opened = []
        engine = sql._facade.writer.get_engine()
        event.listen(engine, "connect", lambda *args: opened.append(args))
        for _ in range(20):
            sql.count(Tenant)
        assert len(opened) <= 1

    def test_a_writer_gives_its_memory_back(self, sql: SqlDriver) -> None:
        sql.create(Tenant(name="t"))
        with sql._reading() as connection:
            assert connection.exec_driver_sql("PRAGMA cache_size").scalar() == -2000

    def test_closing_twice_leaves_one_file(self, sql: SqlDriver, state: Path) -> None:
        sql.create(Tenant(name="t"))
        sql.close()
        sql.close()
        assert [path.name for path in state.iterdir()] == ["craton.sqlite"]

    def test_a_driver_that_was_never_opened_can_be_closed(self, state: Path) -> None:
        backends.make("sql", state).close()
        assert not state.exists()


class TestReading:
    def test_a_page_is_one_statement(self, sql: SqlDriver, region: Region) -> None:
        statements: list[str] = []
        engine = sql._facade.writer.get_engine()

        def record(_: object, __: object, statement: str, *rest: object) -> None:
            if not statement.startswith("BEGIN"):
                statements.append(statement)

        event.listen(engine, "before_cursor_execute", record)
        page = sql.find(Host, Query(where=in_region(region), limit=100))
        assert len(page.items) == 100
        assert [len(host.groups) for host in page.items] == [1] * 100
        assert len(statements) == 1
        list(sql.scan(Host, Query(where=in_region(region))))
        assert len(statements) == 2

    def test_variables_come_in_the_text_that_went_in(self, sql: SqlDriver, region: Region) -> None:
        values = {"z": {"b": 1, "a": 2}, "_": 1.0, "A": 'é\U0001f600"\\\n', "a": None, "B": 2**70}
        made = sql.create(Host(region_id=region.id, name="h", variables=Variables(values)))
        read = sql.get(Host, made.id)
        assert read.variables.text == Variables(values).text
        assert list(read.variables) == ["A", "B", "_", "a", "z"]
        assert read == made

    def test_a_scan_fetches_as_it_goes(self, sql: SqlDriver, region: Region) -> None:
        with closing(sql.scan(Host)) as scan:
            next(scan)
            (result,) = sql._results
            assert len(result.cursor.fetchall()) == 1200 - reader._CHUNK
        assert not sql._results

    def test_a_stream_closed_early_leaves_no_transaction(
        self, sql: SqlDriver, region: Region, state: Path
    ) -> None:
        with raw(state) as connection:

            def checkpoint() -> int:
                return int(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])

            connection.execute("PRAGMA busy_timeout = 0")
            scan = sql.scan(Host)
            next(scan)
            sql.create(Tenant(name="later"))
            assert checkpoint() == 1  # busy: the stream needs the old pages
            scan.close()
            assert checkpoint() == 0

    def test_a_stream_may_be_closed_by_another_thread(self, sql: SqlDriver, region: Region) -> None:
        scan = sql.scan(Host)
        next(scan)
        closed: list[str] = []

        def close() -> None:
            scan.close()
            closed.append("yes")

        thread = threading.Thread(target=close)
        thread.start()
        thread.join()
        assert closed == ["yes"]
        assert sql._facade.writer.get_engine().pool.checkedout() == 0

    def test_a_digest_follows_each_change_and_nothing_else(
        self, sql: SqlDriver, region: Region
    ) -> None:
        where = in_region(region)
        first = sql.digest(Host, where)
        assert sql.digest(Host, where) == first
        sql.create(Tenant(name="other"))
        assert sql.digest(Host, where) == first
        host = sql.find(Host, Query(limit=1)).items[0]
        sql.delete(Host, host.id)
        assert sql.digest(Host, where) != first
        assert sql.digest(Host, Compare(("name",), Operator.EQ, "none")) not in (first, "")

    @pytest.mark.parametrize("windowed", [False, True])
    def test_many_streams_of_a_snapshot_show_one_state(
        self, sql: SqlDriver, region: Region, windowed: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dialects.SQLiteDialect, "streams", not windowed)
        before = list(sql.scan(Host))
        with sql.snapshot() as snapshot:
            hosts, again = snapshot.scan(Host), snapshot.scan(Host, Query(order=Order("id", True)))
            seen = [next(hosts)]
            for host in before[::100]:
                sql.delete(Host, host.id)
            sql.create(Group(region_id=region.id, name="new"))
            assert next(again).id == max(host.id for host in before)
            assert [group.name for group in snapshot.scan(Group)] == ["web"]
            assert snapshot.count(Host) == len(before)
            assert seen + list(hosts) == before
            assert 1 + len(list(again)) == len(before)
            assert snapshot.get(Host, before[0].id) == before[0]
        assert sql.count(Host) == len(before) - 12

    def test_a_snapshot_begins_where_it_is_entered(self, sql: SqlDriver) -> None:
        with sql.snapshot() as snapshot:
            sql.create(Tenant(name="later"))
            assert snapshot.count(Tenant) == 0

    def test_windows_end_where_the_selection_does(
        self, sql: SqlDriver, region: Region, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dialects.SQLiteDialect, "streams", False)
        monkeypatch.setattr(reader, "_CHUNK", 7)
        everything = list(sql.scan(Host, Query(where=in_region(region))))
        assert len({host.id for host in everything}) == 1200
        for limit in (1, 6, 7, 8, 14, 15):
            query = Query(where=in_region(region), limit=limit)
            assert list(sql.scan(Host, query)) == everything[:limit]

    def test_a_stream_does_not_outlive_its_snapshot(self, sql: SqlDriver, region: Region) -> None:
        with sql.snapshot() as snapshot:
            scan = snapshot.scan(Host)
            next(scan)
        with pytest.raises(BackendFault):
            list(scan)
        with pytest.raises(BackendFault):
            snapshot.get(Host, "x")
        assert sql._facade.writer.get_engine().pool.checkedout() == 0

    def test_ids_that_no_database_can_hold_are_not_found(self, sql: SqlDriver) -> None:
        for id in ("\ud800", "\0", "x" * 100):
            with pytest.raises(NotFound):
                sql.get(Host, id)
            with pytest.raises(NotFound):
                sql.delete(Host, id)


class TestIndexes:
    def plan(self, sql: SqlDriver, query: Query) -> str:
        statements: list[tuple[str, Any]] = []
        engine = sql._facade.writer.get_engine()

        def record(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
            statements.append((statement, parameters))

        event.listen(engine, "before_cursor_execute", record)
        sql.find(Host, query)
        event.remove(engine, "before_cursor_execute", record)
        with sql._reading() as connection:
            statement, parameters = statements[-1]
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return "\n".join(row[3] for row in rows)

    def test_the_value_of_a_variable_is_found_by_index(
        self, sql: SqlDriver, region: Region
    ) -> None:
        where = in_region(region, Compare(("variables", "number"), Operator.EQ, 7))
        assert [host.name for host in sql.scan(Host, Query(where=where))] == ["h0007"]
        plan = self.plan(sql, Query(where=where))
        assert (
            "SEARCH host_variables USING INDEX ix_host_variables_name_checksum_owner "
            "(name=? AND checksum=?)" in plan
        )
        assert "SCAN host" not in plan

    def test_the_members_of_a_group_are_found_by_index(
        self, sql: SqlDriver, region: Region
    ) -> None:
        group = sql.find(Group, Query()).items[0]
        plan = self.plan(sql, Query(where=in_region(region, Overlaps(("groups",), (group.id,)))))
        assert "USING COVERING INDEX ix_host_groups_target_owner (target=?)" in plan

    @pytest.mark.parametrize("field", ["name", "id", "created_at", "updated_at"])
    @pytest.mark.parametrize("descending", [False, True])
    def test_a_region_is_listed_without_sorting(
        self, sql: SqlDriver, region: Region, field: str, descending: bool
    ) -> None:
        plan = self.plan(sql, Query(where=in_region(region), order=Order(field, descending)))
        assert "TEMP B-TREE" not in plan
        assert "SCAN hosts" not in plan

    @pytest.mark.parametrize("field", ["ip_address", "asset_id"])
    def test_a_field_with_a_filter_has_an_index(
        self, sql: SqlDriver, region: Region, field: str
    ) -> None:
        for predicate in (Compare((field,), Operator.EQ, "x"), In((field,), ("x",))):
            plan = self.plan(sql, Query(where=in_region(region, predicate)))
            assert f"ix_hosts_region_id_{field}_name" in plan
            assert "TEMP B-TREE" not in plan


@pytest.mark.usefixtures("impatient")
class TestFaults:
    def test_a_locked_database_is_unavailable_for_writers_alone(
        self, sql: SqlDriver, region: Region, state: Path
    ) -> None:
        with raw(state) as connection:
            connection.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable) as caught:
                sql.create(Tenant(name="t"))
            assert "database is locked" not in str(caught.value)
            assert caught.value.__cause__ is not None
            assert sql.count(Host) == 1200
            connection.execute("ROLLBACK")
        assert sql.create(Tenant(name="t")).name == "t"

    def test_a_database_that_nobody_may_read_is_unavailable(
        self, sql: SqlDriver, region: Region, state: Path
    ) -> None:
        sql.close()
        with raw(state) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            for read in (
                lambda: sql.get(Host, "x"),
                lambda: list(sql.scan(Host)),
                lambda: sql.count(Host),
                lambda: sql.digest(Host),
                sql.ping,
                lambda: sql.snapshot().__enter__(),
                lambda: sql.migrations().current(),
            ):
                with pytest.raises(Unavailable):
                    read()
            connection.execute("ROLLBACK")

    def test_a_full_disk_is_unavailable_and_leaves_nothing_behind(
        self, sql: SqlDriver, region: Region
    ) -> None:
        engine = sql._facade.writer.get_engine()

        def limit(connection: sqlite3.Connection, *_: object) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")

        event.listen(engine, "checkout", limit)
        with pytest.raises(Unavailable):
            sql.apply(
                Create(entity=Tenant(name=f"t{number}", description="x" * 4000))
                for number in range(500)
            )
        assert sql.count(Tenant) == 1

    def test_a_fault_in_the_middle_of_a_stream_is_raised(
        self, sql: SqlDriver, region: Region
    ) -> None:
        scan = sql.scan(Host)
        next(scan)
        (result,) = sql._results
        result.cursor.connection.interrupt()
        with pytest.raises(BackendFault) as caught:
            list(scan)
        assert "interrupted" not in str(caught.value)
        assert sql.count(Host) == 1200

    def test_a_file_that_is_no_database_is_a_fault(self, sql: SqlDriver, state: Path) -> None:
        sql.close()
        (state / "craton.sqlite").write_bytes(b"no database" * 1000)
        with pytest.raises(BackendFault):
            sql.ping()

    def test_a_missing_table_is_a_fault(self, sql: SqlDriver) -> None:
        with sql._writing() as connection:
            connection.exec_driver_sql("DROP TABLE host_variables")
        with pytest.raises(BackendFault):
            list(sql.scan(Host))

    def test_the_error_of_an_iterator_undoes_what_came_before(
        self, sql: SqlDriver, region: Region
    ) -> None:
        def changes() -> Iterator[Create]:
            for number in range(600):
                yield Create(entity=Tenant(name=f"t{number}"))
            raise KeyError("gone")

        with pytest.raises(KeyError):
            sql.apply(changes())
        assert sql.count(Tenant) == 1

    def test_an_iterator_may_read_what_it_changes(self, sql: SqlDriver, region: Region) -> None:
        driver: InventoryDriver = sql
        sql.apply(
            Create(entity=Host(region_id=region.id, name=f"copy-of-{host.name}"))
            for host in driver.scan(Host, Query(where=in_region(region)))
        )
        assert sql.count(Host) == 2400
