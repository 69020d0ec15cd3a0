"""Regions that each hold one trap; the long names of the tests say which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.oracle.judgement import judge
from tests.oracle.oracle import Oracle
from tests.oracle.regions import Fleet
from tests.oracle.traps import TRAPS


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.__name__)
def test_ansible_says_what_craton_says_of(
    trap: Callable[[], Fleet], oracle: Oracle, tmp_path: Path
) -> None:
    judge(trap(), oracle, tmp_path)
