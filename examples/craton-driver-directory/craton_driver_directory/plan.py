"""From changed entities to changed files, and to the words of the commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from craton.driver import parent_of
from craton.models import KINDS, Entity, Group, Host, Region, Tenant, links
from craton_driver_directory import files, places
from craton_driver_directory.files import File
from craton_driver_directory.git import blob_name
from craton_driver_directory.state import Entities, State

#: A longer list of changes says less than its length.
_LISTED = 50


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be committed, and what the commit will hold.

    Attributes:
        contents: The new content of each path that changes; ``None`` removes the file.
        message: The message of the commit.
    """

    before: State
    entities: Entities
    files: Mapping[str, File]
    paths: Mapping[tuple[type[Entity], str], str]
    contents: Mapping[str, bytes | None]
    message: str

    def state(self, commit: str) -> State:
        """Return the state of the commit that was made of this plan."""
        return State(
            commit=commit, files=self.files, entities=self.entities, paths=self.paths, broken={}
        )


def make(before: State, entities: Entities) -> Plan:
    """Compare a state with the entities that are to take its place."""
    paths = _paths(before, entities)
    renamed = {
        id
        for id, group in entities[Group].items()
        if id in before.entities[Group] and _name(before.entities[Group][id]) != _name(group)
    }
    contents: dict[str, bytes | None] = {
        path: None
        for (kind, id), path in before.paths.items()
        if paths.get((kind, id)) != path or entities[kind][id] is not before.entities[kind][id]
    }
    known = {path: file for path, file in before.files.items() if path not in contents}
    for (kind, id), path in paths.items():
        entity = entities[kind][id]
        if path in known and renamed.isdisjoint(_linked(entity)):
            continue
        names = _link_names(entity, entities)
        content = files.write(entity, names).encode()
        contents[path] = content
        known[path] = File(blob=blob_name(content, before.commit), entity=entity, links=names)
    return Plan(
        before=before,
        entities=entities,
        files=known,
        paths=paths,
        contents=contents,
        message=_message(before, entities),
    )


def _paths(before: State, entities: Entities) -> dict[tuple[type[Entity], str], str]:
    paths: dict[tuple[type[Entity], str], str] = {}
    for kind in (Tenant, Region, Group, Host):
        for id, entity in entities[kind].items():
            key = kind, id
            above = paths[kind.parent, str(parent_of(entity))] if kind.parent else ""
            path = before.paths.get(key)
            same = entity is before.entities[kind].get(id) and path is not None
            if not same or places.parent_of(str(path)) != above:
                path = places.path_of(entity, above)
            paths[key] = str(path)
    return paths


def _linked(entity: Entity) -> set[str]:
    return {id for field, _ in links(type(entity)) for id in getattr(entity, field)}


def _link_names(entity: Entity, entities: Entities) -> dict[str, tuple[str, ...]]:
    groups = entities[Group]
    return {
        field: tuple(sorted(_name(groups[id]) for id in getattr(entity, field)))
        for field, _ in links(type(entity))
    }


def _message(before: State, entities: Entities) -> str:
    """Say what changed: one line for one change, else how many, and a list."""
    lines: list[str] = []
    for kind in KINDS:
        old, new = before.entities[kind], entities[kind]
        for verb, ids in (
            ("Create", new.keys() - old.keys()),
            ("Change", {id for id in new.keys() & old.keys() if new[id] is not old[id]}),
            ("Delete", old.keys() - new.keys()),
        ):
            side, others = (old, before.entities) if verb == "Delete" else (new, entities)
            lines += sorted(f"{verb} {_described(side[id], others)}" for id in ids)
    if len(lines) == 1:
        return lines[0] + "\n"
    more = [f"and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return "\n".join([f"Make {len(lines)} changes", "", *lines[:_LISTED], *more, ""])


def _described(entity: Entity, entities: Entities) -> str:
    way = [_name(entity)]
    above: Entity | None = entity
    while above is not None and above.parent is not None:
        above = entities[above.parent].get(str(parent_of(above)))
        way += [_name(above)] if above else []
    where = f" in {'/'.join(reversed(way[1:]))}" if way[1:] else ""
    return f"{entity.kind} {way[0]}{where}"


def _name(entity: Entity) -> str:
    return entity.name  # type: ignore[attr-defined,no-any-return]
