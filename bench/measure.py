"""How long something takes, side by side with its floor."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Timed = Callable[[], object]


def seconds(action: Timed) -> float:
    """Return how long one call takes, without the collector of garbage in between."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        action()
        return time.perf_counter() - start
    finally:
        gc.enable()


def best_of(repeat: int, *actions: Timed) -> list[float]:
    """Return the shortest time of each action; they take turns, so that all see one machine."""
    times = [[seconds(action) for action in actions] for _ in range(repeat)]
    return [min(column) for column in zip(*times, strict=True)]


def medians(rounds: int, size: int, *actions: Timed) -> list[float]:
    """Return the median time of each short action.

    Args:
        rounds: How often the actions take turns.
        size: How many calls one after the other make a turn; the first of them does not count.
        actions: What to call.
    """
    times: list[list[float]] = [[] for _ in actions]
    clock = time.perf_counter
    for _ in range(rounds):
        for action, found in zip(actions, times, strict=True):
            action()
            for _ in range(size):
                start = clock()
                action()
                found.append(clock() - start)
    return [statistics.median(found) for found in times]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """A line of the table.

    Attributes:
        what: What was done.
        floor: Seconds that the floor took; ``None`` for a line that only informs.
        craton: Seconds that Craton took.
        aim: The largest ratio that is good enough; ``None`` for a line that only informs.
        note: What else a reader should know.
    """

    what: str
    craton: float
    floor: float | None = None
    aim: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return None if self.floor is None else self.craton / self.floor

    @property
    def reached(self) -> bool | None:
        if self.aim is None or self.ratio is None:
            return None
        return self.ratio <= self.aim


@dataclass(frozen=True, kw_only=True)
class Growth:
    """A line about memory.

    Attributes:
        what: What the server made.
        hosts: Of a region with so many hosts.
        before: The memory of the server's processes before, in MiB.
        peak: The most that they had meanwhile, in MiB.
        aim: By how much it may grow at most, in MiB.
    """

    what: str
    hosts: int
    before: float
    peak: float
    aim: float

    @property
    def growth(self) -> float:
        return self.peak - self.before

    @property
    def reached(self) -> bool:
        return self.growth < self.aim


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that was measured."""

    timings: Sequence[Timing]
    growths: Sequence[Growth]
