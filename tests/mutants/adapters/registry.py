"""The faulty adapters by name: the fault in one sentence, and the clauses that must kill it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from craton.testing import Verdict
from craton.testing.adapters.runner import run
from craton.testing.clauses import ADAPTER_CLAUSES, check_known
from tests.mutants.adapters.harness import ReferenceHarness
from tests.mutants.adapters.reference import ReferenceAdapter

A = TypeVar("A", bound=type[ReferenceAdapter])


class Impatient(ReferenceHarness):
    """Does not wait long for an adapter that would never answer."""

    patience = 1.0


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """An adapter with a fault; each of the clauses must be broken by it."""

    fault: str
    clauses: tuple[str, ...]
    adapter: type[ReferenceAdapter]


#: Every mutant, in the order of declaration.
MUTANTS: dict[str, Mutant] = {}


def fault(sentence: str, *clauses: str) -> Callable[[A], A]:
    """Declare a class as a mutant."""
    check_known(clauses, ADAPTER_CLAUSES)

    def declare(cls: A) -> A:
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        assert name not in MUTANTS
        MUTANTS[name] = Mutant(fault=sentence, clauses=clauses, adapter=cls)
        return cls

    return declare


def broken_clauses(adapter: type[ReferenceAdapter], *clauses: str) -> set[str]:
    """Run the tests of some clauses, or of all, against an adapter."""
    names = " ".join(f"test_{clause.lower().replace('-', '_')}_*" for clause in clauses)
    chosen = ("-o", f"python_functions={names}") if clauses else ()
    first = ("-x",) if len(clauses) == 1 else ()
    results = run(Impatient(adapter), *chosen, *first)
    assert results
    return {result.clause for result in results if result.verdict is Verdict.BROKEN}
