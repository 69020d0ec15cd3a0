"""Craton as it is deployed: API servers in processes of their own, each beside a node."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from craton import loader
from craton.driver import InventoryDriver
from craton.models import Host, Region, Tenant
from tests.functional.sql.stores import settings_for
from tests.services import galera
from tests.services.galera import Cluster
from tests.services.process import Process, free_port

_COMMAND = "import sys; from craton.cmd.api import main; sys.exit(main())"


@dataclass
class Service:
    """API servers on a cluster, and a region to work in.

    Attributes:
        cluster: The nodes of the database.
        urls: Where the servers are.
        database: The name of the database.
        region: The id of the region.
        directory: For whatever a test keeps.
    """

    cluster: Cluster
    urls: list[str]
    database: str
    region: str
    directory: Path

    def driver(self, node: int) -> InventoryDriver:
        """Make a driver on one node, and on no other; it is not open yet."""
        url = self.cluster.nodes[node].url(self.database)
        return loader.load(settings_for(url, self.directory))

    def hosts(self, count: int) -> dict[str, str]:
        """Create hosts; return their revisions by their ids."""
        word = secrets.token_hex(4)
        with self.driver(0) as driver:
            made = [
                driver.create(Host(region_id=self.region, name=f"hot-{word}-{number}"))
                for number in range(count)
            ]
        return {host.id: host.revision for host in made}


@contextmanager
def started(directory: Path, servers: int = 3, nodes: int = 3) -> Iterator[Service]:
    """Start a cluster and API servers on an empty database; they end with the block."""
    with ExitStack() as stack:
        cluster = stack.enter_context(galera.started(directory / "galera", nodes))
        database = stack.enter_context(cluster.nodes[0].database())
        region = _prepare(cluster, database, directory)
        urls = [
            stack.enter_context(_server(cluster, database, directory, number))
            for number in range(servers)
        ]
        yield Service(cluster, urls, database, region, directory)


def _prepare(cluster: Cluster, database: str, directory: Path) -> str:
    driver = loader.load(settings_for(cluster.nodes[0].url(database), directory))
    driver.migrations().upgrade()
    with driver:
        tenant = driver.create(Tenant(name="faults"))
        return driver.create(Region(tenant_id=tenant.id, name="faults")).id


@contextmanager
def _server(cluster: Cluster, database: str, directory: Path, number: int) -> Iterator[str]:
    """Start a server whose own node is that of its number, and that falls back to the others."""
    state, port = directory / f"api{number}", free_port()
    state.mkdir()
    nodes = cluster.nodes[number:] + cluster.nodes[:number]
    others = ",".join(f"127.0.0.1:{node.port}" for node in nodes[1:])
    file = state / "craton.conf"
    file.write_text(
        f"[DEFAULT]\nstate_path = {state}\n[inventory]\ndriver = sql\n"
        f"[database]\nconnection = {nodes[0].url(database)}\nother_nodes = {others}\n"
        f"max_pool_size = 16\nconnection_recycle_time = 20\n"
        f"[api]\nport = {port}\nthreads = 16\n"
    )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return requests.get(f"{url}/healthcheck", timeout=10).ok
        except requests.RequestException:
            return False

    process = Process(
        f"craton-api {number}",
        [sys.executable, "-W", "ignore", "-c", _COMMAND, "--config-file", str(file)],
        log=state / "api.log",
        answers=answers,
    )
    process.start()
    try:
        yield url
    finally:
        process.kill()
