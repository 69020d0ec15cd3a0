"""The lease of somebody who carries out a run in this process."""

from __future__ import annotations

import threading
from typing import Final

from craton.runs.batch import Lease
from craton.runs.deadlines import boottime

#: Seconds that are as good as for ever, and still a number in JSON.
_FOR_EVER: Final = 10 * 365 * 86_400.0


class RunLease(Lease):
    """A lease that lasts until a moment that may be put off; once it is over it stays so.

    Args:
        until: The moment at which it ends, as :func:`~craton.runs.deadlines.boottime` tells the
            time; without it, it lasts until :meth:`end`.

    Attributes:
        was_ended: Whether it was ended, rather than not put off in time.
    """

    def __init__(self, until: float | None = None) -> None:
        self._lock = threading.Lock()
        self._until = boottime() + _FOR_EVER if until is None else until
        self._cancelled = threading.Event()
        self.was_ended = False

    def remaining(self) -> float:
        return self._until - boottime()

    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    @property
    def is_over(self) -> bool:
        """Whether nothing may be done any more in its name."""
        return self.remaining() <= 0

    def extend(self, until: float) -> None:
        """Let it last longer; one that is over already stays over."""
        with self._lock:
            if self.remaining() > 0:
                self._until = max(self._until, until)

    def cancel(self) -> None:
        """Say that somebody asked for the end of the run."""
        self._cancelled.set()

    def end(self) -> None:
        """Let it be over now."""
        with self._lock:
            self._until = 0.0
            self.was_ended = True
