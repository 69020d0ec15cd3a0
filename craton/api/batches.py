"""From the JSON of a batch to changes: names of groups become ids, values become entities."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from craton.api.auth.access import Access
from craton.api.auth.content import is_bound
from craton.api.naming import REFERENCE_KINDS
from craton.api.specs import Anything, OneOf
from craton.api.types import Body, entity_from
from craton.bundles.groups import in_region
from craton.driver import Change, Create, Delete, InventoryReader, Replace, at, new_id
from craton.errors import InvalidReference, InvalidValue, NotFound
from craton.fields import ID, Flag, Spec, Text
from craton.imports.plan import Accept
from craton.jsontext import JsonValue
from craton.models import (
    INVENTORY_KINDS,
    E,
    Entity,
    Group,
    GroupReference,
    Region,
    RegionReference,
    links,
)
from craton.query import AllOf, In, Query

#: How many values one query asks for.
_CHUNK: Final = 500


#: What a change may be about, by the word for it; a reference is of a region or of a group.
_KINDS: Final[dict[str, tuple[type[Entity], ...]]] = {
    **{kind.kind: (kind,) for kind in INVENTORY_KINDS if kind.parent is Region},
    "reference": REFERENCE_KINDS,
}

_OWNER: Final = "owner_id"

#: What one change is made of.
MEMBERS: Final[dict[str, Spec]] = {
    "op": OneOf(help="What to do.", words=("create", "replace", "delete")),
    "kind": OneOf(help="With which kind of entity.", words=tuple(_KINDS)),
    "value": Anything(
        help="The entity to create or replace. Groups may be named by name in it, also as the "
        "`owner_id` of a reference.",
        optional=True,
    ),
    "id": dataclasses.replace(
        ID, help="The entity to replace or delete.", read_only=False, optional=True
    ),
    "if_revision": Text(
        help="Refuse if the entity has another revision.", max_length=64, optional=True
    ),
    "cascade": Flag(help="Delete its children too."),
}

_CHANGE: Final = Body("change", MEMBERS, ("op", "kind"))

#: The members that each operation needs, and those that it may have.
_NEEDED: Final = {"create": {"value"}, "replace": {"value", "id"}, "delete": {"id"}}
_WELCOME: Final = {
    "create": {"value"},
    "replace": {"value", "id", "if_revision"},
    "delete": {"id", "if_revision", "cascade"},
}


def read_batch(
    reader: InventoryReader,
    region_id: str,
    values: Iterable[JsonValue],
    accept: Accept,
    access: Access,
) -> list[Change]:
    """Read the changes of a batch.

    A group may be named by its name where its id is meant: one that the batch creates or replaces,
    else one of the region. If a text is the id of a group of the region, it is that. The group that
    owns a reference must be there when its turn comes, because an owner is no link.

    Args:
        reader: Where the region is.
        region_id: The region; what is replaced or deleted must be in it.
        values: The changes as JSON.
        accept: Called with what would be stored and what is stored, ``None`` for what is new; it
            refuses an entity that a store could keep, and the service or its caller must not.
        access: What the caller may do; each change needs its own rule.

    Raises:
        InvalidValue, NotFound, PermissionDenied: A change is wrong, or not the caller's to make;
            ``error.change`` is its position.
    """
    bodies = [_body(index, value) for index, value in enumerate(values)]
    for body in bodies:
        with at(body.index):
            kind = body.members["kind"]
            access.require(f"{kind}s:{body.op}", f"to {body.op} a {kind}")
    _check_region(reader, region_id, bodies)
    names = _Names(reader, region_id, bodies)
    changes = []
    for body in bodies:
        with at(body.index):
            change = body.change(region_id, names)
            if not isinstance(change, Delete):
                accept(change.entity, body.before)
            if isinstance(change, Replace) and body.before and is_bound(access, change.entity):
                pinned = change.if_revision or body.before.revision
                change = dataclasses.replace(change, if_revision=pinned)
            changes.append(change)
    return changes


@dataclass(kw_only=True)
class _Body:
    """One change as it came, its own members checked."""

    index: int
    op: str
    kinds: tuple[type[Entity], ...]
    id: str | None
    members: dict[str, Any]
    before: Entity | None = None

    @property
    def value(self) -> dict[str, JsonValue]:
        found = self.members.get("value")
        return found if isinstance(found, dict) else {}

    @property
    def kind(self) -> type[Entity]:
        """The kind of entity, once it is known."""
        (kind,) = self.kinds
        return kind

    @property
    def is_reference(self) -> bool:
        """Whether it is about a reference, of whichever owner."""
        return set(self.kinds) <= set(REFERENCE_KINDS)

    def linked(self) -> Iterator[tuple[str, list[JsonValue]]]:
        """Yield the fields of the value that name groups."""
        for kind in self.kinds:
            for field, _ in links(kind):
                named = self.value.get(field)
                if isinstance(named, list):
                    yield field, named

    def named(self) -> Iterator[JsonValue]:
        """Yield everything in the value that may name a group."""
        for _, named in self.linked():
            yield from named
        if self.is_reference:
            yield self.value.get(_OWNER)

    def change(self, region_id: str, names: _Names) -> Change:
        if_revision = self.members.get("if_revision")
        if self.op == "delete":
            cascade = self.members.get("cascade", False)
            return Delete(kind=self.kind, id=str(self.id), if_revision=if_revision, cascade=cascade)
        value = self.members["value"]
        if isinstance(value, dict):
            value = value | {field: names.resolved(named) for field, named in self.linked()}
        parent = region_id
        if self.is_reference:
            value, parent = self._owned(value, region_id, names)
        id = self.id if self.op == "replace" else None
        entity = entity_from(self.kind, value, id=id, parent=parent)
        if isinstance(entity, GroupReference):
            entity = dataclasses.replace(entity, region_id=region_id)
        if self.op == "replace":
            return Replace(entity=entity, if_revision=if_revision)
        return Create(entity=dataclasses.replace(entity, id=str(self.id)))

    def _owned(self, value: JsonValue, region_id: str, names: _Names) -> tuple[JsonValue, str]:
        """Return the value of a reference with the id of its owner, and that; settle its kind."""
        owner = self.value.get(_OWNER)
        if not isinstance(owner, str):
            raise InvalidValue(_OWNER, "must be the id of the region, or the id or name of a group")
        of_region = owner == region_id
        parent = owner if of_region else names.group(owner)
        kind: type[Entity] = RegionReference if of_region else GroupReference
        if kind not in self.kinds:
            raise InvalidValue(_OWNER, "must stay the same; it never changes")
        self.kinds = (kind,)
        return {**self.value, _OWNER: parent}, parent


def _body(index: int, value: JsonValue) -> _Body:
    with at(index):
        members = _CHANGE.read(value)
        op, given = members["op"], {name for name in members if members[name] is not None}
        for name in sorted(_NEEDED[op] - given):
            raise InvalidValue(name, f"is required to {op}")
        for name in sorted(given - _WELCOME[op] - {"op", "kind"}):
            raise InvalidValue(name, f"has no meaning for {op}")
    # What is created gets its id now, so that links by name can be made ids.
    id = new_id() if op == "create" else members["id"]
    return _Body(index=index, op=op, kinds=_KINDS[members["kind"]], id=id, members=members)


def _check_region(reader: InventoryReader, region_id: str, bodies: list[_Body]) -> None:
    """Check that what is to be replaced or deleted is there: no region reaches into another."""
    for word, kinds in _KINDS.items():
        meant = [body for body in bodies if body.kinds == kinds and body.op != "create"]
        ids = {str(body.id) for body in meant}
        found = {
            entity.id: entity
            for kind in kinds
            for entity in _having(reader, kind, region_id, "id", ids)
        }
        for body in meant:
            if body.id not in found:
                with at(body.index):
                    raise NotFound(word, str(body.id))
            body.kinds = (type(found[body.id]),)
            body.before = found[body.id]


class _Names:
    """The ids of groups by what the links of a batch call them."""

    def __init__(self, reader: InventoryReader, region_id: str, bodies: list[_Body]) -> None:
        wanted = {text for body in bodies for text in body.named() if isinstance(text, str)}
        by_id = {group.id for group in _having(reader, Group, region_id, "id", wanted)}
        by_name = {
            group.name: group.id for group in _having(reader, Group, region_id, "name", wanted)
        }
        by_name |= {
            name: str(body.id)
            for body in bodies
            if body.kinds == (Group,) and isinstance(name := body.value.get("name"), str)
        }
        self._ids = by_name | {id: id for id in by_id}

    def group(self, named: str) -> str:
        """Return the id of a group of the region.

        Raises:
            InvalidReference: There is no such group; the store would take one of another region.
        """
        if named not in self._ids:
            raise InvalidReference("group_id", named)
        return self._ids[named]

    def resolved(self, named: list[JsonValue]) -> list[JsonValue]:
        """Return ids for the names that are known; the store judges the rest."""
        return [self._ids.get(text, text) if isinstance(text, str) else text for text in named]


def _having(
    reader: InventoryReader, kind: type[E], region_id: str, field: str, values: set[str]
) -> Iterator[E]:
    """Yield the entities of a region that have one of these values in a field."""
    ordered = sorted(values)
    for start in range(0, len(ordered), _CHUNK):
        among = In((field,), tuple(ordered[start : start + _CHUNK]))
        yield from reader.scan(kind, Query(where=AllOf(in_region(region_id), among)))
