"""One syncer at a time, across threads, processes and machines.

A record says who syncs and until when; whoever replaces it first has it. It only keeps work from
being done twice. That nobody writes without it is another matter: every batch of a sync replaces
the record at the revision that the syncer knows, so a syncer that has lost it writes nothing.
"""

from __future__ import annotations

import dataclasses
import time
import uuid
from typing import Any, Final

from craton import jsontext
from craton.backends.cmdb.entries import LEASE, record_id
from craton.driver import InventoryDriver, Replace
from craton.errors import AlreadyExists, NotFound, RevisionConflict, Unavailable
from craton.models import Record

_ID: Final = record_id(LEASE)


class LeaseLostError(Unavailable):
    """The syncer was silent for so long that somebody else has taken over."""

    def __init__(self) -> None:
        super().__init__("the sync took too long without a word, and another one has taken over")


class Lease:
    """The right to sync, held by one caller.

    Args:
        store: Where the record is.
        seconds: How long the right lasts unless it is renewed.
        record: The record as this holder has written it.
    """

    def __init__(self, store: InventoryDriver, seconds: float, record: Record) -> None:
        self._store = store
        self._seconds = seconds
        self._record = record
        self._renewed = time.monotonic()

    @classmethod
    def acquire(cls, store: InventoryDriver, seconds: float) -> Lease | None:
        """Take the right, unless somebody has it.

        Returns:
            The right; ``None`` while somebody else has it.
        """
        value = _value(uuid.uuid4().hex, time.time() + seconds)
        try:
            found = store._get(Record, _ID)
            if found is None:
                record = store.create(Record(id=_ID, name=LEASE, value=value))
            elif _until(found) > time.time():
                return None
            else:
                record = _replaced(store, found, value)
        except (AlreadyExists, RevisionConflict, NotFound):
            return None
        return cls(store, seconds, record)

    def renew(self) -> None:
        """Say that the work goes on; does nothing if that was said a moment ago.

        Raises:
            LeaseLostError: Somebody else has taken over.
        """
        if time.monotonic() - self._renewed < self._seconds / 4:
            return
        holder = _document(self._record)["holder"]
        try:
            value = _value(holder, time.time() + self._seconds)
            self._record = _replaced(self._store, self._record, value)
        except (RevisionConflict, NotFound) as error:
            raise LeaseLostError from error
        self._renewed = time.monotonic()

    def last_change(self) -> Replace:
        """Return the change that gives the right back, for the batch that ends the work.

        It is refused, and the batch with it, if somebody else has taken over.
        """
        record = dataclasses.replace(self._record, value=_value("", 0.0))
        return Replace(entity=record, if_revision=self._record.revision)

    def is_lost(self) -> bool:
        """Tell whether somebody else has taken over."""
        found = self._store._get(Record, _ID)
        return found is None or found.revision != self._record.revision


def _replaced(store: InventoryDriver, record: Record, value: str) -> Record:
    changed = dataclasses.replace(record, value=value)
    return store.replace(changed, if_revision=record.revision)


def _value(holder: str, until: float) -> str:
    return jsontext.dumps({"holder": holder, "until": until})


def _until(record: Record) -> float:
    return float(_document(record)["until"])


def _document(record: Record) -> Any:
    return jsontext.loads(record.value)
