"""What a test needs of the driver, and what must happen when the driver does not claim it.

A test runs in both directions. Where the driver claims what the test needs, the test must pass.
Where it does not, the same test must end in ``Unsupported``, naming what is missing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar, cast

import pytest

from craton.capabilities import Capabilities, Capability
from craton.driver import InventoryDriver
from craton.errors import ReadOnly, Unsupported
from craton.models import Entity
from craton.testing.clauses import check_known
from craton.testing.harness import Harness

P = ParamSpec("P")
S = TypeVar("S", bound="UnderTest")

#: Where a test keeps its :class:`Promise`.
ATTRIBUTE: Final = "craton_promise"


class Verdict(Enum):
    """How a test ended, or all tests of a clause together."""

    KEPT = "kept"
    REFUSED = "refused as not claimed"
    NOT_EXERCISED = "not exercised"
    KEPT_IN_PART = "kept where exercised"
    WAIVED = "waived"
    BROKEN = "broken"


class Recording(Protocol):
    """What notes how a test ended."""

    def record(self, verdict: Verdict, reason: str = "") -> None:
        """Note how the test ended."""


class UnderTest(Recording, Protocol):
    """What a test finds on itself."""

    harness_in_use: Harness
    driver_in_use: InventoryDriver


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A clause, and what a test of it needs.

    Attributes:
        clause: The name of the clause.
        needs: The capabilities that the test uses.
        writes: The kinds that it writes, by the driver.
        outage: Whether the store must go away in it.
    """

    clause: str
    needs: frozenset[Capability] = frozenset()
    writes: tuple[type[Entity], ...] = ()
    outage: bool = False

    def missing(self, capabilities: Capabilities) -> frozenset[str]:
        """Return what the driver does not claim, in the words of ``Unsupported``."""
        found = {capability.value for capability in self.needs if capability not in capabilities}
        if self.writes and Capability.WRITE not in capabilities:
            found.add(Capability.WRITE.value)
        elif self.writes:
            unwritable = [kind for kind in self.writes if kind not in capabilities.writable]
            found.update(f"{Capability.WRITE.value}:{kind.kind}" for kind in unwritable)
        return frozenset(found)

    def amended(self, capabilities: Capabilities) -> frozenset[str]:
        """Return what is missing of kinds that the driver lets be changed in part."""
        amendable = [kind for kind in self.writes if kind in capabilities.amendable]
        return frozenset(f"{Capability.WRITE.value}:{kind.kind}" for kind in amendable)


def clause(
    name: str,
    *needs: Capability,
    writes: Sequence[type[Entity]] = (),
    outage: bool = False,
) -> Callable[[Callable[Concatenate[S, P], None]], Callable[Concatenate[S, P], None]]:
    """Declare which clause a test is about, and what it needs of the driver.

    The test must use all of it, whatever its parameters, so that it ends in ``Unsupported`` where
    any is missing.

    Raises:
        UnknownClause: The contract has no such clause.
    """
    check_known([name])
    promise = Promise(clause=name, needs=frozenset(needs), writes=tuple(writes), outage=outage)

    def decorate(test: Callable[Concatenate[S, P], None]) -> Callable[Concatenate[S, P], None]:
        @functools.wraps(test)
        def run(self: S, *args: P.args, **keywords: P.kwargs) -> None:
            body = functools.partial(test, self, *args, **keywords)
            waivers = self.harness_in_use.waivers
            judge(name, waivers, self, functools.partial(_run, promise, self, body))

        setattr(run, ATTRIBUTE, promise)
        return cast("Callable[Concatenate[S, P], None]", run)

    return decorate


def promise_of(test: Any) -> Promise | None:
    """Return what :func:`clause` declared for a test, if it did."""
    found = getattr(test, ATTRIBUTE, None)
    return found if isinstance(found, Promise) else None


def clauses_of(suite: type) -> dict[str, list[str]]:
    """Return the names of a suite's tests by the name of their clause."""
    found: dict[str, list[str]] = {}
    for name in dir(suite):
        promise = promise_of(getattr(suite, name))
        if promise is not None:
            found.setdefault(promise.clause, []).append(name)
    return found


def judge(name: str, waivers: Mapping[str, str], test: Recording, run: Callable[[], None]) -> None:
    """Run a test; when it fails and its clause is waived, that is its verdict."""
    reason = waivers.get(name)
    if reason is None:
        run()
        return
    try:
        run()
    except (Exception, pytest.fail.Exception):
        test.record(Verdict.WAIVED, reason)
        pytest.xfail(f"{name} is waived: {reason}")


def _run(promise: Promise, test: UnderTest, body: Callable[[], None]) -> None:
    harness, driver = test.harness_in_use, test.driver_in_use
    missing = promise.missing(driver.capabilities)
    test.record(Verdict.BROKEN)
    if missing:
        done = _expect_refusal(missing, promise.amended(driver.capabilities), body)
        if done:
            test.record(Verdict.KEPT)
        else:
            test.record(Verdict.REFUSED, ", ".join(sorted(missing)))
    elif promise.outage and harness.outage() is None:
        test.record(Verdict.NOT_EXERCISED, harness.no_outage)
    else:
        body()
        test.record(Verdict.KEPT)


def _expect_refusal(
    missing: frozenset[str], amended: frozenset[str], body: Callable[[], None]
) -> bool:
    """Run what must be refused; tell whether it was done, where nothing had to be refused.

    Of a kind that is only amendable, it depends on what is changed: either it is another system's,
    and refused, or all of the test must hold.
    """
    wanted = f"the driver does not claim {', '.join(sorted(missing))}, so this must be Unsupported"
    try:
        body()
    except Unsupported as error:
        if error.capability not in missing:
            pytest.fail(f"{wanted}; it is, but for {error.capability}")
    except ReadOnly:
        # Where another system owns a kind, this is the better answer.
        if not any(name.startswith(Capability.WRITE.value) for name in missing):
            raise
    except (Exception, pytest.fail.Exception) as error:
        raise AssertionError(f"{wanted}; it ended in {type(error).__name__}: {error}") from error
    else:
        if missing <= amended:
            return True
        pytest.fail(f"{wanted}; it was done all the same")
    return False
