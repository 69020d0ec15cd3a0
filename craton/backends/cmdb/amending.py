"""What Craton may change of a mirror, and what has to be remembered with each change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import islice
from typing import Final

from craton.backends.cmdb.books import CHUNK, Books, Kept, chosen
from craton.backends.cmdb.entries import (
    KINDS_BY_NAME,
    PREFIX,
    Entry,
    Key,
    entry_name,
    key_of,
    record_id,
)
from craton.backends.cmdb.ownership import amended
from craton.driver import (
    Change,
    Create,
    Delete,
    InventoryReader,
    Replace,
    at,
    check_replaceable,
    new_revision,
    now,
)
from craton.errors import CratonError, InvalidValue, NotFound, ReadOnly, RevisionConflict
from craton.models import Entity, Group, Record, children, links, parent_field
from craton.query import In, Query

_MIRRORED: Final = frozenset(KINDS_BY_NAME.values())

#: A change and its position among all.
Numbered = tuple[int, Change]


class Amendments:
    """The changes of one write, as the store is to make them.

    Iterating over it yields them, with those of what is remembered between them.

    Args:
        reader: Reads the mirror.
        owner: What people call the CMDB.
        owned: The kinds of which it has every one.
        changes: The changes as Craton wants to make them.
    """

    def __init__(
        self,
        reader: InventoryReader,
        owner: str,
        owned: frozenset[type[Entity]],
        changes: Iterator[Change],
    ) -> None:
        self._reader = reader
        self._books = Books(reader)
        self._owner = owner
        self._owned = owned
        self._changes = enumerate(changes)
        self._known: dict[Key, Kept | None] = {}
        self._stored: dict[Key, Entity] = {}
        self._origins: list[int] = []
        self._own_error: BaseException | None = None
        self._subjects: dict[int, Key] = {}

    def __iter__(self) -> Iterator[Change]:
        try:
            while portion := list(islice(self._changes, CHUNK)):
                for index, change in self._made(portion):
                    self._origins.append(index)
                    yield change
        except CratonError as error:
            self._own_error = error
            raise

    def placed(self, error: CratonError) -> CratonError:
        """Return an error of the store with the position that the caller knows."""
        if error is self._own_error or error.change is None:
            return error
        index = self._origins[error.change]
        error.change = index
        if isinstance(error, RevisionConflict) and error.kind == Record.kind:
            kind, id = self._subjects.get(index, (Record, error.id))
            moved = RevisionConflict(kind.kind, id)
            moved.change = index
            return moved
        return error

    def _made(self, portion: list[Numbered]) -> Iterator[Numbered]:
        self._look_up(portion)
        remembered: dict[Key, tuple[int, Entry]] = {}
        for index, change in portion:
            with at(index):
                made = self._checked(index, change, remembered)
            yield index, made
        for key, (index, entry) in remembered.items():
            kept = self._known[key]
            assert kept is not None
            record = _stamped(key, entry)
            yield index, Replace(entity=record, if_revision=kept.revision)
            self._known[key] = Kept(entry=entry, revision=record.revision)

    # -- what is looked up for a portion ---------------------------------------------------------

    def _look_up(self, portion: list[Numbered]) -> None:
        keys = {key for _, change in portion for key in _touched(change)}
        self._learn(keys)
        replaced = {key_of(change.entity) for _, change in portion if isinstance(change, Replace)}
        wanted = [key for key in replaced if self._entry(key) and key not in self._stored]
        for kind in {kind for kind, _ in wanted}:
            ids = [id for other, id in wanted if other is kind]
            for entity in chosen(self._reader, kind, "id", ids):
                self._stored[key_of(entity)] = entity
        groups = {
            (Group, id)
            for key in wanted
            if (stored := self._stored.get(key)) is not None
            for id in _linked(stored)
        }
        self._learn({key for key in groups if key not in self._known})

    def _learn(self, keys: set[Key]) -> None:
        unknown = {key for key in keys if key not in self._known}
        self._known |= dict.fromkeys(unknown)
        self._known |= self._books.entries(unknown)

    def _entry(self, key: Key) -> Entry | None:
        """Return what is remembered of an object that is mirrored."""
        kept = self._known.get(key)
        return kept.entry if kept is not None and kept.entry.live else None

    def _is_mirrored(self, group: str) -> bool:
        return self._entry((Group, group)) is not None

    # -- what becomes of one change --------------------------------------------------------------

    def _checked(
        self, index: int, change: Change, remembered: dict[Key, tuple[int, Entry]]
    ) -> Change:
        if isinstance(change, Delete):
            self._check_delete(change)
            return change
        if isinstance(change.entity, Record):
            self._check_record(change.entity, new=isinstance(change, Create))
            return change
        if isinstance(change, Create):
            if type(change.entity) in self._owned:
                raise ReadOnly(self._owner)
            return change
        return self._replace(index, change, remembered)

    def _replace(
        self, index: int, change: Replace, remembered: dict[Key, tuple[int, Entry]]
    ) -> Change:
        key = key_of(change.entity)
        entry, stored = self._entry(key), self._stored.get(key)
        if entry is None or stored is None:
            return change
        check_replaceable(stored, change.entity, change.if_revision)
        after = amended(stored, change.entity, entry, self._owner, self._is_mirrored)
        kept = self._known[key]
        assert kept is not None
        self._subjects[index] = key
        self._known[key] = Kept(entry=after, revision=kept.revision)
        self._stored[key] = change.entity
        remembered[key] = (index, after)
        return dataclasses.replace(change, if_revision=stored.revision)

    def _check_delete(self, change: Delete) -> None:
        if change.kind is Record:
            self._check_record_id(change.id)
            return
        self._refuse_owned(change.kind, change.id)
        if change.cascade:
            self._check_below(change.kind, [change.id])

    def _refuse_owned(self, kind: type[Entity], id: str) -> None:
        entry = self._entry((kind, id))
        if entry is not None:
            raise ReadOnly(self._owner, entry.url)

    def _check_below(self, kind: type[Entity], ids: list[str]) -> None:
        """Refuse to take along what is the CMDB's."""
        for child in children(kind):
            where = In((str(parent_field(child)),), tuple(ids))
            below = [entity.id for entity in self._reader.scan(child, Query(where=where))]
            if below and child in _MIRRORED:
                self._learn({(child, id) for id in below})
                for id in below:
                    self._refuse_owned(child, id)
            if below:
                self._check_below(child, below)

    def _check_record(self, record: Record, *, new: bool) -> None:
        if record.name.startswith(PREFIX):
            raise InvalidValue("name", f"must not begin with {PREFIX!r}, which the mirror keeps")
        if not new:
            self._check_record_id(record.id)

    def _check_record_id(self, id: str) -> None:
        found = self._reader._get(Record, id)
        if found is not None and found.name.startswith(PREFIX):
            raise NotFound(Record.kind, id)


def _stamped(key: Key, entry: Entry) -> Record:
    """Return the record of an entry as it is to be stored; the hook of the store stamps nothing."""
    name, moment = entry_name(key), now()
    return Record(
        id=record_id(name),
        revision=new_revision(),
        created_at=moment,
        updated_at=moment,
        name=name,
        value=entry.text(),
    )


def _touched(change: Change) -> Iterator[Key]:
    """Yield the objects of which a change depends on whose they are."""
    if isinstance(change, Delete):
        if change.kind in _MIRRORED:
            yield change.kind, change.id
    elif type(change.entity) in _MIRRORED:
        yield key_of(change.entity)
        yield from ((Group, id) for id in _linked(change.entity))


def _linked(entity: Entity) -> Iterator[str]:
    for field, _ in links(type(entity)):
        yield from getattr(entity, field)
