"""From the JSON of a batch to changes: names of groups become ids, values become entities."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from craton.api.specs import Anything, OneOf
from craton.api.types import Body, entity_from
from craton.bundles.groups import in_region
from craton.driver import Change, Create, Delete, InventoryReader, Replace, at, new_id
from craton.errors import InvalidValue, NotFound
from craton.fields import ID, Flag, Spec, Text
from craton.jsontext import JsonValue
from craton.models import INVENTORY_KINDS, E, Entity, Group, Region, links
from craton.query import AllOf, In, Query

#: How many values one query asks for.
_CHUNK: Final = 500


_KINDS: Final = {kind.kind: kind for kind in INVENTORY_KINDS if kind.parent is Region}

#: What one change is made of.
MEMBERS: Final[dict[str, Spec]] = {
    "op": OneOf(help="What to do.", words=("create", "replace", "delete")),
    "kind": OneOf(help="With which kind of entity.", words=tuple(_KINDS)),
    "value": Anything(
        help="The entity to create or replace. Groups may be named by name in it.", optional=True
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
    reader: InventoryReader, region_id: str, values: Iterable[JsonValue]
) -> list[Change]:
    """Read the changes of a batch.

    A group may be named by its name where its id is meant: one that the batch creates or replaces,
    else one of the region. If a text is the id of a group of the region, it is that.

    Args:
        reader: Where the region is.
        region_id: The region; what is replaced or deleted must be in it.
        values: The changes as JSON.

    Raises:
        InvalidValue, NotFound: A change is wrong; ``error.change`` is its position.
    """
    bodies = [_body(index, value) for index, value in enumerate(values)]
    _check_region(reader, region_id, bodies)
    names = _Names(reader, region_id, bodies)
    changes = []
    for body in bodies:
        with at(body.index):
            changes.append(body.change(region_id, names))
    return changes


@dataclass(kw_only=True)
class _Body:
    """One change as it came, its own members checked."""

    index: int
    op: str
    kind: type[Entity]
    id: str | None
    members: dict[str, Any]

    @property
    def value(self) -> dict[str, JsonValue]:
        found = self.members.get("value")
        return found if isinstance(found, dict) else {}

    def linked(self) -> Iterator[tuple[str, list[JsonValue]]]:
        """Yield the fields of the value that name groups."""
        for field, _ in links(self.kind):
            named = self.value.get(field)
            if isinstance(named, list):
                yield field, named

    def change(self, region_id: str, names: _Names) -> Change:
        if_revision = self.members.get("if_revision")
        if self.op == "delete":
            cascade = self.members.get("cascade", False)
            return Delete(kind=self.kind, id=str(self.id), if_revision=if_revision, cascade=cascade)
        value = self.members["value"]
        if isinstance(value, dict):
            value = value | {field: names.resolved(named) for field, named in self.linked()}
        if self.op == "replace":
            entity = entity_from(self.kind, value, id=self.id, parent=region_id)
            return Replace(entity=entity, if_revision=if_revision)
        entity = entity_from(self.kind, value, parent=region_id)
        return Create(entity=dataclasses.replace(entity, id=str(self.id)))


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
    return _Body(index=index, op=op, kind=_KINDS[members["kind"]], id=id, members=members)


def _check_region(reader: InventoryReader, region_id: str, bodies: list[_Body]) -> None:
    """Check that what is to be replaced or deleted is there: no region reaches into another."""
    for kind in _KINDS.values():
        meant = [body for body in bodies if body.kind is kind and body.op != "create"]
        ids = {str(body.id) for body in meant}
        found = {entity.id for entity in _having(reader, kind, region_id, "id", ids)}
        for body in meant:
            if body.id not in found:
                with at(body.index):
                    raise NotFound(kind.kind, str(body.id))


class _Names:
    """The ids of groups by what the links of a batch call them."""

    def __init__(self, reader: InventoryReader, region_id: str, bodies: list[_Body]) -> None:
        wanted = {
            text
            for body in bodies
            for _, named in body.linked()
            for text in named
            if isinstance(text, str)
        }
        by_id = {group.id for group in _having(reader, Group, region_id, "id", wanted)}
        by_name = {
            group.name: group.id for group in _having(reader, Group, region_id, "name", wanted)
        }
        by_name |= {
            name: str(body.id)
            for body in bodies
            if body.kind is Group and isinstance(name := body.value.get("name"), str)
        }
        self._ids = by_name | {id: id for id in by_id}

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
