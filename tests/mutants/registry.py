"""The mutants by name: the fault in one sentence, and the clauses that must kill it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from craton.backends.memory.driver import MemoryDriver
from craton.backends.memory.state import State
from craton.driver import InventoryDriver
from craton.testing.clauses import check_known

T = TypeVar("T", bound=type[State] | type[InventoryDriver])


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A driver with a fault.

    Attributes:
        name: What ``--only`` takes.
        fault: What it does wrong.
        clauses: Each of them must be broken by it; others may be, too.
        driver: The faulty class.
    """

    name: str
    fault: str
    clauses: tuple[str, ...]
    driver: type[InventoryDriver]


#: Every mutant, in the order of declaration.
MUTANTS: dict[str, Mutant] = {}


class FaultyState(State):
    """Base of the faults that lie in what a write does to the state."""

    def copy(self) -> State:
        other = super().copy()
        other.__class__ = type(self)
        return other


def fault(sentence: str, *clauses: str) -> Callable[[T], T]:
    """Declare a class as a mutant: a driver, or a state for the memory driver to work on.

    Raises:
        UnknownClause: The contract has no such clause.
    """
    check_known(clauses)

    def declare(cls: T) -> T:
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        assert name not in MUTANTS
        driver = _driver_on(cls) if issubclass(cls, State) else cls
        MUTANTS[name] = Mutant(name=name, fault=sentence, clauses=clauses, driver=driver)
        return cls

    return declare


def _driver_on(state: type[State]) -> type[InventoryDriver]:
    class OnFaultyState(MemoryDriver):
        def __init__(self, settings: object) -> None:
            super().__init__(settings)  # type: ignore[arg-type]
            self.state = state()

    return OnFaultyState
