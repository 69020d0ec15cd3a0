"""What somebody has to look after from time to time; any number of processes may do it at once."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from craton.errors import Conflict, CratonError, NotFound
from craton.runs.dispatch import Dispatcher
from craton.runs.models import EventType, Origin, Report, Run, RunState
from craton.runs.private import PrivateDirectories
from craton.runs.store import RunStore, utcnow

LOG = logging.getLogger(__name__)

#: How often to look for runs that nobody has, and for those that fell silent, in seconds.
_LOOK: Final = 5.0

#: How often to drop old runs, in seconds.
_PRUNE: Final = 600.0


class Housekeeper:
    """Looks after the runs of a store, in a thread.

    * A run that was kept and is not on the board, because a process died between the two or the
      board forgot it, is handed over again.
    * A reported run of which nothing was heard for too long is lost.
    * Old runs are dropped, and private directories whose owners are gone.

    Args:
        store: Keeps runs.
        dispatcher: Takes those that nobody has; ``None`` where all runs are reported ones.
        directories: The private directories of this machine, if it has any.
        silent: For how long a reported run may be silent.
    """

    def __init__(
        self,
        store: RunStore,
        dispatcher: Dispatcher | None,
        directories: PrivateDirectories | None,
        silent: timedelta,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._directories = directories
        self._silent = silent
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper")

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for that."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def look_after(self) -> None:
        """Do once what is done all the time, but for dropping what is old."""
        for run in self._store.unfinished():
            if self._stopping.is_set():
                return
            if run.origin is Origin.CONDUCTOR:
                if self._dispatcher is not None:
                    self._dispatcher.submit(run)
            elif (run.heard_at or run.created_at) < utcnow() - self._silent:
                self._lose(run)

    def tidy(self) -> None:
        """Drop what is old or left over."""
        dropped = self._store.prune(utcnow() - timedelta(days=self._store.keep_days))
        if dropped:
            LOG.info("Dropped %s runs that ended long ago", dropped)
        if self._directories is not None:
            self._directories.sweep()

    def _run(self) -> None:
        wait = 0.0
        since = _PRUNE
        while not self._stopping.wait(wait):
            self._safely(self.look_after)
            if since >= _PRUNE:
                self._safely(self.tidy)
                since = 0.0
            wait = _LOOK * random.uniform(0.8, 1.2)
            since += wait

    def _safely(self, task: Callable[[], None]) -> None:
        try:
            task()
        except CratonError as error:
            LOG.warning("Runs cannot be looked after now: %s", error)
        except Exception:
            # Whatever it is, this thread goes on: nobody else does its work.
            LOG.exception("Runs cannot be looked after")

    def _lose(self, run: Run) -> None:
        minutes = self._silent.total_seconds() / 60
        report = Report(
            type=EventType.RUN_STATE,
            time=utcnow(),
            message=f"whoever reported it was silent for {minutes:.0f} minutes",
            data={"state": RunState.LOST.value},
            run_state=RunState.LOST,
        )
        try:
            fence = self._store.claim(run.id)
            self._store.report(run.id, fence, 1, [report])
        except (NotFound, Conflict) as error:
            LOG.debug("The run %s is not lost any more: %s", run.id, error)
