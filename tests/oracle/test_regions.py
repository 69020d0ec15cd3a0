"""What Craton says of a region's variables is what ansible-inventory says, byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle.judgement import judge
from tests.oracle.oracle import Oracle
from tests.oracle.regions import random_fleet, random_fleet_with_more

CHUNK = 20


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 320, CHUNK))
def test_ansible_says_of_random_regions_what_craton_says(
    first: int, oracle: Oracle, tmp_path: Path
) -> None:
    for seed in range(first, first + CHUNK):
        judge(random_fleet(seed), oracle, tmp_path / str(seed))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1080, CHUNK))
def test_ansible_says_so_with_references_and_secrets(
    first: int, oracle: Oracle, tmp_path: Path
) -> None:
    for seed in range(first, first + CHUNK):
        judge(random_fleet_with_more(seed), oracle, tmp_path / str(seed))
