"""The same state gives the same bytes: on every backend, in every process, everywhere."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from craton import config
from craton.backends.memory.driver import MemoryDriver
from craton.bundles import BundleRequest, Format, Target, plan
from craton.driver import Create, InventoryDriver
from craton.filters import HostFilters
from craton.models import E
from tests.oracle.regions import random_fleet

ROOT = Path(__file__).parents[2]
SEEDS = (0, 3, 9)
PROGRAM = f"""
from tests.functional.test_bundle_bytes import digests_in_memory
for seed in {SEEDS!r}:
    print(*digests_in_memory(seed))
"""


def copied(driver: InventoryDriver, seed: int) -> str:
    """Store a random region under other ids, and return the id of the region."""
    fleet = random_fleet(seed)
    salt = f"{random.getrandbits(64):x}"

    def moved(entity: E, **changes: Any) -> E:
        for name in ("groups", "parents"):
            if hasattr(entity, name):
                changes[name] = tuple(salt + id for id in getattr(entity, name))
        return dataclasses.replace(entity, **changes)

    tenant = driver.create(dataclasses.replace(fleet.tenant, id=""))
    region = driver.create(dataclasses.replace(fleet.region, id="", tenant_id=tenant.id))
    groups = [moved(group, id=salt + group.id, region_id=region.id) for group in fleet.groups]
    hosts = [moved(host, id="", region_id=region.id) for host in fleet.hosts]
    driver.apply(Create(entity=entity) for entity in (*groups, *hosts))
    return region.id


def digests(driver: InventoryDriver, region_id: str) -> list[str]:
    """Return the digests of everything that can be downloaded of a region."""
    found = []
    for target in Target:
        for given in ({}, {"active": ["true", "false"]}):
            request = BundleRequest(
                region_id=region_id, target=target, filters=HostFilters.parse(given)
            )
            with driver.snapshot() as reader:
                spool = plan(reader, request, snapshot=True).collect()
            with spool:
                packed = (
                    [spool.document()]
                    if target is Target.SCRIPT
                    else [spool.archive(format) for format in Format]
                )
                found += [hashlib.sha256(b"".join(pieces)).hexdigest() for pieces in packed]
    return found


def digests_in_memory(seed: int) -> list[str]:
    driver = MemoryDriver(config.settings(files=[]))
    driver.open()
    return digests(driver, copied(driver, seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_backend_gives_the_same_bytes(driver: InventoryDriver, seed: int) -> None:
    assert digests(driver, copied(driver, seed)) == digests_in_memory(seed)


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "2", "TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "0"},
    ],
    ids=["east", "west"],
)
def test_every_process_gives_the_same_bytes(variables: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **variables, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [digest for seed in SEEDS for digest in digests_in_memory(seed)]
