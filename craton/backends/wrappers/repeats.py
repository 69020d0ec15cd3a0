"""Writes that are tried again, though nobody can say whether the first try was done.

``Unavailable`` may mean that the store did nothing, that it did everything and its answer was lost,
or that it will do it in a moment. So a write is repeated only if at most one of its attempts can
take effect, and only when the store shows that none has so far. For that one entity of the write,
the *witness*, is read before the first attempt, and before each other one.

* Created: its id is made before the first attempt, so of two attempts one is ``AlreadyExists``. It
  is there at the revision of this write, or made at its moment and changed since: done. (If
  somebody deletes it in that moment, it is created again.)
* Replaced: a revision never comes back. At the revision of this write: done. At the one seen before
  the attempt: not done. At any other one nobody can tell whether others wrote over this write or
  instead of it. After ``RevisionConflict`` the caller of a compare-and-set would do his work again,
  perhaps for the second time; so it stays ``Unavailable``.
* Deleted: still there: not done. Gone, if it was there before: what the caller wanted, whoever did
  it. In a batch that proves nothing of the other changes, and it stays ``Unavailable``.

A repeated ``Replace`` or ``Delete`` always has a condition, the caller's or the revision that was
seen last: it cannot go over what others have written since. That needs CAS; without it, only what
creates is repeated.
"""

from __future__ import annotations

from collections.abc import Sequence

from craton.backends.wrappers import witness
from craton.backends.wrappers.witness import Outcome, Witness
from craton.capabilities import Capability
from craton.driver import Change, InventoryDriver
from craton.errors import CratonError, RevisionConflict, Unavailable
from craton.models import Entity


class RepeatableWrite:
    """Some changes that are to be made once.

    Args:
        inner: The driver that makes them.
        changes: All the changes, stamped.
    """

    def __init__(self, inner: InventoryDriver, changes: Sequence[Change]) -> None:
        self._inner = inner
        self._changes = changes
        self._witness = witness.choose(changes, conditions=Capability.CAS in inner.capabilities)
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
        changes = self._changes
        if self._unanswered is not None:
            if self._is_done(self._witness, found, self._unanswered):
                return
            changes = self._witness.conditional(changes, found)
        self._before = found
        try:
            self._inner._write(iter(changes))
        except Unavailable as error:
            self._unanswered = error
            raise
        except CratonError as error:
            if self._unanswered is None:
                raise
            self._refused(self._witness, error, self._unanswered)

    def _refused(self, witness: Witness, error: CratonError, unanswered: Unavailable) -> None:
        """Raise why an attempt was refused, unless the reason is an earlier one."""
        if self._is_done(witness, self._look(witness), unanswered):
            return
        if isinstance(error, RevisionConflict) and witness.if_revision is None:
            # The caller did not ask for the condition, so it is looked at anew.
            raise unanswered
        raise error

    def _look(self, witness: Witness) -> Entity | None:
        return self._inner._get(witness.kind, witness.id)

    def _is_done(self, witness: Witness, found: Entity | None, unanswered: Unavailable) -> bool:
        outcome = witness.outcome(self._before, found)
        if outcome is Outcome.UNKNOWN:
            self._decidable = False
            raise unanswered
        return outcome is Outcome.DONE
