"""What became of each clause, from the properties that tests leave in pytest's reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import pytest

from craton.testing.promises import Verdict

#: The names of the properties; they stand in a JUnit file, too.
CLAUSE: Final = "clause"
VERDICT: Final = "verdict"
REASON: Final = "reason"
SUITE: Final = "suite"
WAIVER: Final = "waiver"
TESTS: Final = "tests of the clause"

#: The verdict on a clause is the first of these that one of its tests has.
_WEIGHT: Final = (
    Verdict.BROKEN,
    Verdict.WAIVED,
    Verdict.KEPT,
    Verdict.REFUSED,
    Verdict.NOT_EXERCISED,
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one test ended.

    Attributes:
        suite: The class that the test belongs to.
        test: Its name, parameters included.
        clause: The clause that it is about.
        verdict: How it ended.
        reason: Why it was refused, waived or not exercised.
        waiver: The reason of the clause's waiver, if there is one.
        tests: How many tests of the clause the suite has, parameters apart.
        seconds: How long it took.
        detail: What pytest says about a failure.
    """

    suite: str
    test: str
    clause: str
    verdict: Verdict
    reason: str = ""
    waiver: str = ""
    tests: int = 1
    seconds: float = 0.0
    detail: str = ""


def result_of(report: pytest.TestReport) -> Result | None:
    """Return what a report says about a clause; ``None`` for reports that are about none."""
    facts = dict(report.user_properties)
    if CLAUSE not in facts or (report.when != "call" and not report.failed):
        return None
    verdict = Verdict.BROKEN if report.failed else Verdict(facts.get(VERDICT, Verdict.BROKEN.value))
    return Result(
        suite=str(facts[SUITE]),
        test=_name(report),
        clause=str(facts[CLAUSE]),
        verdict=verdict,
        reason=str(facts.get(REASON, "")),
        waiver=str(facts.get(WAIVER, "")),
        tests=int(str(facts[TESTS])),
        seconds=round(report.duration, 3),
        detail=report.longreprtext if report.failed else "",
    )


def verdict_on(results: Iterable[Result]) -> Verdict:
    """Return the verdict on a clause, from the results of its tests."""
    found = {result.verdict for result in results}
    if found == {Verdict.KEPT, Verdict.NOT_EXERCISED}:
        return Verdict.KEPT_IN_PART
    return next((verdict for verdict in _WEIGHT if verdict in found), Verdict.NOT_EXERCISED)


def unneeded_waivers(results: Sequence[Result]) -> dict[tuple[str, str], str]:
    """Return the reasons of the waivers without which nothing would have failed.

    Only clauses count of which all tests ran.

    Returns:
        The reasons by suite and clause.
    """
    waived: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if result.waiver:
            waived.setdefault((result.suite, result.clause), []).append(result)
    return {
        place: found[0].waiver
        for place, found in waived.items()
        if len({result.test.partition("[")[0] for result in found}) == found[0].tests
        and not {Verdict.WAIVED, Verdict.BROKEN} & {result.verdict for result in found}
    }


def _name(report: pytest.TestReport) -> str:
    # A parameter may hold two colons.
    before, bracket, parameters = report.nodeid.partition("[")
    return before.rpartition("::")[2] + bracket + parameters
