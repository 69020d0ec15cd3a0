"""Reads what the driver remembers, by few statements for any number of objects."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final, Self

from craton import jsontext
from craton.backends.cmdb.entries import (
    PREFIX,
    REJECTED,
    STATE,
    Entry,
    Key,
    entry_name,
    of_document,
    record_id,
    to_document,
)
from craton.cmdb import Present
from craton.driver import InventoryReader
from craton.mirror import Held, Rejected
from craton.models import E, Entity, Record, specs
from craton.query import AllOf, In, Predicate, Prefix, Query

#: How many values one query asks for.
CHUNK: Final = 500

_LONGEST: Final[int] = specs(Record)["value"].max_length  # type: ignore[attr-defined]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """An entry as it is stored.

    Attributes:
        entry: The entry.
        revision: The revision of its record.
    """

    entry: Entry
    revision: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """Why an object is not mirrored as it is, and what it would be.

    Attributes:
        told: What people are told of it.
        present: The object, to be looked at again when others have changed; ``None`` if it cannot
            be mirrored whatever the others are, or is gone.
        gone: Whether it is gone, and stays in the mirror because something hangs on it.
    """

    told: Rejected
    present: Present | None = None
    gone: bool = False

    def text(self) -> str:
        """Return it as JSON."""
        document: dict[str, Any] = {**_document(self.told), "gone": self.gone}
        short = jsontext.dumps(document)
        if self.present is None:
            return short
        document["present"] = to_document(self.present.entity)
        whole = jsontext.dumps(document)
        # One that is too long to be remembered is looked at when the CMDB next speaks of it.
        return whole if len(whole) <= _LONGEST else short

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Return what :meth:`text` wrote."""
        document: Any = jsontext.loads(text)
        present = document.pop("present", None)
        gone = document.pop("gone")
        told = Rejected(**document)
        if present is not None:
            present = Present(entity=of_document(present), url=told.url)
        return cls(told=told, present=present, gone=gone)


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """How far the mirror has come.

    Attributes:
        adapter: The name of the adapter that the token is of.
        token: Where the next sync goes on; ``None`` before the first success.
        synced_at: What the CMDB had at this time is mirrored.
        changed_at: When a sync last changed anything.
        attempted_at: When a sync last began.
        error: Why it failed.
        held: The regions for whose sake it is held.
        rejected: How many objects are not mirrored as they are.
    """

    adapter: str = ""
    token: str | None = None
    synced_at: datetime | None = None
    changed_at: datetime | None = None
    attempted_at: datetime | None = None
    error: str | None = None
    held: tuple[Held, ...] = ()
    rejected: int = 0

    def text(self) -> str:
        """Return it as JSON."""
        document = _document(self)
        document["held"] = [_document(held) for held in self.held]
        for name in _TIMES:
            moment = document[name]
            document[name] = moment and moment.isoformat()
        return jsontext.dumps(document)

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Return what :meth:`text` wrote."""
        document: Any = jsontext.loads(text)
        document["held"] = tuple(Held(**held) for held in document["held"])
        for name in _TIMES:
            moment = document[name]
            document[name] = moment and datetime.fromisoformat(moment)
        return cls(**document)


_TIMES: Final = ("synced_at", "changed_at", "attempted_at")


class Books:
    """What is remembered in one store.

    Args:
        reader: Reads the store, records of this driver included.
    """

    def __init__(self, reader: InventoryReader) -> None:
        self.reader = reader

    def record(self, name: str) -> Record | None:
        """Return the record of this name, if there is one."""
        return self.reader._get(Record, record_id(name))

    def state(self) -> State:
        """Return how far the mirror has come."""
        record = self.record(STATE)
        return State() if record is None else State.of_text(record.value)

    def entries(self, keys: Iterable[Key]) -> dict[Key, Kept]:
        """Return the entries of these objects, as far as there are any."""
        wanted = {record_id(entry_name(key)): key for key in keys}
        found = chosen(self.reader, Record, "id", wanted)
        return {wanted[record.id]: _kept(record) for record in found}

    def all_entries(self, kinds: Mapping[str, type[Entity]]) -> Iterator[tuple[Key, Kept]]:
        """Yield every entry, those of objects that are gone included."""
        for name, kind in kinds.items():
            prefix = f"{PREFIX}{name}/"
            for record in self._having(prefix):
                yield (kind, record.name.removeprefix(prefix)), _kept(record)

    def rejections(self, limit: int | None = None) -> Iterator[tuple[Record, Rejection]]:
        """Yield the objects that are not mirrored as they are, with their records."""
        for record in self._having(REJECTED, limit):
            yield record, Rejection.of_text(record.value)

    def _having(self, prefix: str, limit: int | None = None) -> Iterator[Record]:
        return self.reader.scan(Record, Query(where=Prefix(("name",), prefix), limit=limit))


def chosen(
    reader: InventoryReader,
    kind: type[E],
    field: str,
    values: Iterable[str],
    *also: Predicate,
) -> Iterator[E]:
    """Yield the entities that have one of these values in a field, however many there are.

    Args:
        reader: Where they are.
        kind: Their kind.
        field: The field.
        values: The values.
        also: What must hold besides.
    """
    rest = iter(values)
    while part := tuple(islice(rest, CHUNK)):
        yield from reader.scan(kind, Query(where=AllOf(*also, In((field,), part))))


def is_too_long(text: str) -> bool:
    """Tell whether a text is more than a record can hold."""
    return len(text) > _LONGEST


def _kept(record: Record) -> Kept:
    return Kept(entry=Entry.of_text(record.value), revision=record.revision)


def _document(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
