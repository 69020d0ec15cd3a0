"""What comes out of a server is what went into the reference driver, before Ansible, too."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from craton.driver import Create
from craton.models import INVENTORY_KINDS
from tests import backends
from tests.oracle.judgement import judge
from tests.oracle.oracle import Oracle
from tests.oracle.regions import random_fleet

pytestmark = pytest.mark.service


@pytest.mark.parametrize("name", ["mariadb", "mongo"])
@pytest.mark.parametrize("seed", range(6))
def test_a_random_region_comes_out_of_a_server(
    name: str, seed: int, oracle: Oracle, tmp_path: Path
) -> None:
    fleet = random_fleet(seed)
    with backends.opened(name, tmp_path / "state") as driver:
        driver.apply(
            Create(entity=entity, verbatim=True)
            for kind in INVENTORY_KINDS
            for entity in fleet.driver.scan(kind)
        )
        place = tmp_path / "bundles"
        place.mkdir()
        judge(dataclasses.replace(fleet, driver=driver), oracle, place)
