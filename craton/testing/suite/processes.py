"""Work in another process, which is killed in the middle of it."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator


def killed_after(count: int) -> Iterator[int]:
    """Yield numbers, then kill this process."""
    yield from range(count)
    os.kill(os.getpid(), signal.SIGKILL)


def run_to_death(work: Callable[[], object]) -> None:
    """Run something in a child of this process that is to kill itself, and wait for that.

    The child begins as a copy of this process, so no driver should be open in it.

    Raises:
        AssertionError: It ended in another way.
    """
    with warnings.catch_warnings():
        # The child does nothing with the threads that it does not have.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the work ended before the process was killed"
    assert os.WTERMSIG(status) == signal.SIGKILL
