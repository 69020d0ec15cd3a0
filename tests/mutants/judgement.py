"""Runs the kit against one driver class and tells which clauses it breaks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import Phase, settings

from craton.driver import InventoryDriver
from craton.testing import CLAUSES, Verdict
from craton.testing.runner import run
from craton.testing.suite import model
from tests.mutants.harness import DriverHarness
from tests.mutants.registry import Mutant

#: Clauses that take longer than all others together; asked when nothing else has killed a mutant.
SLOW = ("MODEL-1", "MODEL-2")
QUICK = tuple(name for name in CLAUSES if name not in SLOW)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the kit says of a mutant.

    Attributes:
        broken: The clauses that are broken, in the order of the contract.
        tests: How many tests ran.
    """

    broken: tuple[str, ...]
    tests: int


def judge(mutant: Mutant) -> Judgement:
    """Run the kit against a mutant, the slow clauses last and only if they are needed."""
    found = broken_clauses(mutant.driver, QUICK)
    if not found.broken or set(mutant.clauses) & set(SLOW):
        slow = broken_clauses(mutant.driver, SLOW)
        return Judgement(broken=(*found.broken, *slow.broken), tests=found.tests + slow.tests)
    return found


def broken_clauses(
    driver: type[InventoryDriver], clauses: Iterable[str], *arguments: str
) -> Judgement:
    """Run the tests of some clauses against a driver class; ``arguments`` are more for pytest."""
    # By their names, which cite the clause: faster than to collect all and leave most of them.
    names = " ".join(f"test_{clause.lower().replace('-', '_')}_*" for clause in clauses)
    with pytest.MonkeyPatch.context() as patch:
        # That it fails is all that is asked; a short example is for those who mend it.
        phases = [Phase.explicit, Phase.generate]
        patch.setattr(model, "_SETTINGS", settings(parent=model._SETTINGS, phases=phases))
        results = run(DriverHarness(driver), "-o", f"python_functions={names}", *arguments)
    broken = {result.clause for result in results if result.verdict is Verdict.BROKEN}
    return Judgement(broken=tuple(c for c in CLAUSES if c in broken), tests=len(results))
