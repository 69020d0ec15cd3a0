"""Where the measuring happens: a directory, a Craton with a fleet in it, and its regions."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.fleet import Fleet
from bench.http import Connection, Response
from bench.measure import Cost, Work, cost
from bench.processes import Server, craton_server

#: The hosts of the region with which a server is warmed up.
WARM_UP_HOSTS = 50


@dataclass(kw_only=True)
class Stage:
    """A running Craton.

    Attributes:
        directory: Holds its state, and goes when the run ends.
        fleet: What the main region holds.
        server: The server.
        region_id: The main region.
        import_cost: What its import cost.
        others: Ids of other regions by the number of their hosts.
    """

    directory: Path
    fleet: Fleet
    server: Server
    region_id: str = ""
    import_cost: Cost | None = None
    others: dict[int, str] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        return self.directory / "craton.sqlite"

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Open the database as a floor does."""
        with closing(sqlite3.connect(self.database)) as database:
            yield database

    def import_region(
        self, connection: Connection, fleet: Fleet, remark: str = ""
    ) -> tuple[str, Cost]:
        """Make a region of a fleet; return its id and what the import cost.

        Args:
            connection: To the server.
            fleet: The fleet.
            remark: Tells the tenant from another one with as many hosts.
        """
        document = fleet.document()
        tenant = json.dumps({"name": f"tenant of {fleet.hosts} {remark}".strip()}).encode()
        tenant_id = connection.post("/v1/tenants", tenant, expect=201).json()["id"]
        region = json.dumps({"name": f"region of {fleet.hosts}"}).encode()
        region_id = connection.post(f"/v1/regions/{tenant_id}", region, expect=201).json()["id"]
        progress(f"importing {fleet.hosts:,} hosts, {len(document) / 1e6:.1f} MB")
        path = f"/v1/inventory/{region_id}?mode=merge"
        answers: list[Response] = []
        work = Work(
            action=lambda: answers.append(connection.post(path, document)),
            cpu_clock=self.server.cpu_seconds,
        )
        spent = cost(work)
        assert answers[0].json()["created"]["hosts"] == fleet.hosts
        return region_id, spent


@contextmanager
def prepared(directory: Path, fleet: Fleet) -> Iterator[Stage]:
    """Start Craton and import the fleet into an empty database."""
    with craton_server(directory) as server:
        stage = Stage(directory=directory, fleet=fleet, server=server)
        with server.connect() as connection:
            stage.region_id, stage.import_cost = stage.import_region(connection, fleet)
        yield stage


def progress(what: str) -> None:
    """Tell whoever waits what is going on."""
    print(f"… {what}", file=sys.stderr, flush=True)
