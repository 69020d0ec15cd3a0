"""What is to be said of changes, and the records that say it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from craton import caller
from craton.changes import PAYLOAD_FIELD, Clock, changed_fields, log_of, place_at, state_digest
from craton.driver import Create, new_revision
from craton.models import ChangeRecord, Entity, specs

#: What stores do not keep, or people do not read. Names of users are not Craton's.
_UNREADABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_CLOCK: Final = Clock()


@dataclass(kw_only=True, slots=True)
class Note:
    """What the log is to say of one change.

    Attributes:
        index: The position of the change.
        operation: What is done.
        before: The state before, if there is one that is known.
        after: The state after, if there is one.
        cascade: Whether what is below goes too.
        payload: Whether the content of a secret changes.
    """

    index: int
    operation: str
    before: Entity | None = None
    after: Entity | None = None
    cascade: bool = False
    payload: bool = False

    @property
    def subject(self) -> Entity:
        """The entity."""
        subject = self.after if self.after is not None else self.before
        assert subject is not None
        return subject

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of what changes."""
        found = () if self.after is None else changed_fields(self.before, self.after)
        return tuple(sorted((*found, PAYLOAD_FIELD))) if self.payload else found


class Recorder:
    """Makes the records of one write, for whoever asks for it now."""

    def __init__(self) -> None:
        who = caller.current()
        moment = _CLOCK.moment()
        stamp = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        self._place = f"{place_at(moment)}Z-{new_revision()}"
        self._count = 0
        self._common = ChangeRecord(
            revision=new_revision(),
            created_at=stamp,
            updated_at=stamp,
            name=self._place,
            operation="",
            entity_kind="",
            entity_id="",
            user_id=_readable(who.user_id, "user_id"),
            project_id=None if who.project_id is None else _readable(who.project_id, "project_id"),
            request_id=_readable(caller.request_id(), "request_id"),
        )

    def records(self, notes: Iterable[Note]) -> Iterator[tuple[int, Create]]:
        """Yield what stores the records, with the positions of the changes."""
        for note in notes:
            yield note.index, Create(entity=self._record(note), verbatim=True)

    def _record(self, note: Note) -> ChangeRecord:
        place = f"{self._place}-{self._count:08}"
        self._count += 1
        subject = note.subject
        region_id, tenant_id = log_of(subject)
        return dataclasses.replace(
            self._common,
            id=place,
            name=place,
            region_id=region_id,
            tenant_id=tenant_id,
            operation=note.operation,
            cascade=note.cascade,
            entity_kind=subject.kind,
            entity_id=subject.id,
            entity_name=subject.name,  # type: ignore[attr-defined]
            fields=note.fields,
            digest_before=None if note.before is None else state_digest(note.before),
            digest_after=None if note.after is None else state_digest(note.after),
        )


def _readable(text: str, field: str) -> str:
    """Return a text of somebody else's so that every store keeps it."""
    longest: int = specs(ChangeRecord)[field].max_length  # type: ignore[attr-defined]
    return _UNREADABLE.sub("\ufffd", text)[:longest]
