"""``python -m tests.faults``: what a cluster's faults do to clients, as a table of figures."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.faults import full, scenarios, service
from tests.faults.scenarios import Figure
from tests.faults.service import Service


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of each load; default 60")
    parser.add_argument("--turns", type=int, default=1000, help="of each race; default 1000")
    parser.add_argument("--only", default="", help="a word in the names of what is to be done")
    arguments = parser.parse_args()
    chosen = [
        (name, scenario)
        for name, scenario in _scenarios(arguments.seconds, arguments.turns)
        if arguments.only in name
    ]
    sound = True
    with tempfile.TemporaryDirectory() as directory:
        for number, (name, scenario) in enumerate(chosen):
            print(name, flush=True)
            with service.started(Path(directory) / str(number)) as place:
                sound &= _show(scenario(place))
    if arguments.only in full.NAME:
        print(full.NAME, flush=True)
        with tempfile.TemporaryDirectory() as directory:
            sound &= _show(full.figures(Path(directory)))
    return 0 if sound else 1


def _scenarios(seconds: float, turns: int) -> list[tuple[str, Callable[[Service], list[Figure]]]]:
    return [
        (
            "3 API servers, 3 nodes, 16 clients, 10 hosts",
            lambda s: scenarios.hot_hosts(s, seconds),
        ),
        (
            "kill -9 of a node every 10 seconds",
            lambda s: scenarios.with_disturbance(s, scenarios.killing(s, 10), seconds),
        ),
        (
            "a node stopped and continued every 10 seconds",
            lambda s: scenarios.with_disturbance(s, scenarios.pausing(s, 10), seconds),
        ),
        (
            "all nodes killed and started again",
            lambda s: scenarios.with_disturbance(s, scenarios.restarting(s, 10), seconds / 2),
        ),
        ("opposing edges from two nodes", lambda s: scenarios.opposing_edges(s, turns)),
        ("equal names from two nodes", lambda s: scenarios.equal_names(s, turns)),
        ("ordinary writes on two nodes", lambda s: scenarios.ordinary_writes(s, turns)),
        ("written on one node, read on another", lambda s: scenarios.stale_reads(s, 10 * turns)),
    ]


def _show(figures: list[Figure]) -> bool:
    """Print figures; tell whether none of them is a defect."""
    for figure in figures:
        aim = "" if figure.most is None else f"at most {figure.most:g}"
        verdict = "" if figure.reached else "NOT REACHED"
        print(f"  {figure.name:<66} {figure.value:>10.4g}   {aim:<12} {verdict}".rstrip())
    sys.stdout.flush()
    return all(figure.reached or not figure.binding for figure in figures)


if __name__ == "__main__":
    sys.exit(main())
