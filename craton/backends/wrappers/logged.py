"""A driver that leaves a record of every change, in the same step as the change."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from oslo_config import cfg

from craton.backends.wrappers.delegation import Wrapper
from craton.backends.wrappers.drafts import REMEMBERED, Draft, Numbered, Step
from craton.backends.wrappers.making import Making, OvertakenError
from craton.backends.wrappers.operations import taken
from craton.capabilities import Capabilities, Capability
from craton.changes import UNLOGGED
from craton.driver import Change, Delete, InventoryDriver
from craton.errors import BackendFault, CratonError, RevisionConflict, Unavailable
from craton.models import ChangeRecord, E, Entity

_LOG: Final = logging.getLogger(__name__)

#: How often a write begins again when somebody else was faster.
_ATTEMPTS: Final = 20

#: How long it waits before that, in seconds: a random part of the first number, which doubles each
#: time up to the second one.
_WAIT: Final = 0.004
_LONGEST_WAIT: Final = 0.25

#: How many changes of a long write are looked up together.
_PORTION: Final = 1000

#: After these nobody knows whether a change was made.
_UNCERTAIN: Final = (Unavailable, BackendFault)


class LoggedDriver(Wrapper):
    """Does what the driver inside does, and has it store who changed what.

    With ATOMIC_BATCH a change and its record are one step: there is never one without the other.
    Without, the record is stored first, and removed if the change is refused: so there may be a
    record of a change that was never made, after a crash or a fault, but never a change without
    one. Nothing is logged where the driver does not store records of changes.

    What a write replaces is read before, and compared by its revision in the step that writes. So
    the log says of every change what it really replaced; a write that somebody else overtook begins
    again. One of more than ``REMEMBERED`` changes is not kept for that, and is ``Unavailable``.

    Args:
        inner: The driver inside.
    """

    inner: InventoryDriver

    def __init__(self, inner: InventoryDriver) -> None:
        super().__init__(inner)
        self._read = threading.local()

    @property
    def is_logging(self) -> bool:
        """Whether changes leave records."""
        return can_log(self.inner.capabilities)

    @property
    def _is_atomic(self) -> bool:
        return Capability.ATOMIC_BATCH in self.capabilities

    def _get(self, kind: type[E], id: str) -> E | None:
        found = self.inner._get(kind, id)
        # Who changes an entity has mostly just read it, so it need not be read again for the log.
        self._read.last = None if kind in UNLOGGED else found
        return found

    def _write(self, changes: Iterator[Change]) -> None:
        if not self.is_logging:
            self.inner._write(changes)
            return
        first, rest = taken(changes, REMEMBERED + 1)
        if rest is not None:
            self._write_long(chain(first, rest))
        else:
            numbered = list(enumerate(first))
            attempt = self._attempt if self._is_atomic else self._apart
            self._repeatedly(lambda draft: attempt(draft, numbered))

    def _repeatedly(self, attempt: Callable[[Draft], None]) -> None:
        """Make an attempt, and others as long as somebody else comes in between."""
        conditional = Capability.CAS in self.capabilities
        known: Entity | None = getattr(self._read, "last", None) if conditional else None
        self._read.last = None
        seen: object = None
        for number in range(1, _ATTEMPTS + 1):
            draft = Draft(self.inner, conditional=conditional, whole=self._is_atomic, known=known)
            try:
                attempt(draft)
                return
            except OvertakenError as overtaken:
                # Where nothing has changed, it is no other write that keeps this one from its end.
                alone = draft.seen == seen and not isinstance(overtaken.error, RevisionConflict)
                if alone or number == _ATTEMPTS:
                    raise _told(overtaken.error) from overtaken.error.__cause__
            known, seen = None, draft.seen
            time.sleep(random.uniform(0, min(_WAIT * 2**number, _LONGEST_WAIT)))

    def _attempt(self, draft: Draft, changes: Sequence[Numbered]) -> None:
        made = Making(draft, draft.steps(changes))
        with made.placed():
            self.inner._write(made)

    def _write_long(self, changes: Iterator[Change]) -> None:
        draft = Draft(self.inner, conditional=Capability.CAS in self.capabilities)
        made = Making(draft, _steps(draft, changes))
        try:
            with made.placed():
                self.inner._write(made)
        except OvertakenError as overtaken:
            raise _told(overtaken.error) from overtaken.error.__cause__

    def _apart(self, draft: Draft, changes: Sequence[Numbered]) -> None:
        """Store the record, then make the change; both by themselves."""
        made = Making(draft, draft.steps(changes))
        with made.placed():
            (change, *records) = made
            for record in records:
                self.inner._write(iter((record,)))
            try:
                self.inner._write(iter((change,)))
            except CratonError as error:
                if isinstance(error, _UNCERTAIN):
                    stays = ", ".join(map(_id_of, records))
                    _LOG.warning("Nobody can tell whether the change of %s was made", stays)
                else:
                    self._take_back(records)
                raise

    def _take_back(self, records: Iterable[Change]) -> None:
        """Remove the records of a change that was refused; if that fails, the log says so."""
        for record in records:
            id = _id_of(record)
            try:
                self.inner._write(iter((Delete(kind=ChangeRecord, id=id),)))
            except CratonError as error:
                _LOG.error("The change of the record %s was not made: %s", id, error)


def with_change_log(driver: InventoryDriver, settings: cfg.ConfigOpts) -> InventoryDriver:
    """Return a driver that leaves records of changes, if ``[api] change_log`` says so.

    Around one that does so already, or that does not store them, nothing is changed.
    """
    if isinstance(driver, LoggedDriver) or not settings.api.change_log:
        return driver
    if not can_log(driver.capabilities):
        _LOG.warning("The inventory driver stores no records of changes, so nothing is logged")
    return LoggedDriver(driver)


def can_log(capabilities: Capabilities) -> bool:
    """Tell whether a driver stores records of changes."""
    return Capability.WRITE in capabilities and ChangeRecord in capabilities.writable


def _steps(draft: Draft, changes: Iterator[Change]) -> Iterator[Step]:
    """Yield the steps of a write of any length."""
    start = 0
    while True:
        portion, rest = taken(changes, _PORTION)
        yield from draft.steps(list(enumerate(portion, start)))
        start += len(portion)
        if rest is None:
            return
        if not portion:
            # What the caller's iterator raised comes now.
            next(rest)
        changes = rest


def _told(error: CratonError) -> CratonError:
    """Return what a caller is told of a condition that he did not set."""
    if not isinstance(error, RevisionConflict):
        return error
    busy = Unavailable(f"others change the {error.kind} {error.id!r} again and again", 1)
    busy.change = error.change
    return busy


def _id_of(change: Change) -> str:
    return change.id if isinstance(change, Delete) else change.entity.id
