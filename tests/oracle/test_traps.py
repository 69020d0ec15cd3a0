"""Regions that each hold one trap; the long names of the tests say which."""

import pytest

from tests.oracle.judgement import judge
from tests.oracle.traps import TRAPS


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.__name__)
def test_ansible_says_what_craton_says_of(trap, oracle, tmp_path):
    judge(trap(), oracle, tmp_path)
