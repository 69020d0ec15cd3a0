"""One sync: read the CMDB, find out what changes, and make it one step of the mirror."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from craton.backends.cmdb.books import Books, State
from craton.backends.cmdb.candidates import Candidates, candidates
from craton.backends.cmdb.collecting import Found, collect
from craton.backends.cmdb.entries import STATE, Key, record_id
from craton.backends.cmdb.guard import held
from craton.backends.cmdb.judging import judge
from craton.backends.cmdb.lease import Lease, LeaseLostError
from craton.backends.cmdb.planning import Plan, changes, plan, report
from craton.cmdb import CmdbAdapter
from craton.driver import Change, Create, InventoryDriver, Replace, new_revision, now
from craton.errors import Conflict, CratonError, InvalidInput, NotFound, RevisionConflict
from craton.mirror import Held, SyncReport
from craton.models import Record

LOG = logging.getLogger(__name__)

#: How often a sync is planned again because somebody else wrote to the mirror meanwhile.
ATTEMPTS: Final = 8

#: What the store may say to a batch that was planned on a state which has passed.
_OUTRUN: Final = (Conflict, InvalidInput, NotFound)


@dataclass(kw_only=True)
class Sync:
    """The work of whoever has the lease.

    Attributes:
        adapter: Reads the CMDB.
        name: The name of the adapter.
        store: Where the mirror is.
        lease: The right to do this.
        limit: The share of a region's hosts that may go without a word.
        tick: Called again and again; it may raise to end the work.
    """

    adapter: CmdbAdapter
    name: str
    store: InventoryDriver
    lease: Lease
    limit: float
    tick: Callable[[], None]

    def run(self, everything: bool, confirm: bool) -> SyncReport:
        """Do it; the lease is given back whatever happens.

        Raises:
            CratonError: As :meth:`craton.driver.InventoryDriver.sync`.
        """
        began = now()
        before = Books(self.store).state()
        attempt = dataclasses.replace(before, adapter=self.name, attempted_at=began)
        if before.adapter != self.name:
            attempt = dataclasses.replace(attempt, token=None)
        try:
            since = None if everything else attempt.token
            found = collect(self.adapter, since, self._tick)
            return self._store(found, attempt, before.held if confirm else ())
        except LeaseLostError:
            raise
        except CratonError as error:
            failed = dataclasses.replace(
                attempt, token=before.token, adapter=before.adapter or self.name, error=str(error)
            )
            self._end(failed)
            raise
        except BaseException:
            self._end(dataclasses.replace(attempt, error="the sync was interrupted"))
            raise

    def _store(self, found: Found, state: State, confirmed: tuple[Held, ...]) -> SyncReport:
        refused: dict[Key, str] = {}
        seen: dict[Key, str] = {}
        for attempt in range(ATTEMPTS):
            self._tick()
            looked = candidates(self.store, found)
            judge(looked, refused)
            if holding := held(looked, self.limit, confirmed):
                self._end(dataclasses.replace(state, error=None, held=holding))
                return SyncReport(everything=found.end.everything, held=holding)
            made = plan(looked)
            if made.refused:
                refused |= made.refused
                continue
            subjects: list[Key | None] = []
            batch = self._batch(made, looked, self._done(found, made, looked, state), subjects)
            try:
                self.store._write(_stamped(batch))
            except _OUTRUN as error:
                if self.lease.is_lost():
                    raise LeaseLostError from error
                subject = subjects[error.change] if error.change is not None else None
                if attempt == ATTEMPTS - 1:
                    raise
                if subject is not None and not isinstance(error, RevisionConflict):
                    # Once may be a race; the second time it is the object.
                    if seen.get(subject) == str(error):
                        refused[subject] = f"the store refuses it: {error}"
                    seen[subject] = str(error)
                continue
            return report(made, everything=found.end.everything, rejected=len(looked.rejected))
        raise RevisionConflict("mirror", self.name)

    def _done(self, found: Found, made: Plan, looked: Candidates, state: State) -> State:
        return dataclasses.replace(
            state,
            token=found.end.token,
            synced_at=state.attempted_at,
            changed_at=state.changed_at if made.is_empty else now(),
            error=None,
            held=(),
            rejected=len(looked.rejected),
        )

    def _batch(
        self, made: Plan, looked: Candidates, state: State, subjects: list[Key | None]
    ) -> Iterator[Change]:
        """Yield the whole batch, and note for whose sake each change is made."""
        last = self._state(state)
        subjects.append(None)
        yield self.lease.last_change()
        for change, subject in changes(made, looked):
            subjects.append(subject)
            yield change
        subjects.append(None)
        yield last

    def _end(self, state: State) -> None:
        """Give the lease back, and say how it went; nothing if the lease is lost."""
        try:
            self.store.apply([self.lease.last_change(), self._state(state)])
        except CratonError as error:
            LOG.warning("The end of a sync could not be noted: %s", error)

    def _state(self, state: State) -> Change:
        record = Record(id=record_id(STATE), name=STATE, value=state.text())
        if Books(self.store).record(STATE) is None:
            return Create(entity=record)
        return Replace(entity=record)

    def _tick(self) -> None:
        self.tick()
        self.lease.renew()


def _stamped(changes: Iterator[Change]) -> Iterator[Change]:
    """Stamp changes as ``InventoryDriver.apply`` does; what is in them was checked already."""
    moment, revision = now(), new_revision()
    stamp: dict[str, Any] = {"revision": revision, "created_at": moment, "updated_at": moment}
    for change in changes:
        if isinstance(change, Create) and not change.verbatim:
            yield Create(entity=dataclasses.replace(change.entity, **stamp))
        elif isinstance(change, Replace):
            entity = dataclasses.replace(change.entity, **stamp)
            yield Replace(entity=entity, if_revision=change.if_revision)
        else:
            yield change


def is_fresh(state: State, moment: datetime) -> bool:
    """Tell whether the mirror has what the CMDB had at a moment."""
    return state.synced_at is not None and state.synced_at >= moment
