"""So many at once, and no more: what takes a thread for long must leave some to others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from craton.api.errors import Busy


class Slots:
    """Places that are taken for a while.

    Args:
        what: What is done in one, for an error.
        count: How many there are.
    """

    def __init__(self, what: str, count: int) -> None:
        self._what = what
        self._count = count
        self._free = threading.BoundedSemaphore(count)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take one until the end of the block, which may be another thread's.

        Raises:
            Busy: All are taken. Nobody waits for one: they would take a thread meanwhile.
        """
        if not self._free.acquire(blocking=False):
            raise Busy(self._what, self._count)
        try:
            yield
        finally:
            self._free.release()
