"""What a sync has to look at: the objects that changed, those that go, and what hangs on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from craton.backends.cmdb.books import Books, Kept, Rejection, chosen
from craton.backends.cmdb.collecting import Found
from craton.backends.cmdb.entries import KINDS_BY_NAME, Key, digest_of, key_of
from craton.backends.cmdb.ownership import cmdb_part
from craton.cmdb import Present
from craton.driver import InventoryReader
from craton.models import Entity, Group, Record, links
from craton.query import Overlaps, Query


@dataclass(kw_only=True)
class Candidates:
    """What one sync is about, before anything of it is judged.

    Attributes:
        reader: Reads the mirror.
        known: What is remembered of objects, as far as it was needed.
        present: The objects to store, by key: new ones, changed ones, and those to look at again.
        going: The mirrored objects that the CMDB no longer has.
        rejected: Those that cannot be mirrored whatever the others are.
        remembered: The records of the objects that an earlier sync rejected.
        stored: The entities of objects to store and of those that go, as they are in the mirror.
    """

    reader: InventoryReader
    known: dict[Key, Kept]
    present: dict[Key, Present] = field(default_factory=dict)
    going: set[Key] = field(default_factory=set)
    rejected: dict[Key, Rejection] = field(default_factory=dict)
    remembered: dict[Key, Record] = field(default_factory=dict)
    stored: dict[Key, Entity] = field(default_factory=dict)

    def is_live(self, key: Key) -> bool:
        """Tell whether an object is mirrored; it must be known."""
        kept = self.known.get(key)
        return kept is not None and kept.entry.live

    def is_mirrored_group(self, id: str) -> bool:
        """Tell whether a group that :meth:`learn` was told of is the CMDB's."""
        return self.is_live((Group, id))

    def learn(self, keys: Iterable[Key]) -> None:
        """Look up what is remembered of further objects."""
        unknown = {key for key in keys if key not in self.known}
        self.known |= Books(self.reader).entries(unknown)

    def load(self, keys: Iterable[Key]) -> None:
        """Read entities of the mirror, as far as they exist, and whose their groups are."""
        wanted: dict[type[Entity], list[str]] = {}
        for kind, id in keys:
            if (kind, id) not in self.stored:
                wanted.setdefault(kind, []).append(id)
        for kind, ids in wanted.items():
            for entity in chosen(self.reader, kind, "id", ids):
                self.stored[kind, entity.id] = entity
        self.learn(
            (Group, id)
            for kind, ids in wanted.items()
            for own in ids
            if (stored := self.stored.get((kind, own))) is not None
            for name, _ in links(kind)
            for id in getattr(stored, name)
        )


def candidates(reader: InventoryReader, found: Found) -> Candidates:
    """Find out what has to be looked at.

    Args:
        reader: Reads the mirror, records included.
        found: What the CMDB said.
    """
    books = Books(reader)
    pending = {_key_of(rejection): (record, rejection) for record, rejection in books.rejections()}
    if found.end.everything:
        known = dict(books.all_entries(KINDS_BY_NAME))
    else:
        known = books.entries({*found.present, *found.gone, *found.unusable, *pending})
    looked = Candidates(reader=reader, known=known)
    looked.remembered = {key: record for key, (record, _) in pending.items()}
    looked.rejected.update(found.unusable)
    for key, present in found.present.items():
        _consider(looked, key, present)
    if found.end.everything:
        said = found.present.keys() | found.unusable.keys()
        looked.going = {key for key in known if looked.is_live(key) and key not in said}
    else:
        looked.going = {key for key in found.gone if looked.is_live(key)}
        for key, (_, rejection) in pending.items():
            if not (key in found.present or key in found.gone or key in found.unusable):
                _consider_again(looked, key, rejection)
    looked.load({*looked.present, *looked.going})
    _consider_linked(looked)
    return looked


def _consider(looked: Candidates, key: Key, present: Present) -> None:
    kept = looked.known.get(key)
    if kept is None or not kept.entry.live or kept.entry.digest != digest_of(present):
        looked.present[key] = present


def _consider_again(looked: Candidates, key: Key, rejection: Rejection) -> None:
    if rejection.gone:
        if looked.is_live(key):
            looked.going.add(key)
    elif rejection.present is not None:
        _consider(looked, key, rejection.present)
    else:
        looked.rejected[key] = rejection


def _consider_linked(looked: Candidates) -> None:
    """Look at what would lose a link that the CMDB did not take back."""
    groups = tuple(id for kind, id in looked.going if kind is Group)
    if not groups:
        return
    losing: dict[Key, Entity] = {}
    for kind in KINDS_BY_NAME.values():
        for name, _ in links(kind):
            for entity in looked.reader.scan(kind, Query(where=Overlaps((name,), groups))):
                losing[key_of(entity)] = entity
    losing = {
        key: entity
        for key, entity in losing.items()
        if key not in looked.present and key not in looked.going
    }
    looked.learn(losing)
    losing = {key: entity for key, entity in losing.items() if looked.is_live(key)}
    looked.load(losing)
    for key, entity in losing.items():
        entry = looked.known[key].entry
        said = cmdb_part(entity, entry, looked.is_mirrored_group)
        looked.present[key] = Present(entity=said, url=entry.url)


def _key_of(rejection: Rejection) -> Key:
    return KINDS_BY_NAME[rejection.told.kind], rejection.told.id
