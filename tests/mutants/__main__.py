"""``python -m tests.mutants``: the kit against every mutant, and which clause kills which."""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

from tests.mutants import faults  # noqa: F401
from tests.mutants.judgement import Judgement, judge
from tests.mutants.registry import MUTANTS, Mutant
from tests.mutants.table import failures, table

#: Seconds after which a mutant that keeps the kit waiting is given up, and counts as a survivor.
PATIENCE = 60


def main() -> int:
    arguments = _arguments()
    mutants = [MUTANTS[name] for name in arguments.only or MUTANTS]
    start = time.monotonic()
    # What is loaded by now is never garbage, and the kit collects garbage again and again.
    gc.freeze()
    with ThreadPoolExecutor(arguments.processes) as pool:
        judged = dict(zip(mutants, pool.map(_judged_apart, mutants), strict=True))
    print(table(judged, whole=not arguments.only))
    found = failures(judged)
    print("\n".join(found))
    print(
        f"{len(judged)} mutants in {time.monotonic() - start:.0f} s, {len(found)} not as expected"
    )
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", metavar="NAME", action="append", choices=MUTANTS, help="these")
    parser.add_argument("--processes", type=int, default=2, help="how many at once; default 2")
    return parser.parse_args()


def _judged_apart(mutant: Mutant) -> Judgement:
    """Judge in another process, which takes along whatever the mutant leaves behind."""
    here, there = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_work, args=(mutant, there))
    child.start()
    there.close()
    try:
        if here.poll(PATIENCE):
            found: Judgement = here.recv()
            return found
    except EOFError:
        pass
    finally:
        child.kill()
        child.join()
    return Judgement(broken=(), tests=0)


def _work(mutant: Mutant, answer: Connection) -> None:
    start = time.monotonic()
    found = judge(mutant)
    seconds = time.monotonic() - start
    print(f"{mutant.name}: {len(found.broken)} clauses, {seconds:.1f} s", file=sys.stderr)
    answer.send(found)


if __name__ == "__main__":
    sys.exit(main())
