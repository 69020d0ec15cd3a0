"""The kit for adapters: a sound adapter keeps every clause, and each planted fault breaks one."""

from __future__ import annotations

import pytest

from craton.testing import Verdict
from craton.testing.adapters import ADAPTER_CLAUSES, AdapterHarness, AdapterSuite
from craton.testing.adapters.runner import run
from tests.mutants.adapters import faults  # noqa: F401
from tests.mutants.adapters.harness import PlainHarness, ReferenceHarness
from tests.mutants.adapters.reference import WritingAdapter
from tests.mutants.adapters.registry import MUTANTS, broken_clauses


class TestReference(AdapterSuite):
    """The adapter that all faults are planted into is right."""

    @pytest.fixture
    def harness(self) -> AdapterHarness:
        return ReferenceHarness()


@pytest.mark.parametrize("name", MUTANTS)
def test_a_faulty_adapter_is_killed_by_the_clauses_that_should(name: str) -> None:
    mutant = MUTANTS[name]
    assert broken_clauses(mutant.adapter, *mutant.clauses) == set(mutant.clauses), mutant.fault


def test_every_clause_kills_a_faulty_adapter() -> None:
    killing = {clause for mutant in MUTANTS.values() for clause in mutant.clauses}
    assert killing == ADAPTER_CLAUSES.keys()


def test_an_adapter_that_writes_is_asked_to_and_every_test_is_exercised() -> None:
    results = run(ReferenceHarness(WritingAdapter))
    assert {result.verdict for result in results} == {Verdict.KEPT}
    assert {result.clause for result in results} == ADAPTER_CLAUSES.keys()


def test_what_a_harness_cannot_do_is_not_exercised_and_said() -> None:
    results = run(PlainHarness())
    unseen = [found for found in results if found.verdict is Verdict.NOT_EXERCISED]
    assert {found.clause for found in unseen} == {
        *("ADAPTER-1", "ADAPTER-2", "ADAPTER-8", "ADAPTER-10", "ADAPTER-11", "ADAPTER-12"),
        *("ADAPTER-13", "ADAPTER-16"),
    }
    assert all(found.reason for found in unseen)
    assert {found.verdict for found in results} == {Verdict.KEPT, Verdict.NOT_EXERCISED}
