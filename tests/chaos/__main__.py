"""``python -m tests.chaos``: what befalls runs when conductors and Redis do, as figures."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from craton import config
from craton.secrets import load_secret_store
from tests.chaos import scenarios
from tests.faults.scenarios import Figure
from tests.functional.runs.carrying.conductors import House
from tests.services import redis

SCENARIOS: dict[str, Callable[[House], list[Figure]]] = {
    "a conductor is killed": scenarios.kill,
    "a conductor is told to end": scenarios.terminate,
    "a run is cancelled": scenarios.cancel,
    "Redis is restarted": scenarios.restart_redis,
    "somebody follows a run of 100 hosts": scenarios.follow,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--only", default="", help="a word in the names of what is to be done")
    arguments = parser.parse_args()
    sound = True
    for name, scenario in SCENARIOS.items():
        if arguments.only in name:
            print(name, flush=True)
            with _house() as house:
                sound &= _show(scenario(house))
    return 0 if sound else 1


@contextmanager
def _house() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="craton-chaos-") as place:
        directory = Path(place)
        (directory / "state").mkdir()
        secrets = load_secret_store(config.settings(files=[], state_path=str(directory / "state")))
        secrets.prepare()
        secrets.start()
        with redis.started(directory / "redis", ["--appendonly", "yes"]) as server:
            house = House(directory, server, secrets)
            try:
                yield house
            finally:
                house.close()


def _show(figures: list[Figure]) -> bool:
    for figure in figures:
        aim = "" if figure.most is None else f"at most {figure.most:g}"
        verdict = "" if figure.reached else "NOT REACHED"
        print(f"  {figure.name:<60} {figure.value:>8.2f}   {aim:<12} {verdict}".rstrip())
    sys.stdout.flush()
    return all(figure.reached for figure in figures)


if __name__ == "__main__":
    sys.exit(main())
