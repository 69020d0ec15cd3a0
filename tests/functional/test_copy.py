"""An inventory that moves through any two stores comes back as it was, to the byte of a bundle."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from craton import config, loader, sample
from craton.bundles import BundlePlan, BundleRequest, Format, Target, plan
from craton.driver import InventoryDriver
from craton.filters import HostFilters
from craton.models import Entity, Host, Region
from craton.transfer import Copy, Place, check_target, compare
from tests import backends
from tests.fleets import everything, fill, fill_with_every_kind
from tests.functional.test_bundle_bytes import digests
from tests.oracle.regions import random_fleet
from tests.services import mongo

#: The stores that outlive a process; each is one way to go from SQLite to SQLite.
STORES = (
    "sql",
    pytest.param("mongo", marks=(pytest.mark.service, pytest.mark.xdist_group("mongo"))),
)


class Silent:
    def begin(self, stage: str, total: int | None) -> None:
        pass

    def at(self, kind: type[Entity], place: Place) -> None:
        pass

    def advance(self, count: int) -> None:
        pass

    def end(self) -> None:
        pass


@pytest.fixture(scope="module")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mongo.Mongo]:
    with mongo.started(tmp_path_factory.mktemp("mongo")) as server:
        yield server


@contextlib.contextmanager
def mongo_opened(server: mongo.Mongo) -> Iterator[InventoryDriver]:
    """Open a driver on an empty database of a server."""
    with server.database() as name:
        driver = loader.load(config.settings(files=[], inventory__driver="mongo"))
        driver.settings.set_override("uri", server.uri, "mongo")
        driver.settings.set_override("database", name, "mongo")
        driver.migrations().upgrade()
        with driver:
            yield driver


@pytest.fixture(params=STORES)
def chain(
    request: pytest.FixtureRequest, tmp_path: Path, template_of: Callable[[str], Path]
) -> Iterator[list[InventoryDriver]]:
    """Three empty stores: SQLite, another one, and SQLite again."""

    def opened(number: int) -> AbstractContextManager[InventoryDriver]:
        return backends.opened("sql", tmp_path / str(number), template_of("sql"))

    between: AbstractContextManager[InventoryDriver]
    if request.param == "mongo":
        between = mongo_opened(request.getfixturevalue("mongo_server"))
    else:
        between = opened(2)
    with opened(1) as first, between as second, opened(3) as third:
        yield [first, second, third]


def move(source: InventoryDriver, target: InventoryDriver) -> int:
    with source.snapshot() as reader:
        check_target(reader, target, resume=False)
        Copy(reader, target, Silent()).run()
        compared = list(compare(reader, target, Silent()))
    assert [one for one in compared if one.difference is not None] == []
    return sum(one.target.count for one in compared)


def move_along(chain: list[InventoryDriver]) -> None:
    first, second, third = chain
    assert move(first, second) == move(second, third) == len(everything(first))
    assert everything(first) == everything(second) == everything(third)


def wanted(region: Region, target: Target) -> BundleRequest:
    return BundleRequest(region_id=region.id, target=target, filters=HostFilters.parse({}))


def bundles(driver: InventoryDriver) -> dict[str, tuple[list[str], list[str]]]:
    """Return the digests of every form of every region's bundle, and its ETags."""
    found = {}
    for region in driver.scan(Region):
        etags = [plan(driver, wanted(region, target), snapshot=False).etag for target in Target]
        found[region.id] = (digests(driver, region.id), etags)
    return found


def test_the_sample_fleet_comes_back_as_it_was(chain: list[InventoryDriver]) -> None:
    assert sample.load(chain[0])
    move_along(chain)
    assert bundles(chain[0]) == bundles(chain[1]) == bundles(chain[2])


@pytest.mark.parametrize("seed", range(4))
def test_regions_that_hold_traps_come_back_as_they_were(
    chain: list[InventoryDriver], seed: int
) -> None:
    move(random_fleet(seed).driver, chain[0])
    move_along(chain)
    assert bundles(chain[0]) == bundles(chain[1]) == bundles(chain[2])


def test_a_fleet_comes_back_as_it_was(chain: list[InventoryDriver]) -> None:
    fill(chain[0], regions=2, hosts=300, groups=60)
    move_along(chain)
    assert bundles(chain[0]) == bundles(chain[1]) == bundles(chain[2])


def test_every_kind_comes_back_as_it_was(chain: list[InventoryDriver]) -> None:
    fill_with_every_kind(chain[0])
    move_along(chain)


@pytest.mark.slow
def test_a_large_fleet_comes_back_as_it_was(chain: list[InventoryDriver]) -> None:
    fill(chain[0], regions=4, hosts=2500, groups=400)
    assert chain[0].count(Host) == 10_000
    move_along(chain)
    region = next(chain[0].scan(Region))
    for target in Target:
        plans = [plan(driver, wanted(region, target), snapshot=False) for driver in chain]
        assert len({one.etag for one in plans}) == 1
        assert len({packed(one) for one in plans}) == 1


def packed(plan: BundlePlan) -> str:
    """Return a digest of one bundle in every form that it has."""
    digest = hashlib.sha256()
    with plan.collect() as spool:
        if plan.request.target is Target.SCRIPT:
            digest.update(b"".join(spool.document()))
        else:
            for form in Format:
                digest.update(b"".join(spool.archive(form)))
    return digest.hexdigest()
