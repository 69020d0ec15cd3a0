"""What the driver does where MariaDB is another thing than SQLite: lost servers, nodes, limits."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, inspect

from craton import loader
from craton.backends.sql.driver import SqlDriver
from craton.backends.sql.lease import _LEASES
from craton.backends.sql.schema import METADATA
from craton.driver import Create
from craton.errors import ConfigurationError, Indeterminate, InvalidValue, Unavailable
from craton.models import Host, Region, Tenant
from craton.variables import Variables
from tests.functional.sql.cut import Line, line_to
from tests.functional.sql.stores import empty, settings_for
from tests.services import galera, mariadb
from tests.services.mariadb import MariaDB
from tests.services.process import free_port

#: The statement as it is sent; the name of an isolation level has the word in it, too.
COMMIT = b"\x03COMMIT"

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    with mariadb.started(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(scope="module")
def used(server: MariaDB) -> Iterator[str]:
    with server.database() as name:
        yield name


@pytest.fixture
def database(server: MariaDB, used: str, tmp_path: Path) -> str:
    """The name of a database that is empty."""
    empty(server, used, settings_for(server.url(used), tmp_path))
    return used


@contextmanager
def opened(url: str, state: Path, **options: object) -> Iterator[SqlDriver]:
    with loader.load(settings_for(url, state, **options)) as driver:
        assert isinstance(driver, SqlDriver)
        yield driver


@pytest.fixture
def line(server: MariaDB) -> Iterator[Line]:
    with line_to(server.host, server.port) as line:
        yield line


@pytest.fixture
def sql(server: MariaDB, line: Line, database: str, tmp_path: Path) -> Iterator[SqlDriver]:
    """A driver whose way to the server can be cut."""
    url = server.url(database).replace(f":{server.port}/", f":{line.port}/")
    with opened(url, tmp_path) as driver:
        yield driver


class TestLostServers:
    def test_a_commit_without_an_answer_is_indeterminate(self, sql: SqlDriver, line: Line) -> None:
        sql.ping()
        line.cut_at = COMMIT
        with pytest.raises(Indeterminate) as caught:
            sql.create(Tenant(name="t"))
        assert line.statements == 1, "the write was made again"
        assert caught.value.retry_after > 0
        assert caught.value.__cause__ is not None
        line.cut_at = None
        assert [tenant.name for tenant in sql.scan(Tenant)] == ["t"]

    def test_a_commit_that_never_arrives_is_indeterminate_too(
        self, sql: SqlDriver, line: Line
    ) -> None:
        sql.ping()
        line.cut_at, line.delivers = COMMIT, False
        with pytest.raises(Indeterminate):
            sql.create(Tenant(name="t"))
        assert line.statements == 1
        line.cut_at = None
        assert sql.count(Tenant) == 0

    def test_what_is_lost_before_the_commit_is_made_again(self, sql: SqlDriver, line: Line) -> None:
        sql.ping()
        line.cut_at, line.delivers = b"INSERT INTO tenants", False
        made = sql.create(Tenant(name="t"))
        assert line.statements == 2
        assert list(sql.scan(Tenant)) == [made]

    def test_a_server_that_hangs_is_given_up_within_ten_seconds(
        self, server: MariaDB, database: str, tmp_path: Path
    ) -> None:
        with opened(server.url(database), tmp_path) as sql:
            sql.create(Tenant(name="t"))
            server.process.pause()
            try:
                for attempt in (sql.ping, lambda: sql.create(Tenant(name="u"))):
                    began = time.monotonic()
                    with pytest.raises(Unavailable):
                        attempt()
                    assert time.monotonic() - began < 10
            finally:
                server.process.resume()
            assert sql.count(Tenant) == 1

    def test_a_server_that_is_gone_is_unavailable(self, tmp_path: Path) -> None:
        url = f"mysql+pymysql://craton:secret@127.0.0.1:{free_port()}/x"
        driver = loader.load(settings_for(url, tmp_path))
        with pytest.raises(Unavailable) as caught:
            driver.open()
        assert "secret" not in str(caught.value)
        driver.close()


class TestNodes:
    def test_another_node_is_asked_when_one_is_away(
        self, server: MariaDB, database: str, tmp_path: Path
    ) -> None:
        url = server.url(database).replace(f":{server.port}/", f":{free_port()}/")
        others = [f"127.0.0.1:{free_port()}", f"127.0.0.1:{server.port}"]
        with opened(url, tmp_path, other_nodes=others) as sql:
            assert sql.create(Tenant(name="t")).name == "t"

    def test_no_other_node_is_asked_about_a_wrong_password(
        self, server: MariaDB, database: str, tmp_path: Path
    ) -> None:
        url = server.url(database).replace(":secret@", ":wrong@")
        driver = loader.load(settings_for(url, tmp_path, other_nodes=["127.0.0.1:1"]))
        with pytest.raises(Exception, match=r"refused a statement|cannot be reached"):
            driver.open()
        driver.close()

    @pytest.mark.parametrize("word", ["host:", "host:x", ":3306", "host:70000"])
    def test_what_is_no_address_is_refused(
        self, server: MariaDB, database: str, tmp_path: Path, word: str
    ) -> None:
        driver = loader.load(settings_for(server.url(database), tmp_path, other_nodes=[word]))
        with pytest.raises(ConfigurationError, match="other_nodes"):
            driver.open()

    def test_a_node_without_a_quorum_is_unavailable_until_it_has_one(self, tmp_path: Path) -> None:
        with (
            galera.started(tmp_path / "galera", size=2) as cluster,
            cluster.nodes[0].database() as name,
        ):
            first, second = cluster.nodes
            loader.load(settings_for(first.url(name), tmp_path)).migrations().upgrade()
            with opened(first.url(name), tmp_path) as sql:
                tenant = sql.create(Tenant(name="t"))
                second.process.kill()
                with pytest.raises(Unavailable):
                    replace_for_ever(sql, tenant)
                tenant = dataclasses.replace(tenant, customer="again")
                for attempt in (sql.ping, lambda: sql.get(Tenant, tenant.id)):
                    with pytest.raises(Unavailable):
                        attempt()
                first.execute("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=true'")
                cluster.rejoin(second)
                cluster.wait_until_whole()
                assert sql.replace(tenant).name == "t"
            self.check_session(first.url(name), tmp_path)

    def check_session(self, url: str, state: Path) -> None:
        for options, expected in (({}, 1), ({"mysql_wsrep_sync_wait": 7}, 7)):
            with opened(url, state, **options) as sql:
                assert variable(sql, "wsrep_sync_wait") == expected
                sent = watched_commits(sql)
                region = region_in(sql, f"t{expected}")
                sql.apply(_hosts(region, 501))
                sql.create(Tenant(name=f"after{expected}"))
                assert sent[-1] == 0
                assert sent[-2] > 0


class TestLimits:
    def test_a_value_of_many_mebibytes_is_stored(self, sql: SqlDriver) -> None:
        region = region_in(sql)
        variables = Variables({"long": "é" * 5_000_000})
        host = sql.create(Host(region_id=region.id, name="h", variables=variables))
        assert sql.get(Host, host.id) == host

    def test_what_the_server_would_cut_off_is_refused(
        self, server: MariaDB, database: str, tmp_path: Path
    ) -> None:
        server.execute("SET GLOBAL max_allowed_packet = 1048576")
        try:
            with opened(server.url(database), tmp_path) as sql:
                region = region_in(sql)
                fits = Variables({f"v{number}": '"' * 25_000 for number in range(10)})
                host = sql.create(Host(region_id=region.id, name="h", variables=fits))
                assert sql.get(Host, host.id) == host
                long = Variables({f"v{number}": "é" * 30_000 for number in range(10)})
                writes: tuple[Callable[[], Host], ...] = (
                    lambda: sql.create(Host(region_id=region.id, name="i", variables=long)),
                    lambda: sql.replace(dataclasses.replace(host, variables=long)),
                )
                for write in writes:
                    with pytest.raises(InvalidValue, match="max_allowed_packet") as caught:
                        write()
                    assert caught.value.field == "variables"
                assert list(sql.scan(Host)) == [host]
        finally:
            server.execute("SET GLOBAL max_allowed_packet = 67108864")

    def test_a_large_batch_is_one_step(self, sql: SqlDriver) -> None:
        region = region_in(sql)
        with pytest.raises(KeyError):
            sql.apply(_hosts(region, 1200, KeyError()))
        assert sql.count(Host) == 0
        assert len(sql.apply(_hosts(region, 1200))) == 1200
        assert sql.count(Host) == 1200


class TestSchema:
    def test_the_migrations_make_what_the_metadata_says(self, sql: SqlDriver) -> None:
        with sql._reading() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            differences = compare_metadata(context, METADATA)
        assert [d for d in differences if _LEASES.name not in repr(d)] == []

    def test_a_downgrade_leaves_nothing(self, sql: SqlDriver) -> None:
        sql.migrations().downgrade("base")
        with sql._reading() as connection:
            left = set(inspect(connection).get_table_names())
        assert left == {"alembic_version", _LEASES.name}
        sql.migrations().upgrade()
        assert sql.count(Tenant) == 0


def _hosts(region: Region, count: int, error: Exception | None = None) -> Iterator[Create]:
    for number in range(count):
        yield Create(entity=Host(region_id=region.id, name=f"h{number}"))
    if error is not None:
        raise error


def replace_for_ever(sql: SqlDriver, tenant: Tenant) -> NoReturn:
    while True:
        sql.replace(tenant)


def watched_commits(sql: SqlDriver) -> list[int]:
    """Collect the size of fragments with which each transaction is committed."""
    sent: list[int] = []

    def note(connection: Connection) -> None:
        sent.append(shown(connection, "wsrep_trx_fragment_size"))

    event.listen(sql._facade.writer.get_engine(), "commit", note)
    return sent


def region_in(sql: SqlDriver, name: str = "t") -> Region:
    tenant = sql.create(Tenant(name=name))
    return sql.create(Region(tenant_id=tenant.id, name=name))


def variable(sql: SqlDriver, name: str) -> int:
    with sql._reading() as connection:
        return shown(connection, name)


def shown(connection: Any, name: str) -> int:
    return int(connection.exec_driver_sql(f"SELECT @@SESSION.{name}").scalar())
