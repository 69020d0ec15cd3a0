"""From what a sync may store to the changes of one batch, in an order that every rule allows.

The names of hosts and groups must be unique after each change, and two objects may swap theirs. So
whoever has a name that somebody else gets is called something else first. What was rejected, and
why, is remembered in the same batch.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from craton.backends.cmdb.books import Kept, chosen, is_too_long
from craton.backends.cmdb.candidates import Candidates
from craton.backends.cmdb.carrying import Carried, carried
from craton.backends.cmdb.entries import (
    Entry,
    Key,
    digest_of,
    entry_name,
    record_id,
    rejection_name,
)
from craton.backends.cmdb.judging import NameKey, name_key
from craton.backends.cmdb.ownership import NOTHING, OwnPart, kept_part, merged, own_part
from craton.driver import Change, Create, Delete, Replace, parent_of
from craton.mirror import SyncReport
from craton.models import INVENTORY_KINDS, Entity, Group, Host, Record, links
from craton.names import CONTROLLER_NAMES
from craton.rules import rivals

#: A change, and the object for whose sake it is made.
Subject = tuple[Change, Key | None]

#: Why an object is refused of which too much would have to be remembered.
TOO_LONG: Final = "the variables that Craton has added to it are too long to be put aside"


@dataclass(kw_only=True)
class Plan:
    """What one sync will do.

    Attributes:
        created: The objects that come, by key.
        updated: Those that change, and stay where they are.
        moved: Those that change their parent, with what hangs on them.
        deleted: Those that go.
        entries: What is to be remembered; ``None`` for nothing any more.
        refused: Objects of which too much would have to be remembered, with the reason.
    """

    created: dict[Key, Entity] = field(default_factory=dict)
    updated: dict[Key, Entity] = field(default_factory=dict)
    moved: dict[Key, Carried] = field(default_factory=dict)
    deleted: set[Key] = field(default_factory=set)
    entries: dict[Key, Entry | None] = field(default_factory=dict)
    refused: dict[Key, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether no entity changes."""
        return not (self.created or self.updated or self.moved or self.deleted)


def plan(looked: Candidates) -> Plan:
    """Find out what changes, from what was judged."""
    made = Plan()
    kept_links = _kept_links(looked)
    for key, present in looked.present.items():
        own = _own(looked, key, present.entity, kept_links)
        entity, entry = merged(present.entity, own, present.url, digest_of(present))
        _note(made, looked, key, entity, entry)
    for key in looked.going:
        stored = looked.stored.get(key)
        own = NOTHING
        if stored is not None:
            made.deleted.add(key)
            own = own_part(stored, looked.known[key].entry, looked.is_mirrored_group)
        made.entries[key] = own.kept() if own else None
    for key in looked.rejected:
        # It stays, but may lose a link: what the CMDB says of it is no longer what is here.
        kept, stays = looked.known.get(key), looked.stored.get(key)
        if kept is not None and stays is not None and _loses_link(looked, stays):
            made.entries[key] = dataclasses.replace(kept.entry, digest="")
    for key, remembered in made.entries.items():
        if remembered is not None and is_too_long(remembered.text()):
            made.refused[key] = TOO_LONG
    return made


def changes(made: Plan, looked: Candidates) -> Iterator[Subject]:
    """Yield the changes of entities and of what is remembered of them, in their order."""
    blocking = _blocking(made, looked)
    for key in blocking:
        stored = looked.stored[key]
        named: dict[str, Any] = {"name": f"moving-{record_id(entry_name(key))}"}
        other = dataclasses.replace(stored, **named)
        yield Replace(entity=other, if_revision=stored.revision), key
    for key in made.deleted:
        if key[0] is Host:
            yield Delete(kind=Host, id=key[1]), key
    for key, moved in made.moved.items():
        yield from ((change, key) for change in moved.removals())
    for kind in INVENTORY_KINDS:
        yield from _coming(made, looked, kind, blocking)
    for key, moved in made.moved.items():
        yield from ((change, key) for change in moved.additions())
    for kind in reversed(INVENTORY_KINDS):
        if kind is not Host:
            yield from (
                (Delete(kind=kind, id=id), (kind, id)) for k, id in made.deleted if k is kind
            )
    yield from _remembered(made.entries, looked.known)
    yield from _rejections(looked)


def report(made: Plan, *, everything: bool, rejected: int) -> SyncReport:
    """Count what changes, by the name of the kind."""
    return SyncReport(
        everything=everything,
        created=_tally(made.created),
        updated=_tally({**made.updated, **made.moved}),
        deleted=_tally(made.deleted),
        rejected=rejected,
    )


# -- what becomes of an entity ---------------------------------------------------------------------


def _note(made: Plan, looked: Candidates, key: Key, entity: Entity, entry: Entry) -> None:
    stored = looked.stored.get(key)
    made.entries[key] = entry
    if stored is None:
        made.created[key] = entity
    elif parent_of(stored) != parent_of(entity):
        made.moved[key] = carried(looked.reader, stored, entity)
    elif not _is_as_stored(entity, stored):
        made.updated[key] = entity


def _own(looked: Candidates, key: Key, said: Entity, kept_links: dict[str, Group]) -> OwnPart:
    """Return what Craton has added to an object, less the links that it cannot have any more."""
    kept, stored = looked.known.get(key), looked.stored.get(key)
    if kept is None:
        return NOTHING
    if stored is None:
        own = kept_part(kept.entry)
    else:
        own = own_part(stored, kept.entry, looked.is_mirrored_group)
        if parent_of(stored) == parent_of(said):
            return own
    region = parent_of(said)
    return dataclasses.replace(
        own,
        links={
            name: tuple(id for id in ids if id in kept_links and kept_links[id].region_id == region)
            for name, ids in own.links.items()
        },
    )


def _kept_links(looked: Candidates) -> dict[str, Group]:
    """Return the groups of Craton's own that objects were in before they went and came back."""
    wanted = {
        id
        for key in looked.present
        if (kept := looked.known.get(key)) is not None and not kept.entry.live
        for ids in kept.entry.links.values()
        for id in ids
    }
    looked.learn((Group, id) for id in wanted)
    return {
        group.id: group
        for group in chosen(looked.reader, Group, "id", wanted)
        if not looked.is_mirrored_group(group.id)
    }


def _is_as_stored(entity: Entity, stored: Entity) -> bool:
    stamped = dataclasses.replace(
        entity,
        revision=stored.revision,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )
    return stamped == stored


def _loses_link(looked: Candidates, stored: Entity) -> bool:
    return any(
        (Group, id) in looked.going
        for name, _ in links(type(stored))
        for id in getattr(stored, name)
    )


# -- the order of the batch ------------------------------------------------------------------------


def _blocking(made: Plan, looked: Candidates) -> set[Key]:
    """Return who has a name that somebody else gets in the same batch."""
    wanted: dict[NameKey, Key] = {}
    for key, entity in [*made.created.items(), *made.updated.items()]:
        stored = looked.stored.get(key)
        if stored is None or name_key(stored) != name_key(entity):
            for name in _names(entity):
                wanted[name] = key
    for key, moved in made.moved.items():
        for name in _names(moved.after):
            wanted[name] = key
    leaving = [key for key in made.deleted if key[0] is not Host]
    return {
        key
        for key in [*made.updated, *leaving]
        if wanted.get(name_key(looked.stored[key]), key) != key
        and (key in made.deleted or name_key(looked.stored[key]) != name_key(made.updated[key]))
    }


def _names(entity: Entity) -> Iterator[NameKey]:
    own = name_key(entity)
    yield own
    if isinstance(entity, Host) and own[2] in CONTROLLER_NAMES:
        yield from (name_key(entity, other) for other in rivals(own[2]))


def _coming(
    made: Plan, looked: Candidates, kind: type[Entity], blocking: set[Key]
) -> Iterator[Subject]:
    for key, entity in made.created.items():
        if key[0] is kind:
            yield Create(entity=entity), key
    for key, moved in made.moved.items():
        if key[0] is kind:
            yield Create(entity=moved.after), key
    for key, entity in made.updated.items():
        if key[0] is kind:
            revision = None if key in blocking else looked.stored[key].revision
            yield Replace(entity=entity, if_revision=revision), key


# -- what is remembered ----------------------------------------------------------------------------


def _remembered(entries: dict[Key, Entry | None], known: dict[Key, Kept]) -> Iterator[Subject]:
    replaced, removed = [], []
    for key, entry in entries.items():
        name = entry_name(key)
        if key not in known:
            if entry is not None:
                value = entry.text()
                yield Create(entity=Record(id=record_id(name), name=name, value=value)), key
        elif entry is None:
            removed.append(key)
        else:
            replaced.append((key, entry))
    for key, entry in replaced:
        name = entry_name(key)
        record = Record(id=record_id(name), name=name, value=entry.text())
        yield Replace(entity=record, if_revision=known[key].revision), key
    for key in removed:
        id = record_id(entry_name(key))
        yield Delete(kind=Record, id=id, if_revision=known[key].revision), key


def _rejections(looked: Candidates) -> Iterator[Subject]:
    """Remember what is rejected now, and forget what no longer is."""
    for key, rejection in looked.rejected.items():
        name, value = rejection_name(key), rejection.text()
        record = Record(id=record_id(name), name=name, value=value)
        before = looked.remembered.get(key)
        if before is None:
            yield Create(entity=record), None
        elif before.value != value:
            yield Replace(entity=record), None
    for key, before in looked.remembered.items():
        if key not in looked.rejected:
            yield Delete(kind=Record, id=before.id), None


def _tally(keys: Iterable[Key]) -> dict[str, int]:
    return dict(Counter(kind.kind for kind, _ in keys))
