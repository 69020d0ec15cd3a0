"""The table that a run prints, and the same as a document for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bench.fleet import Fleet
from bench.measure import Growth, Results, Timing

_TIMES = "×"  # noqa: RUF001

_HEAD = ("what", "floor", "Craton", "ratio", "aim", "reached", "CPU ratio", "note")
_MEMORY_HEAD = ("memory of the server", "before", "peak", "growth", "aim", "reached", "note")


def table(fleet: Fleet, results: Results) -> str:
    """Return the results as text, for a fixed-width screen."""
    title = (
        f"{fleet.hosts:,} hosts {_TIMES} {fleet.variables} variables in {fleet.groups} groups, "
        f"SQLite; floors from the same run; load at the start {results.load:.1f} a processor"
    )
    parts = [title]
    if results.timings:
        parts.append(_aligned([_HEAD, *(_timing_row(timing) for timing in results.timings)]))
    if results.growths:
        parts.append(_aligned([_MEMORY_HEAD, *(_growth_row(growth) for growth in results.growths)]))
    return "\n\n".join(parts)


def line(result: Timing | Growth) -> str:
    """Return one result as text, for those who cannot wait for the table."""
    row = _timing_row(result) if isinstance(result, Timing) else _growth_row(result)
    return "  ".join(cell for cell in row if cell)


def document(fleet: Fleet, results: Results) -> str:
    """Return the results as JSON."""
    timings = [
        {**asdict(timing), "ratio": timing.ratio, "reached": timing.reached}
        for timing in results.timings
    ]
    growths = [
        {**asdict(growth), "growth": growth.growth, "reached": growth.reached}
        for growth in results.growths
    ]
    lines = {"timings": timings, "memory": growths}
    whole: dict[str, Any] = {"fleet": asdict(fleet), **lines, "load": results.load}
    return json.dumps(whole, indent=2)


def _timing_row(timing: Timing) -> tuple[str, ...]:
    return (
        timing.what,
        "" if timing.floor is None else _seconds(timing.floor),
        _seconds(timing.craton),
        "" if timing.ratio is None else f"{timing.ratio:.2f}{_TIMES}",
        "" if timing.aim is None else f"≤ {timing.aim:g}{_TIMES}",
        _yes_or_no(timing.reached),
        "" if timing.cpu_ratio is None else f"{timing.cpu_ratio:.2f}{_TIMES}",
        timing.note,
    )


def _growth_row(growth: Growth) -> tuple[str, ...]:
    return (
        growth.what,
        f"{growth.before:.0f} MiB",
        f"{growth.peak:.0f} MiB",
        f"{growth.growth:.0f} MiB",
        f"< {growth.aim:g} MiB",
        _yes_or_no(growth.reached),
        f"{growth.hosts:,} hosts",
    )


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1000:.2f} ms"


def _yes_or_no(reached: bool | None) -> str:
    return {True: "yes", False: "no", None: ""}[reached]


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first, *rest = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1])]
        cells += [text.rjust(width) for text, width in rest[:-1]]
        lines.append("  ".join([*cells, rest[-1][0]]).rstrip())
    return "\n".join(lines)
