"""Rules between entities, for drivers that keep them in their own way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import TypeAlias

from craton.driver import parent_of
from craton.errors import AlreadyExists, Conflict
from craton.models import Entity, Group, Host
from craton.names import CONTROLLER_NAMES

#: What must be unique among the entities of a kind: the parent's id (a root has none) and the name.
Name: TypeAlias = tuple[str | None, str]

#: Finds out which of some names a parent's entities of one kind have.
LookUp: TypeAlias = Callable[[type[Entity], str | None, Collection[str]], Iterable[str]]


def find_cycle(start: str, parents: Callable[[str], Iterable[str]]) -> list[str] | None:
    """Look for a way from a group up to itself.

    Args:
        start: The id of the group whose parents changed.
        parents: Gives the ids of a group's parents, as they would be after the change.

    Returns:
        The ids on the cycle, ``start`` first and last, or ``None``.
    """
    came_from: dict[str, str] = {}
    waiting = [start]
    while waiting:
        group = waiting.pop()
        for parent in parents(group):
            if parent == start:
                return _way(start, group, came_from)
            if parent not in came_from:
                came_from[parent] = group
                waiting.append(parent)
    return None


def rivals(name: str) -> frozenset[str]:
    """Return the host names that cannot stand beside this one in a region; mostly none.

    Ansible takes ``localhost``, ``127.0.0.1`` and ``::1`` for one host, and warns
    (``ansible.constants.LOCALHOST``).
    """
    return CONTROLLER_NAMES - {name} if name in CONTROLLER_NAMES else frozenset()


def rival_taken(name: str, other: str) -> Conflict:
    """Make the error for a host that Ansible cannot tell from another one of the region."""
    return AlreadyExists(
        "host",
        "name",
        name,
        f"{name!r} cannot stand beside {other!r}: Ansible takes both for the controller",
    )


def name_of(entity: Entity) -> Name:
    """Return what must be unique among the entities of a kind."""
    return parent_of(entity), entity.name  # type: ignore[attr-defined]


class TakenNames:
    """Who has which name, as far as some changes ask.

    Args:
        kind: The kind that the changes are about.
        entities: The entities as the changes would store them.
        look_up: Asks the store, where no other writer takes a name before the changes are made.
    """

    def __init__(self, kind: type[Entity], entities: Iterable[Entity], look_up: LookUp) -> None:
        self._holders: dict[Name, type[Entity]] = {}
        wanted: dict[str | None, set[str]] = defaultdict(set)
        for entity in entities:
            parent, name = name_of(entity)
            wanted[parent] |= {name, *_rivals_of(entity)}
        for other in (Group, Host) if kind in (Group, Host) else (kind,):
            for parent, names in wanted.items():
                self._holders.update(((parent, n), other) for n in look_up(other, parent, names))

    def take(self, entity: Entity) -> None:
        """Give an entity its name.

        Raises:
            AlreadyExists: Another one has it, or one that Ansible would take for the same.
        """
        parent, name = name_of(entity)
        holder = self._holders.get((parent, name))
        if holder is not None:
            raise AlreadyExists(holder.kind, "name", name)
        for other in _rivals_of(entity):
            if self._holders.get((parent, other)) is Host:
                raise rival_taken(name, other)
        self._holders[parent, name] = type(entity)

    def release(self, entity: Entity) -> None:
        """Free the name of an entity that gets another one."""
        self._holders.pop(name_of(entity), None)


def _rivals_of(entity: Entity) -> frozenset[str]:
    return rivals(entity.name) if isinstance(entity, Host) else frozenset()


def _way(start: str, last: str, came_from: dict[str, str]) -> list[str]:
    way = [last]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return [*reversed(way), start]
