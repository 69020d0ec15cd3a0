"""A conductor: takes runs from the board and carries them out, as many as it has threads for."""

from __future__ import annotations

import logging
import os
import socket
import threading
from functools import partial
from typing import Any, Final
from uuid import uuid4

from craton.errors import Unavailable
from craton.runs.attempt import Equipment
from craton.runs.board import Board, run_id_of
from craton.runs.carrying import carry_out
from craton.runs.deadlines import boottime
from craton.runs.keeping import Keeper, lease_until
from craton.runs.lease import RunLease

LOG = logging.getLogger(__name__)

#: How often to look at the board, in seconds.
_LOOK: Final = 0.5

#: How long a conductor leaves a job to others, for each run that it has already, in seconds.
_MODESTY: Final = 0.5

#: How long a run that went wrong here is left to others, in seconds.
_SHUN: Final = 5.0

#: How long to wait while the board is away, in seconds.
_PAUSE: Final = 1.0


class Conductor:
    """Carries out the runs of a board.

    Any number may share a board. One takes at most as many runs at once as it has workers, and the
    busier it is, the longer it leaves a run to the others first.

    Args:
        board: Where runs are.
        equipment: What to work with.
        finish_on_stop: Whether :meth:`stop` lets what was begun come to its end.
    """

    def __init__(self, board: Board, equipment: Equipment, *, finish_on_stop: bool = False) -> None:
        self._board = board
        self._equipment = equipment
        self._finish_on_stop = finish_on_stop
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._is_open = False
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._leases: dict[str, RunLease] = {}
        self._threads: set[threading.Thread] = set()
        self._seen: dict[str, float] = {}
        self._shunned: dict[str, float] = {}
        self._thread = threading.Thread(target=self._look, name="conductor")

    def start(self) -> None:
        """Begin; returns at once. A board that is away is waited for.

        Raises:
            ConfigurationError: The board or the database cannot be used.
        """
        try:
            self._open()
        except Unavailable as error:
            LOG.warning("%s; runs are taken once it is back", error)
        self._thread.start()

    def stop(self) -> None:
        """Take no more runs, and give back those that are under way; returns at once.

        Called again it gives back also what was to come to its end.
        """
        again = self._stopping.is_set()
        self._stopping.set()
        if again or not self._finish_on_stop:
            with self._lock:
                for lease in self._leases.values():
                    lease.end()

    def join(self) -> None:
        """Wait until nothing is under way any more."""
        self._thread.join()
        self._wait()
        self._equipment.persistence.close()

    def _wait(self) -> None:
        while True:
            with self._lock:
                threads = list(self._threads)
            if not threads:
                return
            for thread in threads:
                thread.join()

    # -- taking --------------------------------------------------------------------------------

    def _look(self) -> None:
        wait = 0.0
        while not self._stopping.wait(wait):
            wait = _LOOK
            try:
                if not self._is_open:
                    self._open()
                for job in self._wanted():
                    if self._stopping.is_set() or self._is_full:
                        break
                    self._take(job)
            except Unavailable as error:
                LOG.warning("No runs can be taken: %s", error)
                wait = _PAUSE
            except Exception:
                # Whatever it is, this thread goes on: nobody else does its work.
                LOG.exception("No runs can be taken")
                wait = _PAUSE

    def _open(self) -> None:
        self._equipment.persistence.open(self._board.lock("upgrade"))
        self._is_open = True

    @property
    def _is_full(self) -> bool:
        return len(self._leases) >= self._equipment.workers

    def _wanted(self) -> list[Any]:
        """Return what may be taken now, the oldest first."""
        if self._is_full:
            return []
        now = boottime()
        jobs = {run_id_of(job): job for job in self._board.unclaimed()}
        self._seen = {run_id: self._seen.get(run_id, now) for run_id in jobs}
        self._shunned = {run_id: end for run_id, end in self._shunned.items() if end > now}
        return [
            job
            for run_id, job in jobs.items()
            if run_id not in self._shunned
            and now >= self._seen[run_id] + _MODESTY * len(self._leases)
        ]

    def _take(self, job: Any) -> None:
        owner = f"{self._name}:{uuid4().hex}"
        since = boottime()
        if not self._board.claim(job, owner):
            return
        run_id = run_id_of(job)
        lease = RunLease(lease_until(self._board.lease_seconds, since))
        thread = threading.Thread(
            target=self._carry, args=(job, owner, lease), name=f"run {run_id}"
        )
        with self._lock:
            self._leases[run_id] = lease
            self._threads.add(thread)
            if self._stopping.is_set() and not self._finish_on_stop:
                lease.end()
        thread.start()

    # -- carrying out --------------------------------------------------------------------------

    def _carry(self, job: Any, owner: str, lease: RunLease) -> None:
        run_id = run_id_of(job)
        renew = partial(self._board.renew, job, owner)
        try:
            with Keeper(lease, self._equipment.store, run_id, renew, self._board.lease_seconds):
                ended = self._carried_out(run_id, lease)
                self._let_go(job, owner, ended=ended)
        except Exception:
            # The run stays on the board for others; the conductor goes on with its other runs.
            LOG.exception("The job of the run %s went wrong", run_id)
        finally:
            with self._lock:
                del self._leases[run_id]
                self._threads.discard(threading.current_thread())

    def _carried_out(self, run_id: str, lease: RunLease) -> bool:
        """Carry out a run; return whether it has ended."""
        ended = False
        try:
            ended = carry_out(self._equipment, run_id, lease)
        except Unavailable as error:
            LOG.warning("The run %s cannot be carried out now: %s", run_id, error)
        except Exception:
            # As above: one run must not end the others.
            LOG.exception("The run %s went wrong", run_id)
        finally:
            lease.end()
        if not ended:
            self._shunned[run_id] = boottime() + _SHUN
        return ended

    def _let_go(self, job: Any, owner: str, *, ended: bool) -> None:
        """Take a job off the board, or give it back; if that fails the claim runs out by itself."""
        try:
            if ended:
                self._board.consume(job, owner)
                return
            if self._stopping.is_set():
                self._equipment.persistence.give_back(run_id_of(job))
            self._board.abandon(job, owner)
        except Unavailable as error:
            LOG.warning("The job of the run %s stays on the board: %s", run_id_of(job), error)
