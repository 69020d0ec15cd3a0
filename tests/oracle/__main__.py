"""``python -m tests.oracle --regions N``: N random regions before Ansible."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.oracle.judgement import judge
from tests.oracle.oracle import Oracle
from tests.oracle.regions import random_fleet


def main() -> int:
    arguments = read_arguments()
    seeds = range(arguments.seed, arguments.seed + arguments.regions)
    start = time.monotonic()
    failed = []
    with multiprocessing.Pool(arguments.processes, initializer=start_oracle) as pool:
        for done, (seed, failure) in enumerate(pool.imap_unordered(try_seed, seeds), 1):
            if failure:
                failed.append(seed)
                print(f"{failure}\nagain: python -m tests.oracle --regions 1 --seed {seed}\n")
            if done % 100 == 0 or done == len(seeds):
                rate = done / (time.monotonic() - start)
                print(f"{done} of {len(seeds)} regions, {len(failed)} failed, {rate:.1f}/s")
                sys.stdout.flush()
    return 1 if failed else 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--regions", type=int, default=100, help="how many; default 100")
    parser.add_argument("--seed", type=int, default=0, help="the first seed; default 0")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="how many at once")
    return parser.parse_args()


#: What each process of the pool has for itself.
oracle: Oracle
directory: tempfile.TemporaryDirectory[str]


def start_oracle() -> None:
    global oracle, directory
    directory = tempfile.TemporaryDirectory()
    oracle = Oracle(Path(directory.name, "home"))


def try_seed(seed: int) -> tuple[int, str | None]:
    try:
        with tempfile.TemporaryDirectory(dir=directory.name) as place:
            judge(random_fleet(seed), oracle, Path(place))
    except Exception as error:
        return seed, f"seed {seed}: {type(error).__name__}: {error}"
    return seed, None


if __name__ == "__main__":
    sys.exit(main())
