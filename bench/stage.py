"""Where the measuring happens: a directory, a Craton with a fleet in it, and its regions."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
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
        others: Ids of other regions by the number of their hosts.
    """

    directory: Path
    fleet: Fleet
    server: Server
    others: dict[int, str] = field(default_factory=dict)

    @cached_property
    def _imported(self) -> tuple[str, Cost]:
        with self.server.connect() as connection:
            return self.import_region(connection, self.fleet)

    @property
    def region_id(self) -> str:
        """The main region, which is imported when it is first asked for."""
        return self._imported[0]

    @property
    def import_cost(self) -> Cost:
        """What its import cost."""
        return self._imported[1]

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
    """Start Craton on an empty database."""
    with craton_server(directory) as server:
        yield Stage(directory=directory, fleet=fleet, server=server)


def progress(what: str) -> None:
    """Tell whoever waits what is going on."""
    print(f"… {what}", file=sys.stderr, flush=True)
