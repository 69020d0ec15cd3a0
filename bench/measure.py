"""How long something takes, side by side with its floor."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Action = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What something costs.

    Attributes:
        wall: The seconds that pass.
        cpu: The seconds that processors work for it, which others on the machine change less.
    """

    wall: float
    cpu: float


@dataclass(frozen=True, kw_only=True)
class Work:
    """Something to measure.

    Attributes:
        action: Does it.
        cpu_clock: Tells how much processor time was spent where it is done.
    """

    action: Action
    cpu_clock: Callable[[], float] = time.process_time


def cost(work: Work) -> Cost:
    """Return what one call costs, without the collector of garbage in between."""
    gc.collect()
    gc.disable()
    try:
        cpu, wall = work.cpu_clock(), time.perf_counter()
        work.action()
        return Cost(wall=time.perf_counter() - wall, cpu=work.cpu_clock() - cpu)
    finally:
        gc.enable()


def best_of(repeat: int, *works: Work) -> list[Cost]:
    """Return the least cost of each work; they take turns, so that all see one machine."""
    costs = [[cost(work) for work in works] for _ in range(repeat)]
    return [
        Cost(wall=min(cost.wall for cost in column), cpu=min(cost.cpu for cost in column))
        for column in zip(*costs, strict=True)
    ]


def medians(rounds: int, size: int, *actions: Action) -> list[float]:
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
        cpu_ratio: The same by processor time, where it is known.
        note: What else a reader should know.
    """

    what: str
    craton: float
    floor: float | None = None
    aim: float | None = None
    cpu_ratio: float | None = None
    note: str = ""

    @classmethod
    def of(cls, what: str, floor: Cost, craton: Cost, aim: float, note: str = "") -> Timing:
        """Make the line of two costs."""
        return cls(
            what=what,
            floor=floor.wall,
            craton=craton.wall,
            aim=aim,
            cpu_ratio=craton.cpu / floor.cpu if floor.cpu else None,
            note=note,
        )

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
    """All that was measured.

    Attributes:
        timings: About time.
        growths: About memory.
        load: How many others wanted each processor when the run began.
    """

    timings: Sequence[Timing]
    growths: Sequence[Growth]
    load: float = 0.0
