"""Drivers with a fault each that the checker must find: the controls of tests/faults."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator

from craton.backends.memory.driver import MemoryDriver
from craton.driver import Change, Replace
from craton.models import E, Host

#: Long enough for another client to come in between, in seconds.
_MOMENT = 0.002


class ReadThenWrite(MemoryDriver):
    """Compares the revision, and writes a moment later."""

    def _write(self, changes: Iterator[Change]) -> None:
        for change in changes:
            if not isinstance(change, Replace) or change.if_revision is None:
                super()._write(iter((change,)))
                continue
            super()._write(iter((_as_it_is(self, change),)))
            time.sleep(_MOMENT)
            super()._write(iter((dataclasses.replace(change, if_revision=None),)))


class Forgetful(MemoryDriver):
    """Acknowledges every tenth replacement, and stores nothing of it."""

    _turns = 0
    _counting = threading.Lock()

    def _write(self, changes: Iterator[Change]) -> None:
        kept = []
        for change in changes:
            with self._counting:
                type(self)._turns += isinstance(change, Replace)
                forgets = isinstance(change, Replace) and self._turns % 10 == 0
            if not forgets:
                kept.append(change)
        super()._write(iter(kept))


class Resurrecting(MemoryDriver):
    """Brings an older state back now and then, at the revision that it had."""

    _old: Host | None = None
    _turns = 0

    def _write(self, changes: Iterator[Change]) -> None:
        for change in changes:
            super()._write(iter((change,)))
            if isinstance(change, Replace) and isinstance(change.entity, Host):
                self._turns += 1
                if self._turns % 20 == 10:
                    self._old = change.entity
                elif self._turns % 20 == 0 and self._old is not None:
                    super()._write(iter((Replace(entity=self._old, verbatim=True),)))


class Lagging(MemoryDriver):
    """Answers one read in ten with what it answered before."""

    _turns = 0
    _before: dict[str, object]

    def _get(self, kind: type[E], id: str) -> E | None:
        self.__dict__.setdefault("_before", {})
        self._turns += 1
        if self._turns % 10 == 0 and id in self._before:
            return self._before[id]  # type: ignore[return-value]
        found = super()._get(kind, id)
        if self._turns % 3 == 0:
            self._before[id] = found
        return found


def _as_it_is(driver: MemoryDriver, change: Replace) -> Replace:
    """Return a change that checks all that the given one does, and changes nothing."""
    stored = driver.get(type(change.entity), change.entity.id)
    return dataclasses.replace(change, entity=stored, verbatim=True)
