"""A server whose bundles break off, started by the test of that as a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from craton import config
from craton.bundles import Format, Spool
from craton.cmd import service
from craton.driver import InventoryDriver
from craton.models import Region, Tenant

SIZE = 200_000


def broken(self: Spool, format: Format) -> Iterator[bytes]:
    """Yield the beginning of a bundle."""
    yield os.urandom(SIZE)
    raise OSError("the disk is gone")


def prepare(driver: InventoryDriver, url: str) -> None:
    """Fill the inventory, and tell where it is served."""
    driver.create(Tenant(id="t", name="t"))
    driver.create(Region(id="r", tenant_id="t", name="r"))
    print(url, flush=True)


if __name__ == "__main__":
    Spool.archive = broken  # type: ignore[method-assign]
    conf = config.settings(
        files=[], state_path=sys.argv[1], inventory__driver="memory", api__port=0
    )
    sys.exit(service.serve(conf, service.listen(conf), prepare))
