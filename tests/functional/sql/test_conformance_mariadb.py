"""The sql driver keeps the contract on MariaDB: on one node, and on a cluster of three."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from oslo_config import cfg

from craton import loader
from craton.driver import InventoryDriver
from craton.testing import DriverSuite, Harness
from craton.testing.suite.batch import BatchClauses
from craton.testing.suite.concurrency import ConcurrencyClauses
from craton.testing.suite.snapshot import SnapshotClauses
from tests.functional.sql.stores import empty, settings_for
from tests.services import galera, mariadb
from tests.services.galera import Cluster
from tests.services.mariadb import MariaDB


class MariaDBHarness(Harness):
    """A database of a server of our own, which hangs during an outage."""

    def __init__(self, server: MariaDB, database: str, state: Path) -> None:
        self.server, self.database, self.state = server, database, state

    def settings(self) -> cfg.ConfigOpts:
        return settings_for(self.server.url(self.database), self.state)

    def reset(self) -> None:
        empty(self.server, self.database, self.settings())

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Let the server hang: connections stay open, and nobody answers."""
        self.server.process.pause()
        try:
            yield
        finally:
            self.server.process.resume()


class GaleraHarness(Harness):
    """A database of a cluster: each driver that is made works on the next one of its nodes."""

    no_outage = "what happens when nodes fail is the matter of tests/faults"

    def __init__(self, cluster: Cluster, database: str, state: Path) -> None:
        self.cluster, self.database, self.state = cluster, database, state
        self._turns = itertools.cycle(cluster.nodes)

    def settings(self) -> cfg.ConfigOpts:
        return settings_for(next(self._turns).url(self.database), self.state)

    def twin(self, driver: InventoryDriver) -> InventoryDriver:
        return loader.load(self.settings())

    def reset(self) -> None:
        empty(self.cluster.nodes[0], self.database, self.settings())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    with mariadb.started(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(scope="module")
def database(server: MariaDB) -> Iterator[str]:
    with server.database() as name:
        yield name


@pytest.mark.service
class TestMariaDB(DriverSuite):
    @pytest.fixture
    def harness(self, server: MariaDB, database: str, tmp_path: Path) -> Harness:
        return MariaDBHarness(server, database, tmp_path)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with galera.started(tmp_path_factory.mktemp("galera")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def replicated(cluster: Cluster) -> Iterator[str]:
    with cluster.nodes[0].database() as name:
        yield name


class OnGalera:
    @pytest.fixture
    def harness(self, cluster: Cluster, replicated: str, tmp_path: Path) -> Harness:
        return GaleraHarness(cluster, replicated, tmp_path)


@pytest.mark.service
@pytest.mark.xdist_group("galera")
class TestGalera(OnGalera, ConcurrencyClauses, BatchClauses, SnapshotClauses):
    """The clauses that several nodes make hard; ``make galera`` runs all of them."""
