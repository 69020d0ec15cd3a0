"""The catalogue of clauses is the contract's, and every clause has a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from craton.testing import CLAUSES, DriverSuite, UnknownClause, clause
from craton.testing.adapters import ADAPTER_CLAUSES, AdapterSuite
from craton.testing.adapters.promises import clause as adapter_clause
from craton.testing.clauses import check_known, chosen
from craton.testing.promises import clauses_of, promise_of

CONTRACT = Path(__file__).parents[3] / "docs" / "contract.rst"


def test_the_catalogue_is_the_one_of_the_contract() -> None:
    written = re.findall(r"^([A-Z]+-\d+)$", CONTRACT.read_text(encoding="utf-8"), re.MULTILINE)
    assert [*CLAUSES, *ADAPTER_CLAUSES] == written


def test_every_clause_has_a_test() -> None:
    assert clauses_of(DriverSuite).keys() == CLAUSES.keys()
    assert clauses_of(AdapterSuite).keys() == ADAPTER_CLAUSES.keys()


@pytest.mark.parametrize(
    ("suite", "name"),
    [
        (suite, name)
        for suite in (DriverSuite, AdapterSuite)
        for name in dir(suite)
        if name.startswith("test_")
    ],
)
def test_the_name_of_a_test_cites_its_clause(suite: type, name: str) -> None:
    promise = promise_of(getattr(suite, name))
    assert promise is not None
    assert name.startswith(f"test_{promise.clause.lower().replace('-', '_')}_")


@pytest.mark.parametrize(
    ("clause_", "near"),
    [("PAGE-44", "PAGE-4"), ("page-4", "PAGE-4"), ("SNAPSHOTS-1", "SNAPSHOT-1")],
)
def test_an_unknown_clause_is_an_error_that_names_near_ones(clause_: str, near: str) -> None:
    with pytest.raises(UnknownClause, match=near):
        check_known(["GET-1", clause_])
    with pytest.raises(UnknownClause, match=near):
        clause(clause_)


def test_a_clause_for_adapters_is_none_for_drivers() -> None:
    with pytest.raises(UnknownClause):
        check_known(["ADAPTER-1"])
    with pytest.raises(UnknownClause):
        adapter_clause("GET-1")
    assert chosen("ADAPTER-3,GET") == {"ADAPTER-3", "GET-1", "GET-2", "GET-3"}


def test_a_clause_like_no_other_sends_to_the_list() -> None:
    with pytest.raises(UnknownClause, match=r"docs/contract\.rst"):
        check_known(["QQQQ"])
