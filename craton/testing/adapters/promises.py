"""Which clause a test of an adapter is about, and how it ended."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast

from craton.testing.adapters.harness import AdapterHarness, NotExercised
from craton.testing.clauses import ADAPTER_CLAUSES, check_known
from craton.testing.promises import ATTRIBUTE, Promise, Recording, Verdict, judge

P = ParamSpec("P")
S = TypeVar("S", bound="UnderTest")


class UnderTest(Recording, Protocol):
    """What a test finds on itself."""

    harness_in_use: AdapterHarness


def clause(
    name: str,
) -> Callable[[Callable[Concatenate[S, P], None]], Callable[Concatenate[S, P], None]]:
    """Declare which clause a test is about.

    Raises:
        UnknownClause: The contract has no such clause for adapters.
    """
    check_known([name], ADAPTER_CLAUSES)

    def decorate(test: Callable[Concatenate[S, P], None]) -> Callable[Concatenate[S, P], None]:
        @functools.wraps(test)
        def run(self: S, *args: P.args, **keywords: P.kwargs) -> None:
            body = functools.partial(test, self, *args, **keywords)
            waivers = self.harness_in_use.waivers
            judge(name, waivers, self, functools.partial(_run, self, body))

        setattr(run, ATTRIBUTE, Promise(clause=name))
        return cast("Callable[Concatenate[S, P], None]", run)

    return decorate


def _run(test: UnderTest, body: Callable[[], None]) -> None:
    test.record(Verdict.BROKEN)
    try:
        body()
    except NotExercised as error:
        test.record(Verdict.NOT_EXERCISED, str(error))
    else:
        test.record(Verdict.KEPT)
