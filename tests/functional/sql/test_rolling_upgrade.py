"""The schema goes first, while servers of the version before work on: expand, migrate, contract."""

from __future__ import annotations

import multiprocessing
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from oslo_config import cfg
from sqlalchemy import inspect

from craton import config
from craton.api.app import make_app
from craton.backends.sql import versions
from craton.backends.sql.driver import SqlDriver
from craton.backends.sql.versions import SchemaVersions
from craton.errors import SchemaOutdated
from craton.models import Host, Region, Tenant
from tests.functional.api.client import Client
from tests.functional.sql.stores import settings_for
from tests.services import galera
from tests.services.galera import Cluster

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("galera")]

#: A version that adds, and one that takes away what programs before it need.
EXPAND = '''"""A column and a table more"""
from alembic import op
from sqlalchemy import Column, Integer, String

revision, down_revision = "9001", {latest!r}
branch_labels = depends_on = None
works_with = {latest!r}

def upgrade():
    op.add_column("hosts", Column("rack", String(20), nullable=True))
    op.create_table("racks", Column("id", Integer(), primary_key=True))

def downgrade():
    op.drop_table("racks")
    op.drop_column("hosts", "rack")
'''
CONTRACT = '''"""A column less"""
from alembic import op
from sqlalchemy import Column, String

revision, down_revision = "9002", "9001"
branch_labels = depends_on = None
works_with = "9001"

def upgrade():
    op.drop_column("hosts", "asset_id")

def downgrade():
    op.add_column("hosts", Column("asset_id", String(250), nullable=True))
'''


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with galera.started(tmp_path_factory.mktemp("galera"), size=2) as cluster:
        yield cluster


@pytest.fixture
def on_node(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[[int], cfg.ConfigOpts]]:
    """Give the configuration for a database on a node."""
    with cluster.nodes[0].database() as database:
        yield lambda node: settings_for(cluster.nodes[node].url(database), tmp_path)


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """The versions that there are, and two from the future."""
    place = tmp_path / "migrations"
    shutil.copytree(versions.SCRIPTS, place)
    latest = max((place / "versions").glob("0*.py")).name[:4]
    (place / "versions" / "9001_expand.py").write_text(EXPAND.format(latest=latest))
    (place / "versions" / "9002_contract.py").write_text(CONTRACT)
    return place


def program(
    settings: cfg.ConfigOpts, newest: str | None = None, scripts: Path = versions.SCRIPTS
) -> SqlDriver:
    """Make a driver that knows the schema up to a version."""
    driver = SqlDriver(settings)
    driver.__dict__["_versions"] = SchemaVersions(driver._writing, driver._dialect, scripts, newest)
    return driver


def region_in(driver: SqlDriver) -> Region:
    tenant = driver.create(Tenant(name="t"))
    return driver.create(Region(tenant_id=tenant.id, name="r"))


class Writer(threading.Thread):
    """Writes through one driver until it is told to stop."""

    def __init__(self, driver: SqlDriver, region: Region) -> None:
        super().__init__()
        self.driver, self.region = driver, region
        self.made: list[Host] = []
        self.errors: list[Exception] = []
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            name = f"h{len(self.made) + len(self.errors)}"
            try:
                self.made.append(self.driver.create(Host(region_id=self.region.id, name=name)))
            except Exception as error:
                self.errors.append(error)

    def stop(self) -> None:
        self._over.set()
        self.join(60)


@pytest.mark.parametrize(("before", "after"), [("0003", "0004"), ("0004", "0005")])
def test_servers_of_the_version_before_work_on(
    on_node: Callable[[int], cfg.ConfigOpts], before: str, after: str
) -> None:
    migrating = program(on_node(0))
    migrating.migrations().upgrade(before)
    with program(on_node(1), newest=before) as old:
        writer = Writer(old, region_in(old))
        writer.start()
        migrating.migrations().upgrade(after)
        with program(on_node(0), newest=after) as new:
            stop_at = len(writer.made) + 20
            while len(writer.made) < stop_at and not writer.errors:
                writer.join(0.01)
            writer.stop()
            assert writer.errors == []
            assert new.count(Host) == len(writer.made) >= 20
            made = new.create(Host(region_id=writer.region.id, name="by-the-new-one"))
            assert old.get(Host, made.id) == made
        old.ping()
        with program(on_node(1), newest=before) as started_late:
            assert started_late.count(Host) == len(writer.made) + 1
    migrating.close()


def test_expanded_serves_the_old_and_contracted_does_not(
    on_node: Callable[[int], cfg.ConfigOpts], scripts: Path
) -> None:
    migrating = program(on_node(0), scripts=scripts)
    latest = migrating.migrations().history()[-3][0]
    migrating.migrations().upgrade(latest)
    with program(on_node(1)) as old:
        region = region_in(old)
        migrating.migrations().upgrade("9001")
        old.ping()
        host = old.create(Host(region_id=region.id, name="h", asset_id="a"))
        with program(on_node(1)) as again:
            assert again.get(Host, host.id) == host
        migrating.migrations().upgrade("9002")
        with pytest.raises(SchemaOutdated, match="9002"):
            old.ping()
        with pytest.raises(SchemaOutdated, match="newest program"), program(on_node(1)):
            pass
        with pytest.raises(SchemaOutdated):
            old.migrations().upgrade()
        api = Client(make_app(old, config.settings(files=[])))
        assert api.get("/healthcheck", 503).json["status"] == 503
        migrating.migrations().downgrade(latest)
        old.ping()
        assert old.get(Host, host.id).name == "h"
    migrating.close()


def test_an_older_schema_is_refused(on_node: Callable[[int], cfg.ConfigOpts]) -> None:
    migrating = program(on_node(0))
    history = [version for version, _ in migrating.migrations().history()]
    migrating.migrations().upgrade(history[-2])
    with pytest.raises(SchemaOutdated, match="db upgrade"), program(on_node(1)):
        pass
    migrating.close()


def _upgrade(settings: cfg.ConfigOpts, barrier: object, answers: object) -> None:
    driver = program(settings)
    barrier.wait(30)  # type: ignore[attr-defined]
    try:
        driver.migrations().upgrade()
        answers.put("")  # type: ignore[attr-defined]
    except BaseException as error:
        answers.put(repr(error))  # type: ignore[attr-defined]


@pytest.mark.parametrize("nodes", [(0, 0), (0, 1, 1)])
def test_upgrades_at_once_make_one_schema(
    on_node: Callable[[int], cfg.ConfigOpts], nodes: tuple[int, ...]
) -> None:
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(len(nodes)), context.SimpleQueue()
    processes = [
        context.Process(target=_upgrade, args=(on_node(node), barrier, answers)) for node in nodes
    ]
    for process in processes:
        process.start()
    assert [answers.get() for _ in nodes] == [""] * len(nodes)
    for process in processes:
        process.join(60)
    with program(on_node(1)) as driver:
        assert region_in(driver).name == "r"
        with driver._reading() as connection:
            assert inspect(connection).has_table("schema_promises")
