"""Carries runs out in the threads of this process: for a server that shares no board."""

from __future__ import annotations

import logging
import queue
import threading
from typing import Final

from craton.errors import Unavailable
from craton.runs.attempt import Equipment
from craton.runs.carrying import carry_out
from craton.runs.dispatch import Dispatcher
from craton.runs.keeping import Keeper
from craton.runs.lease import RunLease
from craton.runs.models import Run

LOG = logging.getLogger(__name__)

#: How long to wait after an attempt that went wrong, in seconds.
_PAUSE: Final = 1.0


class EmbeddedDispatcher(Dispatcher):
    """Works on as many runs at once as there are workers; others wait in the order they came.

    Args:
        equipment: What to work with.
    """

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._leases: dict[str, RunLease] = {}
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"runs {number}")
            for number in range(equipment.workers)
        ]

    def start(self) -> None:
        self._equipment.persistence.open()
        for thread in self._threads:
            thread.start()

    def submit(self, run: Run) -> None:
        with self._lock:
            if run.id in self._known or self._stopping.is_set():
                return
            self._known.add(run.id)
        self._queue.put(run.id)

    def stop(self) -> None:
        with self._lock:
            self._stopping.set()
            for lease in self._leases.values():
                lease.end()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._equipment.persistence.close()

    def _work(self) -> None:
        while (run_id := self._queue.get()) is not None:
            lease = RunLease()
            with self._lock:
                self._leases[run_id] = lease
                if self._stopping.is_set():
                    return
            ended = self._carried_out(run_id, lease)
            with self._lock:
                del self._leases[run_id]
                again = not ended and not self._stopping.is_set()
                if not again:
                    self._known.discard(run_id)
            if again:
                # It went wrong; so many attempts are made, and then the run is lost.
                self._stopping.wait(_PAUSE)
                self._queue.put(run_id)

    def _carried_out(self, run_id: str, lease: RunLease) -> bool:
        try:
            with Keeper(lease, self._equipment.store, run_id):
                return carry_out(self._equipment, run_id, lease)
        except Unavailable as error:
            LOG.warning("The run %s cannot be carried out now: %s", run_id, error)
        except Exception:
            # One run must not end the others; this one is tried again.
            LOG.exception("The run %s went wrong", run_id)
        return False
