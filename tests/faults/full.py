"""A disk that is full in the middle of an import: a database on a small file system of its own.

The file system is a tmpfs in a mount namespace that the server alone sees; whoever may not mount
has no such test, and that is an error.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from craton import loader
from craton.driver import Create, InventoryDriver
from craton.errors import CratonError, Unavailable
from craton.models import Host, Region, Tenant
from craton.variables import Variables
from tests.faults.scenarios import Figure
from tests.functional.sql.stores import settings_for
from tests.services import mariadb
from tests.services.mariadb import MariaDB
from tests.services.process import Process, binary, free_port

NAME = "disk full during a batch"

#: Of the file system, in MiB: the template of a server, its log of 64 MiB, and a little more.
_SIZE = 190
_HOSTS = 30_000


@contextmanager
def small_server(directory: Path) -> Iterator[MariaDB]:
    """Start a MariaDB whose data lie on a file system that is soon full."""
    data, port = directory / "data", free_port()
    data.mkdir(parents=True)
    script = (
        f"mount -t tmpfs -o size={_SIZE}m tmpfs {data} && cp -a {mariadb.template()}/. {data} "
        '&& exec "$@"'
    )
    process = Process(
        "mariadbd on a small disk",
        [
            *(binary("unshare", "util-linux"), "--mount", "--propagation", "private"),
            *("sh", "-c", script, "sh", *mariadb.command(data, port)),
            f"--tmpdir={directory}",
        ],
        log=directory / "mariadb.log",
        answers=lambda: server.answers(),
    )
    server = MariaDB("127.0.0.1", port, data=data, process=process)
    process.start()
    try:
        yield server
    finally:
        process.kill()
        shutil.rmtree(data, ignore_errors=True)


def figures(directory: Path, hosts: int = _HOSTS) -> list[Figure]:
    """Import more than there is room for, then a little."""
    with small_server(directory) as server, server.database() as database:
        driver = loader.load(settings_for(server.url(database), directory))
        driver.migrations().upgrade()
        with driver:
            tenant = driver.create(Tenant(name="t"))
            region = driver.create(Region(tenant_id=tenant.id, name="r"))
            before = driver.digest(Region), driver.digest(Host)
            began = time.monotonic()
            error = _imported(driver, region, hosts)
            spent = time.monotonic() - began
            left = driver.count(Host)
            changed = (driver.digest(Region), driver.digest(Host)) != before
            recovered = _works_again(driver, region)
        return [
            Figure("imports that ended as if there were room", error is None),
            Figure("errors that are not Unavailable", not isinstance(error, Unavailable)),
            Figure("hosts that were left behind", left),
            Figure("states that differ from the one before", changed),
            Figure("seconds until the error", spent, None),
            Figure("services that did not recover", not recovered),
        ]


def _imported(driver: InventoryDriver, region: Region, hosts: int) -> CratonError | None:
    long = "x" * 10_000
    try:
        driver.apply(
            Create(
                entity=Host(
                    region_id=region.id, name=f"h{number}", variables=Variables({"long": long})
                )
            )
            for number in range(hosts)
        )
    except CratonError as error:
        return error
    return None


def _works_again(driver: InventoryDriver, region: Region) -> bool:
    """Tell whether something small can be stored, and read, within half a minute."""
    deadline = time.monotonic() + 30
    while True:
        try:
            host = driver.create(Host(region_id=region.id, name="small"))
            return driver.get(Host, host.id) == host
        except Unavailable:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.5)
