"""What came of all mutants, for people."""

from __future__ import annotations

from collections.abc import Mapping

from craton.testing import CLAUSES
from tests.mutants.judgement import Judgement
from tests.mutants.registry import Mutant

Judged = Mapping[Mutant, Judgement]


def table(judged: Judged, whole: bool = True) -> str:
    """Return a line for each mutant, one for each clause, and the clauses that killed nothing."""
    width = max(len(mutant.name) for mutant in judged)
    lines = [
        f"{mutant.name:<{width}}  {_marked(mutant, found)}" for mutant, found in judged.items()
    ]
    killed = {
        clause: [mutant.name for mutant, found in judged.items() if clause in found.broken]
        for clause in CLAUSES
    }
    lines.append("")
    lines += [
        f"{clause:<11} {len(names):>3}  {', '.join(names)}"
        for clause, names in killed.items()
        if names
    ]
    idle = [clause for clause, names in killed.items() if not names]
    if whole and idle:
        lines.append(f"killed nothing: {', '.join(idle)}")
    return "\n".join(lines)


def failures(judged: Judged) -> list[str]:
    """Return a line for each mutant that a clause should have killed and did not."""
    lines = []
    for mutant, found in judged.items():
        missing = [clause for clause in mutant.clauses if clause not in found.broken]
        if not found.tests:
            lines.append(f"{mutant.name} keeps the kit from its end: {mutant.fault}")
        elif not found.broken:
            lines.append(f"{mutant.name} survives {found.tests} tests: {mutant.fault}")
        elif missing:
            lines.append(f"{mutant.name} is not killed by {', '.join(missing)}: {mutant.fault}")
    return lines


def _marked(mutant: Mutant, found: Judgement) -> str:
    # What was expected stands first.
    expected = [clause for clause in found.broken if clause in mutant.clauses]
    others = [clause for clause in found.broken if clause not in mutant.clauses]
    also = f" (also {', '.join(others)})" if others else ""
    return f"{', '.join(expected) or 'SURVIVES'}{also}"
