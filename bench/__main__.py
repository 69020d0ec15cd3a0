"""Measure Craton and print the table: ``python -m bench``."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from bench import report
from bench.fleet import Fleet
from bench.measure import Growth, Results, Timing
from bench.scenarios import MEMORY, ON_DEMAND, TIMINGS, measure_memory
from bench.stage import prepared, progress

R = TypeVar("R", bound=Timing | Growth)

_SUBJECTS = (*TIMINGS, MEMORY)
_USUAL = tuple(subject for subject in _SUBJECTS if subject not in ON_DEMAND)


def main(argv: Sequence[str] | None = None) -> int:
    """Run and print; return the exit code."""
    options = _options(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        results = run(options.fleet, options.only, options.repeat)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    print(report.table(options.fleet, results))
    if options.json is not None:
        options.json.write_text(report.document(options.fleet, results) + "\n")
    return 0


def run(fleet: Fleet, subjects: Sequence[str], repeat: int) -> Results:
    """Measure.

    Args:
        fleet: What to import.
        subjects: What to measure; see ``--only``.
        repeat: How often.
    """
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    timings: list[Timing] = []
    growths: list[Growth] = []
    with (
        tempfile.TemporaryDirectory(prefix="craton-bench-") as directory,
        prepared(Path(directory), fleet) as stage,
    ):
        for subject, measure in TIMINGS.items():
            if subject in subjects:
                for result in _told(measure(stage, repeat)):
                    if isinstance(result, Timing):
                        timings.append(result)
                    else:
                        growths.append(result)
        if MEMORY in subjects:
            growths += _told(measure_memory(stage))
    return Results(timings=timings, growths=growths, load=load)


def _told(results: Iterator[R]) -> Iterator[R]:
    for result in results:
        progress(report.line(result))
        yield result


def _options(argv: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(
        prog="python -m bench",
        description="Compare Craton with floors that are measured in the same run.",
        allow_abbrev=False,
    )
    parser.add_argument("--hosts", type=_positive, default=100_000, help="default: %(default)s")
    parser.add_argument("--variables", type=_positive, default=20, help="of each host; %(default)s")
    parser.add_argument("--groups", type=_positive, default=200, help="default: %(default)s")
    parser.add_argument("--repeat", type=_positive, default=3, help="how often; %(default)s")
    parser.add_argument(
        "--only",
        type=_subjects,
        default=_USUAL,
        metavar="SUBJECT,…",
        help=f"some of {', '.join(_SUBJECTS)}; by default {', '.join(_USUAL)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    options = parser.parse_args(argv)
    options.fleet = Fleet(hosts=options.hosts, variables=options.variables, groups=options.groups)
    return options


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError("must be at least 1")
    return number


def _subjects(text: str) -> list[str]:
    subjects = text.split(",")
    for subject in subjects:
        if subject not in _SUBJECTS:
            raise ArgumentTypeError(f"{subject!r} is none of {', '.join(_SUBJECTS)}")
    return subjects


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
