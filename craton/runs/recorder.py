"""Takes what happens in all batches of a run to the store: in order, soon, and once.

The store numbers what it took under a fence, so that a call whose answer was lost can be repeated.
For that, one thread sends everything that one attempt has to tell.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

from craton.errors import LeaseLost, NotFound, Unavailable
from craton.runs.deadlines import boottime
from craton.runs.lease import RunLease
from craton.runs.models import Report
from craton.runs.store import RunStore

LOG = logging.getLogger(__name__)

#: How long a report waits for others that go with it, in seconds.
_GATHER: Final = 0.05

#: How many are sent at once.
_MOST: Final = 500

#: How many may wait; whoever has more to say waits himself, and with him his batch.
_ROOM: Final = 5000

#: How long to wait between two tries while the store is away, in seconds.
_PAUSE: Final = 0.25

#: How often those who wait look whether there is still sense in it, in seconds.
_LOOK: Final = 0.2

#: How long what is left may take once the lease is over, in seconds.
_FAREWELL: Final = 2.0


class Recorder:
    """Reports for one attempt at a run. To be used as a context manager.

    Args:
        store: Where reports go.
        run_id: The run.
        fence: From the store's ``claim``.
        lease: Ended here when somebody else took the run over.
    """

    def __init__(self, store: RunStore, run_id: str, fence: int, lease: RunLease) -> None:
        self._store = store
        self._run_id = run_id
        self._fence = fence
        self._lease = lease
        self._waiting: deque[Report] = deque()
        self._taken = 0
        self._closing: float | None = None
        self._lost = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"recorder {run_id}", daemon=True)

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        """Send what is left, but not for ever."""
        with self._changed:
            self._closing = boottime() + _FAREWELL
            self._changed.notify_all()
        self._thread.join()

    def add(self, reports: Sequence[Report]) -> None:
        """Take reports; blocks while too many wait because the store is away.

        Raises:
            LeaseLost: Nothing is taken from this attempt any more.
        """
        with self._changed:
            while len(self._waiting) >= _ROOM and not self._is_vain:
                self._changed.wait(_LOOK)
            if self._is_vain:
                raise LeaseLost(self._run_id)
            self._waiting.extend(reports)
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until the store has everything that was added before.

        Raises:
            LeaseLost: It will not take it.
        """
        with self._changed:
            until = self._taken + len(self._waiting)
            while self._taken < until:
                if self._is_vain:
                    raise LeaseLost(self._run_id)
                self._changed.wait(_LOOK)

    @property
    def _is_vain(self) -> bool:
        return self._lost or self._lease.is_over

    def _run(self) -> None:
        try:
            while portion := self._next():
                if not self._sent(portion):
                    break
        except Exception:
            # Batches must not go on when nobody tells of them any more.
            LOG.exception("The events of the run %s cannot be reported", self._run_id)
            self._lease.end()
        finally:
            with self._changed:
                self._lost = True
                self._changed.notify_all()

    def _next(self) -> Sequence[Report]:
        """Return what to send next; nothing at the end."""
        with self._changed:
            while not self._waiting and self._closing is None:
                self._changed.wait()
            if self._closing is None and len(self._waiting) < _MOST:
                self._changed.wait_for(
                    lambda: self._closing is not None or len(self._waiting) >= _MOST, _GATHER
                )
            return list(islice(self._waiting, _MOST))

    def _sent(self, portion: Sequence[Report]) -> bool:
        """Send a portion, however often it takes; return whether the next may be sent."""
        while True:
            try:
                self._store.report(self._run_id, self._fence, self._taken + 1, portion)
                break
            except Unavailable as error:
                LOG.warning("The events of the run %s wait: %s", self._run_id, error)
            except (LeaseLost, NotFound) as error:
                LOG.warning("The run %s is not ours any more: %s", self._run_id, error)
                self._lease.end()
                return False
            with self._changed:
                self._changed.wait_for(lambda: self._closing is not None, _PAUSE)
                if self._closing is not None and boottime() > self._closing:
                    return False
        with self._changed:
            for _ in portion:
                self._waiting.popleft()
            self._taken += len(portion)
            self._changed.notify_all()
        return True
