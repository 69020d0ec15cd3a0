"""Looks at processes from outside, and waits for what becomes of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil

from craton.runs.processes import MARK
from tests.functional.runs.execution.playing import Held, Stage


def alive() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def mark(process: psutil.Process) -> str:
    try:
        return process.environ().get(MARK, "")
    except (psutil.Error, OSError):
        return ""


@contextmanager
def running(stage: Stage, lease: Held, told: Callable[..., None]) -> Iterator[dict[str, Any]]:
    """Run the batch in a thread; what comes of it is in the dictionary afterwards."""
    result: dict[str, Any] = {}

    def run() -> None:
        try:
            result["outcome"] = stage.runner().run(stage.batch(), lease, told)
        except RuntimeError as error:
            result["error"] = error

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield result
    finally:
        lease.cancelled.set()
        thread.join()


def is_playing(process: psutil.Process) -> bool:
    """Whether a process is Ansible's own, and still there."""
    with suppress(psutil.Error):
        words = process.cmdline()
        return process.status() != psutil.STATUS_ZOMBIE and "ansible-playbook" in " ".join(words)
    return False
