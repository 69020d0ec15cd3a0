"""Ends processes, also those that left their group, their parent and their terminal."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from craton.runs.deadlines import boottime

#: The variable that every process of a batch inherits; it names the private directory.
MARK: Final = "CRATON_BATCH_DIRECTORY"

#: From ``linux/prctl.h``.
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36

#: Seconds between two looks at what is still alive.
_PAUSE: Final = 0.01

#: Seconds after which only what may not be killed (root's, for instance) is left.
_PATIENCE: Final = 2.5

_libc: Final = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, until this process ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Have this process killed when the thread that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def end_descendants() -> int:
    """Kill all descendants of this process, which must have adopted orphans; and reap them.

    Returns:
        How many are alive because this process may not kill them.
    """
    me = psutil.Process()
    until = boottime() + _PATIENCE
    while True:
        spared = _kill(me.children(recursive=True))
        reap()
        left = [process for process in me.children(recursive=True) if not _is_zombie(process)]
        if not left or (boottime() >= until and len(left) <= spared):
            return len(left)
        time.sleep(_PAUSE)


def end_marked(directory: Path) -> None:
    """Kill every process of this user that was started for a batch in this directory."""
    until = boottime() + _PATIENCE
    while (marked := _marked(directory)) and boottime() < until:
        _kill(marked)
        time.sleep(_PAUSE)


def reap() -> None:
    """Let go of all children that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _kill(processes: Iterable[psutil.Process]) -> int:
    spared = 0
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied:
            spared += 1
    return spared


def _marked(directory: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == str(directory):
                found.append(process)
    return found


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
