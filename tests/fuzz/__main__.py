"""``python -m tests.fuzz --requests N``: N requests, and what came of them.

A tenth is made by schemathesis of the OpenAPI document, a twentieth goes to a real server, the rest
is made by the fuzzer of the project's own. ``--paths N`` asks for N random paths instead.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.fuzz import described, growth, own
from tests.fuzz.exchange import LONGEST
from tests.fuzz.served import served
from tests.fuzz.stage import Stage, opened

#: How many requests are sent before memory is looked at again.
_CHUNK = 2000


class Watch:
    """Tells how far it is, and that memory stays.

    Args:
        what: What is done.
        resident: Tells how much memory the process has, in bytes.
    """

    def __init__(self, what: str, resident: Callable[[], int]) -> None:
        self._what = what
        self._resident = resident
        self._start = time.monotonic()
        self._warm: int | None = None

    def look(self, sent: int) -> None:
        """Look at the memory; the first time it is what later ones are compared with.

        Raises:
            AssertionError: It has grown.
        """
        now = self._resident()
        self._warm = self._warm or now
        rate = sent / (time.monotonic() - self._start)
        grown = (now - self._warm) / 2**20
        print(f"{self._what}: {sent} sent, {rate:.0f}/s, {grown:+.1f} MiB", flush=True)
        assert now - self._warm < growth.ALLOWED, "memory grows"


def main() -> int:
    """Run, and return the exit code."""
    arguments = read_arguments()
    logging.getLogger("craton.audit").disabled = True
    logging.getLogger("craton").setLevel(logging.ERROR)
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="craton-fuzz-") as directory:
        place = Path(directory)
        if arguments.paths:
            with opened("memory", place) as stage:
                visit_paths(stage, arguments.paths, arguments.seed)
            return 0
        share = arguments.requests * 17 // 20 // len(arguments.backends)
        for name in arguments.backends:
            with opened(name, place) as stage:
                described_requests(stage, name, share * 2 // 17, arguments.seed)
                own_requests(stage, name, share - stage.sent + 1, arguments.seed)
        if arguments.requests >= 20:
            real_requests(place, arguments.requests * 3 // 20, arguments.seed)
    return 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=2000, help="how many; default 2000")
    parser.add_argument("--paths", type=int, default=0, help="so many random paths instead")
    parser.add_argument(
        "--backends", type=str.split, default=["memory", "sql"], help="default: memory sql"
    )
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(2**32), help="by default another each time"
    )
    return parser.parse_args()


def described_requests(stage: Stage, name: str, count: int, seed: int) -> None:
    """Send what schemathesis makes of the document, to each operation in turn."""
    operations = list(described.operations(stage))
    each = max(2, count // len(operations))
    for operation in operations:
        described.run(stage, operation, each, seed, LONGEST)
        stage.restore()
    print(f"{name}: {stage.sent} sent as described", flush=True)


def own_requests(stage: Stage, name: str, count: int, seed: int) -> None:
    """Send what the grammars make."""
    watch, done = Watch(f"{name}, grammars", growth.resident), 0
    while done < count:
        before = stage.sent
        own.run(stage, min(_CHUNK, count - done), seed + done, LONGEST)
        done += stage.sent - before
        watch.look(done)


def real_requests(place: Path, count: int, seed: int) -> None:
    """Send what the grammars make through a real server."""
    with served(place) as server:
        watch, done = Watch("a real server", server.resident), 0
        while done < count:
            before = server.sent
            own.run(server, min(_CHUNK, count - done), seed - done - 1, LONGEST)
            done += server.sent - before
            watch.look(done)


def visit_paths(stage: Stage, count: int, seed: int) -> None:
    """Ask for random paths."""
    watch, requests, done = Watch("paths", growth.resident), growth.paths(seed), 0
    while done < count:
        chunk = min(20_000, count - done)
        growth.visit(stage, requests, chunk, LONGEST)
        done += chunk
        watch.look(done)
    print(growth.kept(stage))


if __name__ == "__main__":
    sys.exit(main())
