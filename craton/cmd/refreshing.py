"""Keeps a mirror fresh while a service runs, in a thread beside those that serve."""

from __future__ import annotations

import logging
import random
import threading
from datetime import datetime, timedelta
from typing import Final

from craton.driver import InventoryDriver, now
from craton.errors import CratonError, OwnerUnavailable
from craton.mirror import MirrorStatus

LOG = logging.getLogger(__name__)

#: How long to wait after a first failure, in seconds; it doubles with each further one.
_FIRST_WAIT: Final = 5.0

#: How long to wait when somebody else is at it, or the store is away, in seconds.
_SHORT_WAIT: Final = 2.0

#: The longest nap, in seconds: a sync that somebody has asked for changes when the next is due.
_NAP: Final = 30.0

#: How long the end of a service waits for a sync to notice it, in seconds.
_FAREWELL: Final = 5.0


class Refresher:
    """Syncs a mirror whenever it is older than it should be.

    Any number of processes may have one on the same mirror: one of them does the work.

    Args:
        driver: The mirror, open.
    """

    def __init__(self, driver: InventoryDriver) -> None:
        self._driver = driver
        self._stopping = threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="refresher", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Let it end; a sync that is under way is broken off by closing the driver."""
        self._stopping.set()

    def join(self) -> None:
        """Wait until it has ended, but not for ever."""
        self._thread.join(_FAREWELL)

    def _run(self) -> None:
        wait = 0.0
        while not self._stopping.wait(wait):
            try:
                wait = self._step()
            except CratonError as error:
                if not self._stopping.is_set():
                    LOG.warning("The mirror could not be brought up to date: %s", error)
                wait = _SHORT_WAIT
            except Exception:
                # Whatever it is, this thread goes on: a mirror that nobody brings up to date grows
                # old in silence. While the driver is closed under it, anything may go wrong.
                if not self._stopping.is_set():
                    LOG.exception("The mirror could not be brought up to date")
                wait = _NAP

    def _step(self) -> float:
        """Sync if it is time to; return after how many seconds to look again."""
        status = self._driver.mirror_status()
        left = (self._due(status) - now()).total_seconds()
        if left > 0:
            return min(left, _NAP)
        # Several processes wake up at once; the one that is first leaves nothing to do.
        if self._stopping.wait(random.uniform(0, 0.2)):
            return 0.0
        try:
            report = self._driver.sync(max_age=status.max_age, patience=0.0)
        except OwnerUnavailable as error:
            self._failures += 1
            LOG.warning("%s; what was known before stays", error)
            return _SHORT_WAIT
        self._failures = 0
        if report.held:
            names = ", ".join(region.name for region in report.held)
            LOG.warning("A sync is held, because too many hosts would go: %s", names)
        elif report.changed:
            LOG.info("The mirror was brought up to date: %d changes", report.changed)
        return _SHORT_WAIT

    def _due(self, status: MirrorStatus) -> datetime:
        if status.attempted_at is None:
            return now()
        if status.error is not None:
            wait = min(_FIRST_WAIT * 2 ** min(self._failures, 20), status.max_age)
            return status.attempted_at + timedelta(seconds=wait)
        if status.held or status.synced_at is None:
            return status.attempted_at + timedelta(seconds=status.max_age)
        return status.synced_at + timedelta(seconds=status.max_age)
