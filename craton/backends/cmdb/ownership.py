"""Who owns what of a mirrored entity: how both parts become one, and which changes Craton may make.

The CMDB owns every field, every variable that it has, and the links between two of its objects.
Craton owns the variables beside those, which of all variables Ansible may template, and the links
to groups of its own. Where both have a variable, the CMDB's is the one that counts, and Craton's is
put aside.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from craton.backends.cmdb.entries import Entry
from craton.errors import ReadOnly
from craton.fields import Links, VariableMap, VariableNames
from craton.models import E, Entity, links, specs
from craton.variables import Variables

#: Tells whether the group of an id is the CMDB's.
IsMirrored = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPart:
    """What Craton has added to an object of the CMDB.

    Attributes:
        values: Variables as JSON text by name, those that are hidden included.
        templated: Those of them that Ansible may template.
        flags: The CMDB's variables that Ansible may template.
        links: Ids of groups by field.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    templated: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values or self.flags or any(self.links.values()))

    def kept(self) -> Entry:
        """Return what is remembered of it while the object is gone."""
        return Entry(
            live=False,
            aside=self.values,
            aside_templated=self.templated,
            flags=self.flags,
            links={name: ids for name, ids in self.links.items() if ids},
        )


NOTHING: Final = OwnPart()


def own_part(entity: Entity, entry: Entry, is_mirrored: IsMirrored) -> OwnPart:
    """Return what Craton has added to a mirrored entity."""
    members, flagged = _variables(entity).members(), frozenset(_templated(entity))
    visible = {name: text for name, text in members.items() if name in entry.own}
    return OwnPart(
        values={**visible, **entry.aside},
        templated=(flagged & visible.keys()) | entry.aside_templated,
        flags=(flagged - visible.keys()) | entry.flags,
        links={
            name: tuple(id for id in getattr(entity, name) if not is_mirrored(id))
            for name, _ in links(type(entity))
        },
    )


def kept_part(entry: Entry) -> OwnPart:
    """Return what Craton had added to an object that was gone and is back."""
    return OwnPart(
        values=entry.aside,
        templated=entry.aside_templated,
        flags=entry.flags,
        links=entry.links,
    )


def cmdb_part(entity: E, entry: Entry, is_mirrored: IsMirrored) -> E:
    """Return what the CMDB said of a mirrored entity."""
    changes: dict[str, Any] = {
        name: tuple(id for id in getattr(entity, name) if is_mirrored(id))
        for name, _ in links(type(entity))
    }
    variables = _variables(entity).without(*entry.own)
    return dataclasses.replace(entity, variables=variables, templated=(), **changes)  # type: ignore[call-arg]


def merged(said: E, own: OwnPart, url: str | None, digest: str) -> tuple[E, Entry]:
    """Put both parts together.

    Args:
        said: What the CMDB says of the object.
        own: What Craton has added; its links are those that can be.
        url: Where people find the object.
        digest: Of what the CMDB says.

    Returns:
        The entity, and what is to be remembered of it.
    """
    if not own:
        return said, Entry(url=url, digest=digest)
    theirs = _variables(said).members()
    visible = {name: text for name, text in own.values.items() if name not in theirs}
    aside = {name: text for name, text in own.values.items() if name in theirs}
    templated = (own.templated & visible.keys()) | (own.flags & theirs.keys())
    changes: dict[str, Any] = {
        "variables": Variables.from_members({**visible, **theirs}),
        "templated": tuple(sorted(templated)),
    }
    for name, ids in own.links.items():
        changes[name] = tuple(sorted({*getattr(said, name), *ids}))
    entry = Entry(
        url=url,
        digest=digest,
        own=frozenset(visible),
        aside=aside,
        aside_templated=own.templated & aside.keys(),
        flags=own.flags - theirs.keys(),
    )
    return dataclasses.replace(said, **changes), entry


def amended(before: E, after: E, entry: Entry, owner: str, is_mirrored: IsMirrored) -> Entry:
    """Return what is to be remembered when Craton changes a mirrored entity.

    Args:
        before: The entity as it is.
        after: As it is to be, below the same parent.
        entry: What is remembered.
        owner: What people call the CMDB.
        is_mirrored: Tells whose a group is.

    Raises:
        ReadOnly: The change goes beyond what Craton owns.
    """
    theirs = _variables(before).members().keys() - entry.own
    for name, spec in specs(type(before)).items():
        old, new = getattr(before, name), getattr(after, name)
        if spec.read_only or old == new or isinstance(spec, VariableNames):
            continue
        if isinstance(spec, VariableMap):
            allowed = theirs.isdisjoint(_changed(old, new))
        elif isinstance(spec, Links):
            allowed = not any(map(is_mirrored, {*old} ^ {*new}))
        else:
            allowed = False
        if not allowed:
            raise ReadOnly(owner, entry.url)
    own = _variables(after).members().keys() - theirs
    return dataclasses.replace(entry, own=frozenset(own), flags=entry.flags - own)


def cmdb_part_after(before: E, after: E, entry: Entry, is_mirrored: IsMirrored) -> E:
    """Return what the CMDB is to say when a mirrored entity becomes another.

    A variable that is new is Craton's own; the CMDB's may get other values, or go.
    """
    theirs = _variables(before).members().keys() - entry.own
    own = frozenset(_variables(after).members().keys() - theirs)
    return cmdb_part(after, dataclasses.replace(entry, own=own), is_mirrored)


def _changed(before: Variables, after: Variables) -> Iterable[str]:
    old, new = before.members(), after.members()
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


def _variables(entity: Entity) -> Variables:
    found: Variables = entity.variables  # type: ignore[attr-defined]
    return found


def _templated(entity: Entity) -> tuple[str, ...]:
    found: tuple[str, ...] = entity.templated  # type: ignore[attr-defined]
    return found
