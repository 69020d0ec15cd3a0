"""Writes that are tried again, though nobody can say whether the first try was done.

``Unavailable`` may mean that the store did nothing, that it did everything and its answer was lost,
or that it will do it in a moment. So a write is repeated only if at most one of its attempts can
take effect, and only when the store shows that none has so far. One change of each write, the
*witness*, is looked at for that: before the first attempt, and before each other one. As a batch is
one step, it speaks for all the changes. It is the only one of its write that is about its entity.

* ``Create``: the id is made before the first attempt, so the second one to arrive is
  ``AlreadyExists``. The entity is there at the revision of this write, or made at its moment and
  changed since: done. (Deleted by somebody in that moment, it is created again.)
* ``Replace``: a revision never comes back. At the revision of this write: done. At the one seen
  before the attempt: not done. At any other one: nobody can tell whether the others wrote over
  this write or instead of it. After ``RevisionConflict`` the caller of a compare-and-set would do
  his work again, perhaps for the second time; so it stays ``Unavailable``.
* ``Delete``: still there: not done. Gone: what the caller wanted, if it was there before. In a
  batch that proves nothing, as others delete as well, and it stays ``Unavailable``.

A repeated ``Replace`` or ``Delete`` always has a condition, the caller's or the revision that was
seen last: it cannot go over what others have written since. That needs CAS; without it, only
what creates is repeated.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from enum import Enum

from craton.backends.wrappers.operations import kind_of
from craton.capabilities import Capability
from craton.driver import Change, Create, Delete, InventoryDriver, Replace
from craton.errors import CratonError, RevisionConflict, Unavailable
from craton.models import Entity


class Outcome(Enum):
    """What became of an attempt that nobody answered."""

    DONE = "done"
    NOT_DONE = "not done"
    UNKNOWN = "unknown"


class RepeatableWrite:
    """Some changes that are to be made once.

    Args:
        inner: The driver that makes them.
        changes: The changes, stamped; all of them.
    """

    def __init__(self, inner: InventoryDriver, changes: Sequence[Change]) -> None:
        self._inner = inner
        self._changes = list(changes)
        self._witness = _witness(changes, Capability.CAS in inner.capabilities)
        self._before: Entity | None = None
        self._unanswered: Unavailable | None = None
        self._decidable = self._witness is not None

    def may_repeat(self, error: BaseException) -> bool:
        """Tell whether another attempt is sensible after this error."""
        return self._decidable and isinstance(error, Unavailable)

    def attempt(self) -> None:
        """Make the changes, unless an attempt before has made them.

        Raises:
            Unavailable: They may be made or not.
            CratonError: As ``InventoryDriver._write``; they are not made.
        """
        if self._witness is None:
            self._inner._write(iter(self._changes))
            return
        found = self._look(self._witness)
        if self._is_done(self._witness, found):
            return
        self._before = found
        try:
            self._inner._write(iter(self._conditional(self._witness, found)))
        except Unavailable as error:
            self._unanswered = error
            raise
        except CratonError as error:
            self._answered(self._witness, error)

    def _answered(self, index: int, error: CratonError) -> None:
        """Raise what the store said, unless an earlier attempt was done after all."""
        if self._unanswered is None:
            raise error
        if self._is_done(index, self._look(index)):
            return
        unasked = isinstance(error, RevisionConflict) and _condition(self._changes[index]) is None
        raise self._unanswered if unasked else error

    def _look(self, index: int) -> Entity | None:
        change = self._changes[index]
        return self._inner._get(kind_of(change), _id_of(change))

    def _is_done(self, index: int, found: Entity | None) -> bool:
        """Tell whether an earlier attempt took effect.

        Raises:
            Unavailable: Nobody can tell.
        """
        if self._unanswered is None:
            return False
        alone = len(self._changes) == 1
        outcome = outcome_of(self._changes[index], self._before, found, alone)
        if outcome is Outcome.UNKNOWN:
            self._decidable = False
            raise self._unanswered
        return outcome is Outcome.DONE

    def _conditional(self, index: int, found: Entity | None) -> list[Change]:
        """Return the changes for this attempt: each one but the first has a condition."""
        change = self._changes[index]
        if self._unanswered is None or isinstance(change, Create) or found is None:
            return self._changes
        changes = self._changes.copy()
        condition = change.if_revision if change.if_revision is not None else found.revision
        changes[index] = dataclasses.replace(change, if_revision=condition)
        return changes


def outcome_of(change: Change, before: Entity | None, found: Entity | None, alone: bool) -> Outcome:
    """Tell what became of an attempt.

    Args:
        change: The witness of the attempt.
        before: What it was about, as it stood before the attempt.
        found: What stands there now.
        alone: Whether there was no other change.
    """
    match change:
        case Create(entity=entity):
            return _of_create(entity, before, found)
        case Replace(entity=entity):
            return _of_replace(entity, change.if_revision, before, found)
        case Delete():
            return _of_delete(change.if_revision, before, found, alone)


def _of_create(entity: Entity, before: Entity | None, found: Entity | None) -> Outcome:
    if found is None:
        return Outcome.NOT_DONE
    changed_since = before is None and found.created_at == entity.created_at
    mine = found.revision == entity.revision or changed_since
    return Outcome.DONE if mine else Outcome.NOT_DONE


def _of_replace(
    entity: Entity, if_revision: str | None, before: Entity | None, found: Entity | None
) -> Outcome:
    if found is not None and found.revision == entity.revision:
        return Outcome.DONE
    if before is None or if_revision not in (None, before.revision):
        return Outcome.NOT_DONE
    if found is not None and found.revision == before.revision:
        return Outcome.NOT_DONE
    return Outcome.UNKNOWN


def _of_delete(
    if_revision: str | None, before: Entity | None, found: Entity | None, alone: bool
) -> Outcome:
    if before is None or if_revision not in (None, before.revision):
        return Outcome.NOT_DONE
    if found is not None and found.created_at == before.created_at:
        return Outcome.NOT_DONE
    return Outcome.DONE if alone else Outcome.UNKNOWN


def _witness(changes: Sequence[Change], has_cas: bool) -> int | None:
    """Return the position of the change that tells most, ``None`` if none tells anything."""
    touched = Counter((kind_of(change), _id_of(change)) for change in changes)
    for sort in (Create, Replace, Delete) if has_cas else (Create,):
        for index, change in enumerate(changes):
            if isinstance(change, sort) and touched[kind_of(change), _id_of(change)] == 1:
                return index
    return None


def _id_of(change: Change) -> str:
    return change.id if isinstance(change, Delete) else change.entity.id


def _condition(change: Change) -> str | None:
    return None if isinstance(change, Create) else change.if_revision
