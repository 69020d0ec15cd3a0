"""Faults of a store, planned: which ones there are, and when they come."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from craton.backends.wrappers.operations import Operation
from craton.errors import BackendFault, Unavailable
from craton.models import Entity


def unavailable() -> Unavailable:
    """Make the error of a store that is away, or has found a deadlock."""
    return Unavailable("a planned fault: the store is away")


def broken() -> BackendFault:
    """Make the error of a store that misbehaves."""
    return BackendFault("a planned fault: the store misbehaves")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with one use of the store.

    Attributes:
        error: Makes the error that is raised; ``None`` for a fault that is nothing but slow.
        seconds: How long nothing happens before.
        rows: How many rows of a stream (or of a page) come before the error. A stream that has
            fewer tears at its end: it never looks whole.
        committed: Whether a write is done, so that its answer alone is lost. Otherwise the error
            comes when the changes are all made, and before they are committed.
    """

    error: Callable[[], Exception] | None = unavailable
    seconds: float = 0.0
    rows: int = 0
    committed: bool = False

    def strike(self) -> None:
        """Raise the error, if there is one."""
        if self.error is not None:
            raise self.error()


class Plan(Protocol):
    """Says which fault comes when. It is asked by many threads at once."""

    def fault(self, operation: Operation, kind: type[Entity] | None) -> Fault | None:
        """Return the fault of the use of the store that begins now.

        Args:
            operation: What is asked for.
            kind: Of which kind of entity; ``None`` where it is several, or none.
        """


class OnCall:
    """One fault, on one call of those that count.

    Args:
        number: The call, counted from 1.
        fault: What happens to it.
        operations: Those that count; by default all.

    Attributes:
        reached: Whether that call has come.
    """

    def __init__(
        self, number: int, fault: Fault, operations: Collection[Operation] = frozenset(Operation)
    ) -> None:
        self.reached = False
        self._left = number
        self._fault = fault
        self._operations = operations
        self._counting = threading.Lock()

    def fault(self, operation: Operation, kind: type[Entity] | None) -> Fault | None:
        """Return the fault if this is the call; see :class:`Plan`."""
        if operation not in self._operations:
            return None
        with self._counting:
            self._left -= 1
            if self._left != 0:
                return None
            self.reached = True
        return self._fault


class Seeded:
    """Faults at random, the same ones for the same seed and the same calls.

    Args:
        seed: Which of the possible plans it is.
        faults: Those that may come, for an operation; an empty one is spared.
        share: How often one comes, between 0 and 1.

    Attributes:
        struck: How many came.
    """

    def __init__(
        self, seed: int, faults: Callable[[Operation], Sequence[Fault]], share: float
    ) -> None:
        self.struck = 0
        self._random = random.Random(seed)
        self._faults = faults
        self._share = share
        self._choosing = threading.Lock()

    def fault(self, operation: Operation, kind: type[Entity] | None) -> Fault | None:
        """Return a fault, or mostly none; see :class:`Plan`."""
        faults = self._faults(operation)
        with self._choosing:
            if not faults or self._random.random() >= self._share:
                return None
            self.struck += 1
            return self._random.choice(faults)
