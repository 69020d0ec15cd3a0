"""Rules between the entities of one region, for drivers that keep them in their own way."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from craton.errors import AlreadyExists, Conflict
from craton.names import CONTROLLER_NAMES


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


def _way(start: str, last: str, came_from: dict[str, str]) -> list[str]:
    way = [last]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return [*reversed(way), start]
