"""Keeps the lease of a run alive, and hears when somebody asks for the run's end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from craton.errors import CratonError, NotFound
from craton.runs.deadlines import boottime
from craton.runs.lease import RunLease
from craton.runs.store import RunStore

LOG = logging.getLogger(__name__)

#: How often to ask whether the run is to be cancelled, in seconds.
_LOOK: Final = 0.5

#: How many times within the time of a lease it is renewed; some of these may fail.
_RENEWALS: Final = 6

#: The part of a claim's time that is left for what ends the batches, before others may claim.
_MARGIN: Final = 1 / 3


def lease_until(lease_seconds: float, since: float) -> float:
    """Return when the lease ends of somebody whose claim lasts ``lease_seconds``.

    It ends earlier than the claim by a third, so that everything is dead before somebody else
    may claim the run: the supervisors of batches look several times a second, and take a second or
    two to end what they supervise.

    Args:
        lease_seconds: How long the claim lasts from when the board was asked to renew it.
        since: A moment before the board was asked.
    """
    return since + lease_seconds * (1 - _MARGIN)


class Keeper:
    """Keeps one lease, in a thread. To be used as a context manager.

    Args:
        lease: The lease.
        store: Asked whether the run is to be cancelled.
        run_id: The run.
        renew: Renews the claim and tells whether it was still ours; ``None`` if there is none.
        lease_seconds: How long a claim lasts.
    """

    def __init__(
        self,
        lease: RunLease,
        store: RunStore,
        run_id: str,
        renew: Callable[[], bool] | None = None,
        lease_seconds: float = 0.0,
    ) -> None:
        self._lease = lease
        self._store = store
        self._run_id = run_id
        self._renew = renew
        self._lease_seconds = lease_seconds
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._listen, name=f"cancel {run_id}")]
        if renew is not None:
            # A thread of its own, because the store may be slow where the board is not.
            self._threads.append(threading.Thread(target=self._keep, name=f"lease {run_id}"))

    def __enter__(self) -> Keeper:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _keep(self) -> None:
        assert self._renew is not None
        while not self._done.wait(self._lease_seconds / _RENEWALS):
            since = boottime()
            if self._lease.is_over:
                if not self._lease.was_ended:
                    LOG.warning("The lease of the run %s was not renewed in time", self._run_id)
                return
            try:
                if not self._renew():
                    LOG.warning("The claim of the run %s is gone", self._run_id)
                    self._lease.end()
                    return
            except CratonError as error:
                LOG.warning("The claim of the run %s is not renewed: %s", self._run_id, error)
            else:
                if boottime() - since > self._lease_seconds / _RENEWALS:
                    LOG.warning(
                        "Renewing the claim of the run %s took %.1f s",
                        self._run_id,
                        boottime() - since,
                    )
                self._lease.extend(lease_until(self._lease_seconds, since))

    def _listen(self) -> None:
        while not self._done.wait(_LOOK):
            try:
                if self._store.get(self._run_id).cancelling:
                    self._lease.cancel()
                    return
            except NotFound:
                self._lease.end()
                return
            except CratonError as error:
                LOG.debug("Nobody knows whether the run %s is to end: %s", self._run_id, error)
