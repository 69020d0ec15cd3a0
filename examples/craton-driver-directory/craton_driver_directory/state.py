"""What one commit holds, in memory: the entities, the files that they come from, what is broken.

A file that cannot be understood hides nothing else. The entities of the other files are there; but
a question that the broken file might have an answer to is refused, and so is every change.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, TypeAlias

from craton.driver import InventoryReader
from craton.driver import parent_of as parent_id
from craton.errors import BackendFault
from craton.models import KINDS, E, Entity, Group, Host, Region, Tenant, links, parent_field
from craton.query import EVERYTHING, Position, Predicate, Selection, position
from craton.rules import find_cycle, rivals
from craton_driver_directory import places
from craton_driver_directory.files import File

Entities: TypeAlias = "dict[type[Entity], dict[str, Entity]]"


@dataclasses.dataclass(frozen=True, kw_only=True)
class State:
    """One commit, understood. Nobody changes it.

    Attributes:
        commit: Git's name for it.
        files: Every file of an entity by its path.
        entities: Every entity by kind and id.
        paths: The path of each entity's file by kind and id.
        broken: What is wrong, by the path of the file.
    """

    commit: str
    files: Mapping[str, File]
    entities: Entities
    paths: Mapping[tuple[type[Entity], str], str]
    broken: Mapping[str, str]

    def check(self, *kinds: type[Entity]) -> None:
        """Insist that all files of some kinds are understood, by default of all kinds.

        Raises:
            BackendFault: One is not; the message names it.
        """
        for path, problem in self.broken.items():
            if not kinds or places.kind_at(path) in (*kinds, None):
                raise BackendFault(f"{path}: {problem}; commit a correction", path=path)


def assemble(commit: str, files: Mapping[str, File]) -> State:
    """Put the files of a commit together: parents, links, and the rules between entities."""
    state = State(
        commit=commit,
        files=files,
        entities={kind: {} for kind in KINDS},
        paths={},
        broken={path: file.problem for path, file in files.items() if file.problem},
    )
    by_kind: dict[type[Entity], list[str]] = {kind: [] for kind in KINDS}
    for path in sorted(files):
        entity = files[path].entity
        if entity is not None:
            by_kind[type(entity)].append(path)
    builder = _Builder(state, by_kind)
    for kind in (Tenant, Region, Group, Host):
        builder.add(kind)
    builder.check_cycles()
    return state


class _Builder:
    """Fills a state, kind by kind, parents first."""

    def __init__(self, state: State, by_kind: Mapping[type[Entity], list[str]]) -> None:
        self._entities, self._files = state.entities, state.files
        self._paths: dict[tuple[type[Entity], str], str] = state.paths  # type: ignore[assignment]
        self._broken: dict[str, str] = state.broken  # type: ignore[assignment]
        self._by_kind = by_kind
        self._by_path: dict[str, Entity] = {}
        self._groups = self._group_ids()
        found = (file.entity for file in self._files.values() if file.entity is not None)
        self._ids = Counter((type(entity), entity.id) for entity in found)

    def add(self, kind: type[Entity]) -> None:
        """Add the entities of a kind whose parents are there already."""
        for path in self._by_kind[kind]:
            try:
                entity = self._placed(path)
            except ValueError as error:
                self._broken[path] = str(error)
                continue
            self._by_path[path] = entity
            self._entities[kind][entity.id] = entity
            self._paths[kind, entity.id] = path

    def check_cycles(self) -> None:
        """Look for groups that are their own ancestors."""
        groups: dict[str, Group] = self._entities[Group]  # type: ignore[assignment]
        for group in [group for group in groups.values() if group.parents]:
            if find_cycle(group.id, lambda id: groups[id].parents if id in groups else ()):
                self._broken[self._paths[Group, group.id]] = "the group is its own ancestor"

    def _group_ids(self) -> dict[tuple[str, str], str]:
        found = {}
        for path in self._by_kind[Group]:
            entity = self._files[path].entity
            assert isinstance(entity, Group)
            found[places.parent_of(path), entity.name] = entity.id
        return found

    def _placed(self, path: str) -> Entity:
        """Return the entity of a file with its parent and its links.

        Raises:
            ValueError: It cannot be where it is.
        """
        file, above = self._files[path], places.parent_of(path)
        entity = file.entity
        assert entity is not None
        changes: dict[str, Any] = {}
        if above:
            parent = self._by_path.get(above)
            if parent is None:
                raise ValueError(f"{above} is missing, or broken itself")
            changes[str(parent_field(type(entity)))] = parent.id
        for field, _ in links(type(entity)):
            changes[field] = self._linked(above, field, file.links[field])
        self._check_free(entity, above)
        changed = any(getattr(entity, field) != value for field, value in changes.items())
        return dataclasses.replace(entity, **changes) if changed else entity

    def _linked(self, above: str, field: str, names: Iterable[str]) -> tuple[str, ...]:
        for name in names:
            if (above, name) not in self._groups:
                file = places.path_of(Group(region_id="", name=name), above)
                what = (
                    f"{file} is broken" if file in self._files else f"no group is called {name!r}"
                )
                raise ValueError(f"{field}: {what}")
        return tuple(sorted(self._groups[above, name] for name in names))

    def _check_free(self, entity: Entity, above: str) -> None:
        if self._ids[type(entity), entity.id] > 1:
            raise ValueError(f"the id {entity.id!r} is there twice")
        if isinstance(entity, Host):
            if (above, entity.name) in self._groups:
                raise ValueError(f"a group of the region is called {entity.name!r}, too")
            for rival in rivals(entity.name):
                beside = places.path_of(dataclasses.replace(entity, name=rival), above)
                if beside in self._by_path:
                    raise ValueError(f"{entity.name!r} cannot stand beside {rival!r}")


class StateReader(InventoryReader):
    """Reads a state.

    Args:
        current: Gives the state to read.
    """

    def __init__(self, current: Callable[[], State]) -> None:
        self._current = current

    def _get(self, kind: type[E], id: str) -> E | None:
        state = self._current()
        found = state.entities[kind].get(id)
        if found is None:
            state.check(kind)
        return found  # type: ignore[return-value]

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        state, order, after = self._current(), selection.order, selection.after
        state.check(kind)
        entities: Iterable[E] = state.entities[kind].values()  # type: ignore[assignment]
        found = [entity for entity in entities if selection.where.matches(entity)]
        found.sort(key=lambda entity: position(entity, order), reverse=order.descending)
        for entity in found:
            if after is None or _is_behind(position(entity, order), after, order.descending):
                yield entity

    def _pushdown(self, kind: type[E], where: Predicate) -> tuple[Predicate, Predicate]:
        return where, EVERYTHING


def _is_behind(found: Position, after: Position, descending: bool) -> bool:
    return found < after if descending else found > after


def name_key(entity: Entity) -> tuple[str | None, str, str]:
    """Return what must be unique: hosts and groups share one namespace in their region."""
    namespace = "inventory" if isinstance(entity, Host | Group) else entity.kind
    return parent_id(entity), namespace, entity.name  # type: ignore[attr-defined]
