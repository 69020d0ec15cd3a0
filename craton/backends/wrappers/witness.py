"""What the store shows of a write that it did not answer.

One entity of the write is looked at, before an attempt and afterwards. As a batch is one step, what
became of this one became of all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum

from craton.backends.wrappers.operations import kind_of
from craton.driver import Change, Create, Delete
from craton.models import Entity


class Outcome(Enum):
    """What became of an attempt."""

    DONE = "done"
    NOT_DONE = "not done"
    UNKNOWN = "unknown"


class _Sort(IntEnum):
    """What the write does to an entity, beginning with what is told most easily."""

    MADE = 0
    REPLACED = 1
    REMOVED = 2
    #: Made and removed again.
    NOTHING = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """An entity that a write changes.

    Attributes:
        position: Where the first change of it stands among all.
        first: The first change of it, which fails if the entity is not as it must be.
        last: The last change of it, which leaves what can be seen.
        alone: Whether there is no other change.
    """

    position: int
    first: Change
    last: Change
    alone: bool

    @property
    def kind(self) -> type[Entity]:
        """The kind of the entity."""
        return kind_of(self.first)

    @property
    def id(self) -> str:
        """The id of the entity."""
        return _id_of(self.first)

    @property
    def if_revision(self) -> str | None:
        """The condition that the caller set."""
        return None if isinstance(self.first, Create) else self.first.if_revision

    def outcome(self, before: Entity | None, found: Entity | None) -> Outcome:
        """Tell what became of an attempt.

        Args:
            before: The entity as it was before the attempt.
            found: The entity as it is now.
        """
        left = None if isinstance(self.last, Delete) else self.last.entity
        if left is not None and found is not None and found.revision == left.revision:
            return Outcome.DONE
        if not self._could_begin(before):
            return Outcome.NOT_DONE
        if left is None:
            return self._of_removed(before, found)
        if before is None:
            changed_since = found is not None and found.created_at == left.created_at
            return Outcome.DONE if changed_since else Outcome.NOT_DONE
        unchanged = found is not None and found.revision == before.revision
        return Outcome.NOT_DONE if unchanged else Outcome.UNKNOWN

    def conditional(self, changes: Sequence[Change], found: Entity | None) -> list[Change]:
        """Return the changes, so that they cannot go over what is written from now on.

        Args:
            changes: All changes of the write.
            found: The entity as it is now.
        """
        conditional = list(changes)
        if not isinstance(self.first, Create) and self.if_revision is None and found is not None:
            condition = dataclasses.replace(self.first, if_revision=found.revision)
            conditional[self.position] = condition
        return conditional

    def _could_begin(self, before: Entity | None) -> bool:
        if isinstance(self.first, Create):
            return before is None
        return before is not None and self.if_revision in (None, before.revision)

    def _of_removed(self, before: Entity | None, found: Entity | None) -> Outcome:
        if before and found and found.created_at == before.created_at:
            return Outcome.NOT_DONE
        return Outcome.DONE if self.alone else Outcome.UNKNOWN


def choose(changes: Sequence[Change], *, conditions: bool) -> Witness | None:
    """Return the entity that tells most of a write, ``None`` if none tells anything.

    Args:
        changes: All changes of the write.
        conditions: Whether the store compares revisions (CAS). Where it does not, only an entity
            that is made can be: its id is a condition by itself.
    """
    touched: dict[tuple[type[Entity], str], list[int]] = {}
    for position, change in enumerate(changes):
        touched.setdefault((kind_of(change), _id_of(change)), []).append(position)
    witnesses = (
        Witness(
            position=positions[0],
            first=changes[positions[0]],
            last=changes[positions[-1]],
            alone=len(changes) == 1,
        )
        for positions in touched.values()
    )
    best = min(witnesses, key=_sort, default=None)
    worst = _Sort.REMOVED if conditions else _Sort.MADE
    return best if best is not None and _sort(best) <= worst else None


def _sort(witness: Witness) -> _Sort:
    if isinstance(witness.last, Delete):
        return _Sort.NOTHING if isinstance(witness.first, Create) else _Sort.REMOVED
    return _Sort.MADE if isinstance(witness.first, Create) else _Sort.REPLACED


def _id_of(change: Change) -> str:
    return change.id if isinstance(change, Delete) else change.entity.id
