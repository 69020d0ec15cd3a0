"""Finds what cannot be mirrored because of other objects, and never guesses.

Each object is asked for its parent, its groups and its name. One that is refused keeps its last
good state, which may stand in the way of others, so the questions are asked again until no further
object is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, TypeAlias

from craton.backends.cmdb.books import Rejection, chosen
from craton.backends.cmdb.candidates import Candidates
from craton.backends.cmdb.entries import Key, key_of
from craton.cmdb import Present
from craton.driver import parent_of
from craton.mirror import Rejected
from craton.models import Entity, Group, Host, children, links, parent_field
from craton.names import CONTROLLER_NAMES
from craton.query import Compare, Operator
from craton.rules import find_cycle, rivals

#: What must be unique: the kinds that share the name, the parent and the name.
NameKey: TypeAlias = "tuple[type[Entity], str | None, str]"

#: Kinds whose entities may move to another parent: no other entity is linked to them.
MOVABLE: Final = (Host,)


def name_key(entity: Entity, name: str | None = None) -> NameKey:
    """Return what must be unique of an entity, or would be under another name."""
    namespace = Group if isinstance(entity, Host) else type(entity)
    return namespace, parent_of(entity), name or entity.name  # type: ignore[attr-defined]


def judge(looked: Candidates, refused: dict[Key, str]) -> None:
    """Move what cannot be mirrored to ``looked.rejected``.

    Args:
        looked: What the sync is about.
        refused: What the store has refused already, with the reason.
    """
    judgement = _Judgement(looked)
    judgement.reject(refused)
    while True:
        count = len(looked.rejected)
        for question in (judgement.places, judgement.names, judgement.cycles, judgement.ends):
            judgement.reject(dict(question()))
        if len(looked.rejected) == count:
            return


class _Judgement:
    """The questions, with what was looked up for them.

    Args:
        looked: What the sync is about.
    """

    def __init__(self, looked: Candidates) -> None:
        self._looked = looked
        self._all = dict(looked.present)
        self._leaving = set(looked.going)
        self._outside = self._load_outside()
        self._holders = self._load_holders()
        self._hanging = self._load_hanging()
        self._group = cache(lambda id: looked.reader._get(Group, id))

    # -- what was looked up --------------------------------------------------------------------

    def _load_outside(self) -> dict[Key, Entity]:
        """Read the parents and groups that objects name and the sync is not about."""
        wanted: dict[type[Entity], set[str]] = defaultdict(set)
        for present in self._all.values():
            for key in _named(present.entity):
                if key not in self._all:
                    wanted[key[0]].add(key[1])
        self._looked.learn((Group, id) for id in wanted[Group])
        return {
            key_of(entity): entity
            for kind, ids in wanted.items()
            for entity in chosen(self._looked.reader, kind, "id", ids)
        }

    def _load_holders(self) -> dict[NameKey, Entity]:
        """Read who has the names in the mirror that objects want."""
        wanted: dict[tuple[type[Entity], str | None], set[str]] = defaultdict(set)
        for present in self._all.values():
            if self._is_below_new(present.entity):
                continue
            for kind, parent, name in _wanted_names(present.entity):
                wanted[kind, parent].add(name)
        holders: dict[NameKey, Entity] = {}
        for (kind, parent), names in wanted.items():
            field = parent_field(kind)
            where = () if field is None else (Compare((field,), Operator.EQ, parent),)
            for other in (Group, Host) if kind is Group else (kind,):
                for entity in chosen(self._looked.reader, other, "name", names, *where):
                    holders[name_key(entity)] = entity
        return holders

    def _is_below_new(self, entity: Entity) -> bool:
        """Tell whether the parent of an object comes with it, so that no name there is taken."""
        parent = entity.parent and (entity.parent, str(parent_of(entity)))
        return parent in self._all and parent not in self._looked.stored

    def _load_hanging(self) -> dict[Key, list[Entity]]:
        """Read what hangs on the objects that go."""
        found: dict[Key, list[Entity]] = defaultdict(list)
        for kind in {kind for kind, _ in self._leaving}:
            ids = [id for other, id in self._leaving if other is kind]
            for child in children(kind):
                for entity in chosen(self._looked.reader, child, str(parent_field(child)), ids):
                    found[kind, str(parent_of(entity))].append(entity)
        return found

    # -- the questions -------------------------------------------------------------------------

    def places(self) -> Iterator[tuple[Key, str]]:
        """Is there the parent, and are there the groups?"""
        for key, present in self._live():
            reason = self._taken_id(key) or self._parent(key, present.entity)
            reason = reason or self._links(present.entity)
            if reason:
                yield key, reason

    def names(self) -> Iterator[tuple[Key, str]]:
        """Is the name free?"""
        claims: dict[NameKey, list[Key]] = defaultdict(list)
        for key, present in self._live():
            claims[name_key(present.entity)].append(key)
        for name, keys in claims.items():
            rivalling = self._rivals(name, claims) if self._is_of_host(keys) else []
            if len(keys) == 1 and not rivalling and name not in self._holders:
                continue
            rivals_held = (self._holder(rival) for rival in rivalling)
            holder = self._holder(name) or next(
                (rival for rival in rivals_held if isinstance(rival, Host)), None
            )
            everybody = [*keys, *(key for rival in rivalling for key in claims.get(rival, ()))]
            for key in keys:
                others = [other for other in everybody if other != key]
                if holder is not None:
                    yield key, f"its name is taken by {self._described(key_of(holder), holder)}"
                elif others and not self._is_incumbent(key):
                    other = self._all[others[0]].entity
                    yield key, f"its name is also that of {self._described(others[0], other)}"

    def cycles(self) -> Iterator[tuple[Key, str]]:
        """Is no group its own ancestor?"""
        for key, present in self._live():
            if isinstance(present.entity, Group) and present.entity.parents:
                cycle = find_cycle(key[1], self._parents_after)
                if cycle is not None:
                    yield key, "its parents lead back to itself: " + " → ".join(cycle)

    def ends(self) -> Iterator[tuple[Key, str]]:
        """Does nothing that stays hang on what goes?"""
        for key in self._going():
            for child in self._hanging.get(key, ()):
                if self._stays_below(child, key[1]):
                    what = self._described(key_of(child), child)
                    yield key, f"it is gone from the CMDB, but still has {what}"
                    break

    # -- what they ask about -------------------------------------------------------------------

    def reject(self, reasons: dict[Key, str]) -> None:
        """Move objects to those that are rejected."""
        looked = self._looked
        for key, reason in reasons.items():
            present = looked.present.pop(key, None)
            if present is not None:
                looked.rejected[key] = Rejection(told=_told(present, reason), present=present)
            elif key in looked.going:
                looked.going.discard(key)
                looked.rejected[key] = Rejection(told=self._told_gone(key, reason), gone=True)

    def _live(self) -> list[tuple[Key, Present]]:
        return list(self._looked.present.items())

    def _going(self) -> list[Key]:
        return list(self._looked.going)

    def _taken_id(self, key: Key) -> str:
        if key in self._looked.stored and not self._looked.is_live(key):
            return f"its id is that of a {key[0].kind} of Craton's own"
        return ""

    def _parent(self, key: Key, entity: Entity) -> str:
        if entity.parent is None:
            return ""
        called, id = entity.parent.kind, str(parent_of(entity))
        stored = self._looked.stored.get(key)
        if stored is not None and parent_of(stored) != id and not isinstance(entity, MOVABLE):
            return f"it is now in another {called}, and a {entity.kind} cannot move"
        parent = entity.parent, id
        if parent in self._looked.going:
            return f"its {called} {id} is gone"
        if parent in self._looked.present or parent in self._outside:
            return ""
        if parent in self._all:
            return "" if self._looked.is_live(parent) else f"its {called} {id} cannot be mirrored"
        return f"its {called} {id} is not there"

    def _links(self, entity: Entity) -> str:
        for field, _ in links(type(entity)):
            for id in getattr(entity, field):
                group = self._group_after(id)
                if group is None:
                    return f"its group {id} is not there, or cannot be mirrored"
                if group.region_id != parent_of(entity):
                    return f"its group {id} is in another region"
        return ""

    def _group_after(self, id: str) -> Group | None:
        """Return a group of the CMDB as it will be."""
        key = Group, id
        if key in self._looked.present:
            return self._looked.present[key].entity  # type: ignore[return-value]
        if key in self._looked.going or not self._looked.is_live(key):
            return None
        return self._looked.stored.get(key) or self._outside.get(key)  # type: ignore[return-value]

    def _parents_after(self, id: str) -> Iterable[str]:
        key = Group, id
        stored = self._looked.stored.get(key) or self._outside.get(key) or self._group(id)
        before: tuple[str, ...] = stored.parents if isinstance(stored, Group) else ()
        if key in self._looked.going:
            return ()
        if key not in self._looked.present:
            return before
        own = [parent for parent in before if not self._looked.is_mirrored_group(parent)]
        return [*self._looked.present[key].entity.parents, *own]  # type: ignore[attr-defined]

    def _holder(self, name: NameKey) -> Entity | None:
        """Return who has a name in the mirror and keeps it."""
        holder = self._holders.get(name)
        if holder is None:
            return None
        key = key_of(holder)
        return None if key in self._looked.present or key in self._looked.going else holder

    def _is_incumbent(self, key: Key) -> bool:
        stored = self._looked.stored.get(key)
        return stored is not None and name_key(stored) == name_key(self._all[key].entity)

    def _rivals(self, name: NameKey, claims: dict[NameKey, list[Key]]) -> list[NameKey]:
        """Return the names of hosts that cannot stand beside this one and are wanted or taken."""
        found = []
        for other in rivals(name[2]):
            rival = (*name[:2], other)
            holder = self._holder(rival)
            if self._is_of_host(claims.get(rival, ())) or isinstance(holder, Host):
                found.append(rival)
        return found

    def _is_of_host(self, keys: Iterable[Key]) -> bool:
        return any(kind is Host for kind, _ in keys)

    def _stays_below(self, child: Entity, parent: str) -> bool:
        key = key_of(child)
        if key in self._looked.going:
            return False
        present = self._looked.present.get(key)
        return present is None or parent_of(present.entity) == parent

    def _described(self, key: Key, entity: Entity) -> str:
        present = self._all.get(key)
        kept = self._looked.known.get(key)
        url = present.url if present else kept.entry.url if kept else None
        where = f" ({url})" if url else ""
        return f"the {entity.kind} {entity.name!r}{where}"  # type: ignore[attr-defined]

    def _told_gone(self, key: Key, reason: str) -> Rejected:
        entity = self._looked.stored.get(key)
        name = "" if entity is None else entity.name  # type: ignore[attr-defined]
        url = self._looked.known[key].entry.url
        return Rejected(kind=key[0].kind, id=key[1], name=name, reason=reason, url=url)


def _told(present: Present, reason: str) -> Rejected:
    entity = present.entity
    return Rejected(
        kind=entity.kind,
        id=entity.id,
        name=entity.name,  # type: ignore[attr-defined]
        reason=reason,
        url=present.url,
    )


def _named(entity: Entity) -> Iterator[Key]:
    """Yield the parent and the groups that an object names."""
    if entity.parent is not None:
        yield entity.parent, str(parent_of(entity))
    for field, _ in links(type(entity)):
        yield from ((Group, id) for id in getattr(entity, field))


def _wanted_names(entity: Entity) -> Iterator[NameKey]:
    wanted = name_key(entity)
    yield wanted
    if isinstance(entity, Host) and wanted[2] in CONTROLLER_NAMES:
        yield from ((*wanted[:2], other) for other in rivals(wanted[2]))
