"""From the changes of a write to those that it makes with a change log.

What the log says of a change must be true of the very state that the change meets. So each change
of what is stored gets a condition, the revision that was read. Where a change of the same write
gives the entity another one before its turn (the deletion of a group takes its members out of it),
a *guard* at the beginning stands for the condition: it stores again what was read.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final, TypeAlias

from craton.backends.wrappers.notes import Note, Recorder
from craton.backends.wrappers.operations import kind_of
from craton.changes import UNLOGGED
from craton.driver import (
    Change,
    Create,
    Delete,
    InventoryReader,
    Replace,
    at,
    check_replaceable,
    parent_of,
)
from craton.errors import (
    CratonError,
    InvalidReference,
    NotFound,
    RevisionConflict,
    Unsupported,
)
from craton.models import Entity, Group, Payload, Region, Secret, children, links, parent_field
from craton.query import In, Query

#: How many ids one query asks for.
_CHUNK: Final = 500

#: Of how many entities a write knows what it has made of them.
REMEMBERED: Final = 10_000

Key: TypeAlias = tuple[type[Entity], str]

#: A change and its position among all.
Numbered: TypeAlias = tuple[int, Change]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A change as it is made.

    Attributes:
        change: The change.
        index: The position of the change that it is made for.
        ours: Whether it has a condition that the caller did not set.
    """

    change: Change
    index: int
    ours: bool = False


def listed_children(kind: type[Entity]) -> tuple[type[Entity], ...]:
    """Return the kinds that are deleted one by one with their parent, so that the log has each.

    Whatever a region has goes with the region, and its record alone tells of it: it may be a
    million of hosts.
    """
    return () if kind is Region else tuple(k for k in children(kind) if k not in UNLOGGED)


class Draft:
    """Turns changes into steps, portion by portion, and knows what they have done so far.

    Args:
        reader: Reads what is stored.
        conditional: Whether the store compares revisions.
        whole: Whether all steps are made as one; otherwise there is one change, and it is made as
            it is.
        known: An entity that was read a moment ago.

    Attributes:
        seen: The revisions that were read, by entity; ``None`` where there is none.
        is_fresh: Whether all was read for this write.
    """

    def __init__(
        self,
        reader: InventoryReader,
        *,
        conditional: bool = True,
        whole: bool = True,
        known: Entity | None = None,
    ) -> None:
        self.seen: dict[Key, str | None] = {}
        self.is_fresh = True
        self._reader = reader
        self._conditional = conditional
        self._guarding = conditional and whole
        self._known = known
        self._recorder: Recorder | None = None
        # What the write made of entities so far; ``None`` is gone. It may have made too many.
        self._written: dict[Key, Entity | None] = {}
        self._forgotten: set[Key] = set()
        self._children: dict[Key, list[Key]] = defaultdict(list)
        self._gone: set[str] = set()
        # Of the present portion.
        self._stored: dict[Key, Entity] = {}
        self._below: dict[Key, list[Entity]] = {}
        self._guards: dict[Key, Step] = {}
        self._steps: list[Step] = []
        self._notes: list[Note] = []
        self._noted: dict[Key, Note] = {}

    def steps(self, portion: Sequence[Numbered]) -> Iterator[Step]:
        """Look up what a portion is about, now, and return its steps, with the records last.

        Raises:
            CratonError: When its turn comes: a change that cannot be made, as the driver has it.
        """
        long_gone = frozenset(self._gone)
        self._look_up([change for _, change in portion])
        self._guards, self._steps, self._notes, self._noted = {}, [], [], {}
        failure: CratonError | None = None
        for index, change in portion:
            try:
                with at(index):
                    self._take(index, change, long_gone)
            except CratonError as error:
                failure = error
                break
        return self._ordered(failure)

    def _ordered(self, failure: CratonError | None) -> Iterator[Step]:
        yield from self._guards.values()
        yield from self._steps
        if failure is not None:
            raise failure
        if self._recorder is None:
            # Behind the reads, so that of two changes of an entity the second one is later.
            self._recorder = Recorder()
        for index, record in self._recorder.records(self._notes):
            yield Step(change=record, index=index)

    # -- what is looked up for a portion ---------------------------------------------------------

    def _look_up(self, changes: Sequence[Change]) -> None:
        self._stored, self._below = {}, {}
        touched = {_key(change) for change in changes if not isinstance(change, Create)}
        self._read(key for key in touched if key[0] is Payload or key[0] not in UNLOGGED)
        payloads = [c.entity for c in changes if not isinstance(c, Delete)]
        payloads += [payload for key, payload in self._stored.items() if key[0] is Payload]
        self._read({(Secret, p.secret_id) for p in payloads if isinstance(p, Payload)})
        roots = [_key(c) for c in changes if isinstance(c, Delete) and c.cascade]
        for kind in {kind for kind, _ in roots}:
            self._read_below(kind, [id for other, id in roots if other is kind])

    def _read(self, keys: Iterable[Key]) -> None:
        wanted: dict[type[Entity], list[str]] = defaultdict(list)
        for kind, id in keys:
            if (kind, id) not in self._written and (kind, id) not in self._stored:
                wanted[kind].append(id)
        for kind, ids in wanted.items():
            for entity in self._entities(kind, ids):
                self._stored[kind, entity.id] = entity
            for id in ids:
                found = self._stored.get((kind, id))
                self.seen[kind, id] = None if found is None else found.revision

    def _entities(self, kind: type[Entity], ids: Sequence[str]) -> Iterator[Entity]:
        if len(ids) > 1:
            yield from self._having(kind, "id", ids)
            return
        known = self._known
        if known is not None and _key_of(known) == (kind, ids[0]):
            self.is_fresh = False
            yield known
        elif (found := self._reader._get(kind, ids[0])) is not None:
            yield found

    def _read_below(self, kind: type[Entity], ids: Sequence[str]) -> None:
        for child in listed_children(kind):
            for entity in self._having(child, str(parent_field(child)), ids):
                self._stored[_key_of(entity)] = entity
                self.seen[_key_of(entity)] = entity.revision
                self._below.setdefault((kind, str(parent_of(entity))), []).append(entity)

    def _having(self, kind: type[Entity], field: str, values: Sequence[str]) -> Iterator[Entity]:
        for start in range(0, len(values), _CHUNK):
            where = In((field,), tuple(values[start : start + _CHUNK]))
            with closing(self._reader.scan(kind, Query(where=where))) as found:
                yield from found

    # -- what becomes of one change --------------------------------------------------------------

    def _take(self, index: int, change: Change, long_gone: frozenset[str]) -> None:
        kind = kind_of(change)
        if _key(change) in self._forgotten:
            raise Unsupported(
                "change_log",
                f"the change log cannot follow a write of more than {REMEMBERED:,} entities that "
                f"changes the {kind.kind} {_key(change)[1]!r} again; make it several",
            )
        if kind in UNLOGGED:
            if kind is Payload:
                self._note_payload(index, change)
            self._steps.append(Step(change=change, index=index))
        elif isinstance(change, Create):
            self._steps.append(Step(change=change, index=index))
            self._note(Note(index=index, operation="create", after=change.entity))
        elif isinstance(change, Replace):
            before = self._before(change)
            check = check_replaceable if _key(change) not in self._written else _check_there
            check(before, change.entity, change.if_revision)
            self._add(index, change, before, long_gone)
            self._note(Note(index=index, operation="replace", before=before, after=change.entity))
        else:
            self._delete(index, change, long_gone)

    def _delete(self, index: int, change: Delete, long_gone: frozenset[str]) -> None:
        key, before = _key(change), self._before(change)
        if before is None:
            raise NotFound(change.kind.kind, change.id)
        if key not in self._written and change.if_revision not in (None, before.revision):
            raise RevisionConflict(change.kind.kind, change.id)
        made = change
        if change.cascade and self._guarding and listed_children(change.kind):
            for child in self._children_of(key):
                below = Delete(kind=type(child), id=child.id, cascade=True)
                self._add(index, below, child, long_gone)
                self._note_gone(index, child, cascade=isinstance(child, Region))
            # Whoever adds another one now must not lose it without a record.
            made = dataclasses.replace(change, cascade=False)
        self._add(index, made, before, long_gone, ours=made is not change)
        self._note_gone(index, before, cascade=change.cascade)
        if change.kind is Group:
            self._gone.add(change.id)

    def _before(self, change: Replace | Delete) -> Entity | None:
        key = _key(change)
        return self._written[key] if key in self._written else self._stored.get(key)

    def _children_of(self, key: Key) -> list[Entity]:
        """Return the children that there are when the turn of a deletion comes."""
        keys = [*(_key_of(child) for child in self._below.get(key, ())), *self._children[key]]
        states = (self._written.get(k, self._stored.get(k)) for k in dict.fromkeys(keys))
        return [child for child in states if child is not None]

    def _add(
        self,
        index: int,
        change: Replace | Delete,
        before: Entity | None,
        long_gone: frozenset[str],
        *,
        ours: bool = False,
    ) -> None:
        """Take a change up with the condition that it meets the state before."""
        key = _key(change)
        if before is None or key in self._written or not self._conditional:
            # Nobody else gets at what this very write has made.
            self._steps.append(Step(change=change, index=index, ours=ours))
            return
        linked = {id for field, _ in links(type(before)) for id in getattr(before, field)}
        if change.if_revision is None and not linked.isdisjoint(self._gone):
            if linked.isdisjoint(long_gone):
                self._guard(index, before)
            self._steps.append(Step(change=change, index=index, ours=ours))
            return
        ours = ours or change.if_revision is None
        change = dataclasses.replace(change, if_revision=before.revision)
        self._steps.append(Step(change=change, index=index, ours=ours))

    def _guard(self, index: int, before: Entity) -> None:
        guard = Replace(entity=before, if_revision=before.revision, verbatim=True)
        self._guards.setdefault(_key_of(before), Step(change=guard, index=index, ours=True))

    # -- what is to be said ----------------------------------------------------------------------

    def _note(self, note: Note) -> None:
        key = _key_of(note.subject)
        self._notes.append(note)
        self._noted[key] = note
        if key in self._written or len(self._written) < REMEMBERED:
            self._written[key] = note.after
        else:
            self._forgotten.add(key)
        parent = note.subject.parent
        if note.operation == "create" and parent is not None:
            self._children[parent, str(parent_of(note.subject))].append(key)

    def _note_gone(self, index: int, before: Entity, *, cascade: bool) -> None:
        self._note(Note(index=index, operation="delete", before=before, cascade=cascade))

    def _note_payload(self, index: int, change: Change) -> None:
        """Say of a secret that its content changes."""
        payload = self._stored.get(_key(change)) if isinstance(change, Delete) else change.entity
        if not isinstance(payload, Payload):
            raise NotFound(Payload.kind, _key(change)[1])
        key: Key = Secret, payload.secret_id
        if (noted := self._noted.get(key)) is not None:
            noted.payload = noted.after is not None
            return
        secret = self._written[key] if key in self._written else self._stored.get(key)
        if secret is None:
            if isinstance(change, Create):
                raise InvalidReference(str(parent_field(Payload)), payload.secret_id)
            raise NotFound(Payload.kind, payload.id)
        if key not in self._written and self._guarding:
            self._guard(index, secret)
        note = Note(index=index, operation="replace", before=secret, after=secret, payload=True)
        self._note(note)


def _check_there(stored: Entity | None, entity: Entity, if_revision: str | None) -> None:
    if stored is None:
        raise NotFound(entity.kind, entity.id)


def _key(change: Change) -> Key:
    if isinstance(change, Delete):
        return change.kind, change.id
    return _key_of(change.entity)


def _key_of(entity: Entity) -> Key:
    return type(entity), entity.id
