"""Every clause of the kit bites: drivers with a planted fault are broken where they should be."""

from __future__ import annotations

import pytest

from craton.backends.memory.driver import MemoryDriver
from craton.driver import InventoryDriver
from craton.testing import CLAUSES
from tests.mutants import faults  # noqa: F401
from tests.mutants.judgement import QUICK, broken_clauses
from tests.mutants.registry import MUTANTS
from tests.mutants.remote import RemoteDriver


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_killed_by_the_clauses_that_should(name: str) -> None:
    mutant = MUTANTS[name]
    arguments = ("-x",) if len(mutant.clauses) == 1 else ()
    broken = broken_clauses(mutant.driver, mutant.clauses, *arguments).broken
    assert set(broken) == set(mutant.clauses), mutant.fault


@pytest.mark.parametrize("driver", [MemoryDriver, RemoteDriver])
def test_without_a_fault_nothing_is_broken(driver: type[InventoryDriver]) -> None:
    found = broken_clauses(driver, QUICK)
    assert found.broken == ()
    assert found.tests > len(QUICK)


def test_every_clause_has_a_mutant() -> None:
    assert {clause for mutant in MUTANTS.values() for clause in mutant.clauses} == CLAUSES.keys()
