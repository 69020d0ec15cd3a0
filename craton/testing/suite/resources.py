"""What a process holds: open files and sockets, threads, memory, and what it opens meanwhile."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

#: Where the system lists the open files of a process; nothing is counted where it does not.
_OPEN_FILES: Final = next(
    (path for path in (Path("/proc/self/fd"), Path("/dev/fd")) if path.is_dir()), None
)

#: For how long to wait for what is about to end, in seconds.
_PATIENCE: Final = 3

#: Events of ``sys.audit`` that are input or output.
_OUTSIDE: Final = ("open", "socket.connect", "sqlite3.connect", "subprocess.Popen", "os.mkdir")

_watchers: list[tuple[int, list[str]]] = []


def held() -> tuple[int, int]:
    """Return how many files and sockets are open, and how many threads run."""
    gc.collect()
    files = len(os.listdir(_OPEN_FILES)) if _OPEN_FILES else 0  # noqa: PTH208
    return files, threading.active_count()


def held_below(files: int, threads: int) -> tuple[int, int]:
    """Return what is held once it is below these numbers, or is not after a while.

    A thread that is told to end may be asleep, and need a moment to see it.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        found = held()
        if (found[0] < files and found[1] < threads) or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Collect what this thread opens or connects to in the block."""
    _install()
    seen: list[str] = []
    _watchers.append((threading.get_ident(), seen))
    try:
        yield seen
    finally:
        _watchers.remove((threading.get_ident(), seen))


@contextmanager
def peak() -> Iterator[list[int]]:
    """Measure how much memory was in use at most in the block, in bytes beyond the beginning."""
    gc.collect()
    found: list[int] = []
    tracemalloc.start()
    try:
        yield found
        found.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


@cache
def _install() -> None:
    # A hook cannot be taken away again, so there is one, which mostly has nothing to do.
    sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[object, ...]) -> None:
    if _watchers and event in _OUTSIDE:
        for thread, seen in _watchers:
            if thread == threading.get_ident():
                seen.append(f"{event} {arguments[:1]!r}")
