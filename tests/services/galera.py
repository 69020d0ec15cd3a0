"""A Galera cluster of the tests' own: nodes of MariaDB on loopback, any of which takes writes.

Its members notice within a second or so that one is gone; the defaults take several. Nodes are
started by one thread that lives as long as they shall: a server dies with the thread that made it.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pymysql

from tests.services import mariadb
from tests.services.mariadb import MariaDB
from tests.services.process import PATIENCE, Process, ServiceError, binary, free_port

_PROVIDER = "/usr/lib/galera/libgalera_smm.so"

_PROVIDER_OPTIONS = {
    "gcache.size": "64M",
    # A node that comes back finds the others by its command line alone.
    "pc.recovery": "false",
    "evs.keepalive_period": "PT0.1S",
    "evs.inactive_check_period": "PT0.1S",
    "evs.suspect_timeout": "PT1S",
    "evs.inactive_timeout": "PT3S",
    "evs.install_timeout": "PT3S",
    "evs.join_retrans_period": "PT0.2S",
    "gmcast.peer_timeout": "PT1S",
}

#: Two nodes that suspect each other on a busy machine have no quorum, and do not find back.
_PATIENT = {"evs.suspect_timeout": "PT4S", "evs.inactive_timeout": "PT8S"}

_OPTIONS = (
    "--binlog-format=ROW",
    "--innodb-autoinc-lock-mode=2",
    "--wsrep-on=ON",
    # It leaves the node that gives its state free to work, and needs a user there.
    "--wsrep-sst-method=mariabackup",
    f"--wsrep-sst-auth={mariadb.TRANSFER_USER}:",
    "--wsrep-slave-threads=2",
    "--wsrep-node-address=127.0.0.1",
)


@dataclass
class Node(MariaDB):
    """One member of a cluster."""

    name: str = field(kw_only=True)
    group_port: int = field(kw_only=True)
    options: tuple[str, ...] = field(kw_only=True)

    def status(self, name: str) -> str:
        """Return a status variable."""
        rows = self.execute(f"SHOW GLOBAL STATUS LIKE '{name}'", timeout=2)
        return str(rows[0][1]) if rows else ""

    def is_synced(self, size: int | None = None) -> bool:
        """Tell whether it serves clients, in a cluster of so many nodes."""
        try:
            return (
                self.status("wsrep_ready") == "ON"
                and self.status("wsrep_local_state_comment") == "Synced"
                and (size is None or self.status("wsrep_cluster_size") == str(size))
            )
        except pymysql.Error:
            return False

    def launch(self, address: str, *more: str) -> None:
        """Start it, as a member of the cluster at an address.

        Raises:
            ServiceError: It does not get there.
        """
        self.process = Process(
            f"mariadbd {self.name}",
            [
                *mariadb.command(self.data, self.port, self.options),
                *(f"--wsrep-cluster-address={address}", *more),
            ],
            log=self.data.parent / f"{self.name}.log",
            answers=self.is_synced,
        )
        self.process.start()

    def recovered_position(self) -> str:
        """Return how far the data of a node that was killed have come."""
        done = subprocess.run(
            [
                *mariadb.command(self.data, self.port, self.options),
                *("--wsrep-cluster-address=gcomm://", "--wsrep-recover"),
            ],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        found = re.findall(r"Recovered position: (\S+)", done.stderr)
        if not found:
            raise ServiceError(f"{self.name} cannot be recovered:\n{done.stderr[-2000:]}")
        return str(found[-1])


@dataclass
class Cluster:
    """Several nodes.

    Attributes:
        nodes: They, in the order in which they were started.
    """

    nodes: list[Node]

    @property
    def address(self) -> str:
        """Where a node finds the others."""
        return "gcomm://" + ",".join(f"127.0.0.1:{node.group_port}" for node in self.nodes)

    def rejoin(self, node: Node) -> None:
        """Start a node that was killed, while others are there."""
        node.launch(self.address, f"--wsrep-start-position={node.recovered_position()}")

    def restart(self) -> None:
        """Start all nodes after all were killed, the one first that has come furthest."""
        positions = [node.recovered_position() for node in self.nodes]
        numbers = [int(position.rpartition(":")[2]) for position in positions]
        first = numbers.index(max(numbers))
        grastate = self.nodes[first].data / "grastate.dat"
        text = grastate.read_text()
        grastate.write_text(text.replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1"))
        start = f"--wsrep-start-position={positions[first]}"
        self.nodes[first].launch(self.address, "--wsrep-new-cluster", start)
        for node, position in zip(self.nodes, positions, strict=True):
            if node is not self.nodes[first]:
                node.launch(self.address, f"--wsrep-start-position={position}")
        self.wait_until_whole()

    def wait_until_whole(self) -> None:
        """Wait until every node is in the cluster and up to date.

        Raises:
            ServiceError: One is not.
        """
        deadline = time.monotonic() + PATIENCE
        for node in self.nodes:
            while not node.is_synced(len(self.nodes)):
                if time.monotonic() > deadline:
                    raise ServiceError(f"{node.name} is not in:\n{node.process.tail()}")
                time.sleep(0.05)


@contextmanager
def started(directory: Path, size: int = 3, options: Sequence[str] = ()) -> Iterator[Cluster]:
    """Start a cluster with no databases in a directory; it ends with the block."""
    directory.mkdir(parents=True, exist_ok=True)
    binary("mariadb-backup", "mariadb-backup")
    binary("socat", "socat")
    origin = template()
    cluster = Cluster([_node(directory, number, options, size) for number in range(size)])
    for node in cluster.nodes:
        shutil.copytree(origin, node.data)
    with ExitStack() as stack:
        for node in cluster.nodes:
            is_first = node is cluster.nodes[0]
            stack.callback(_kill, node)
            node.launch(cluster.address, *(["--wsrep-new-cluster"] if is_first else []))
        cluster.wait_until_whole()
        yield cluster


def _kill(node: Node) -> None:
    # The process that it has by then: it may have been started anew.
    node.process.kill()


def template() -> Path:
    """The directory of the data of a node that was in a cluster once; made when it is missing."""
    return mariadb.cached(f"{mariadb.template().name.removesuffix('-alone')}-node", _make_template)


def _make_template(place: Path) -> None:
    directory = place.with_name(f"{place.name}.making")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    node = _node(directory, 0)
    shutil.copytree(mariadb.template(), node.data)
    node.launch("gcomm://", "--wsrep-new-cluster")
    node.process.stop(signal.SIGTERM)
    (node.data / "galera.cache").unlink()
    node.data.rename(place)
    shutil.rmtree(directory)


def _node(directory: Path, number: int, options: Sequence[str] = (), size: int = 1) -> Node:
    group, increments, transfer = free_port(), free_port(), free_port()
    provider = {
        "base_host": "127.0.0.1",
        "base_port": group,
        "gmcast.listen_addr": f"tcp://127.0.0.1:{group}",
        "ist.recv_addr": f"127.0.0.1:{increments}",
        "ist.recv_bind": f"127.0.0.1:{increments}",
        **_PROVIDER_OPTIONS,
        **(_PATIENT if size == 2 else {}),
    }
    if not Path(_PROVIDER).exists():
        raise ServiceError(f"{_PROVIDER} is missing: make test installs it (package galera-4)")
    name = f"node{number}"
    data, port = directory / name, free_port()
    return Node(
        "127.0.0.1",
        port,
        data=data,
        process=Process(name, [], log=directory / f"{name}.log", answers=lambda: False),
        name=name,
        group_port=group,
        options=(
            *_OPTIONS,
            f"--wsrep-node-name={name}",
            f"--wsrep-provider={_PROVIDER}",
            f"--wsrep-sst-receive-address=127.0.0.1:{transfer}",
            "--wsrep-provider-options=" + ";".join(f"{n}={v}" for n, v in provider.items()),
            *options,
        ),
    )
