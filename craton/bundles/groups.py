"""The graph of a region's groups: depth, ancestors, and the order in which Ansible applies them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from craton.driver import InventoryReader
from craton.errors import Unavailable
from craton.models import Group
from craton.query import Compare, Operator, Predicate, Query


class Subtree(tuple[str, ...]):
    """The ids of groups and of their descendants, which reads as those groups alone.

    A page token is bound to how its query reads: so it stays good when a subgroup comes or goes
    between two pages.
    """

    _roots: Iterable[str]

    def __new__(cls, roots: Iterable[str], ids: Iterable[str]) -> Self:
        self = super().__new__(cls, sorted(ids))
        self._roots = roots
        return self

    def __repr__(self) -> str:
        return f"Subtree({self._roots!r})"


class GroupGraph:
    """The groups of one region and the edges between them. Nothing is kept of their hosts.

    Args:
        groups: All groups of the region.

    Raises:
        Unavailable: A parent is missing or the edges form a cycle, so the groups were read while
            somebody changed them.
    """

    def __init__(self, groups: Iterable[Group]) -> None:
        self.groups: Mapping[str, Group] = {
            group.id: group for group in sorted(groups, key=lambda group: group.name)
        }
        self._children: dict[str, list[str]] = {id: [] for id in self.groups}
        for group in self.groups.values():
            for parent in group.parents:
                if parent not in self.groups:
                    raise changed_meanwhile()
                self._children[parent].append(group.id)
        self._depths = self._measure()

    @classmethod
    def load(cls, reader: InventoryReader, region_id: str) -> Self:
        """Read the groups of a region."""
        return cls(reader.scan(Group, Query(where=in_region(region_id))))

    def group(self, id: str) -> Group:
        """Return a group.

        Raises:
            Unavailable: There is none, though a host names it: somebody changed the region.
        """
        found = self.groups.get(id)
        if found is None:
            raise changed_meanwhile()
        return found

    def depth(self, id: str) -> int:
        """Return the length of the longest path from ``all`` to a group; it is at least 1."""
        return self._depths[id]

    def children(self, id: str) -> list[Group]:
        """Return the direct children of a group, sorted by name."""
        return [self.groups[child] for child in self._children[id]]

    def ancestors(self, ids: Iterable[str]) -> set[str]:
        """Return the ids of these groups and of all their ancestors."""
        found: set[str] = set()
        waiting = list(ids)
        while waiting:
            id = waiting.pop()
            if id not in found:
                found.add(id)
                waiting.extend(self.group(id).parents)
        return found

    def subtree(self, ids: Iterable[str]) -> Subtree:
        """Return the ids of these groups and of all their descendants."""
        roots = sorted(set(ids))
        found: set[str] = set()
        waiting = list(roots)
        while waiting:
            id = waiting.pop()
            if id not in found:
                found.add(id)
                waiting.extend(self._children[id])
        return Subtree(roots, found)

    def chain(self, ids: Iterable[str]) -> list[Group]:
        """Return these groups and their ancestors in the order in which later ones win.

        Sorted as ``ansible.inventory.helpers.sort_groups`` does: by depth, priority and name, the
        latter by code point.
        """
        groups = (self.groups[id] for id in self.ancestors(ids))
        return sorted(groups, key=lambda group: (self.depth(group.id), group.priority, group.name))

    def selected(self, ids: Iterable[str] | None) -> list[Group]:
        """Return these groups and their ancestors, or all for ``None``, sorted by name."""
        if ids is None:
            return list(self.groups.values())
        chosen = self.ancestors(ids)
        return [group for id, group in self.groups.items() if id in chosen]

    def named(self, name_or_id: str) -> set[str]:
        """Return the ids of the groups that have this name or this id."""
        return {group.id for group in self.groups.values() if name_or_id in (group.name, group.id)}

    def _measure(self) -> dict[str, int]:
        missing = {id: len(group.parents) for id, group in self.groups.items()}
        depths = {id: 1 for id, parents in missing.items() if parents == 0}
        ready = list(depths)
        for id in ready:
            for child in self._children[id]:
                depths[child] = max(depths.get(child, 1), depths[id] + 1)
                missing[child] -= 1
                if missing[child] == 0:
                    ready.append(child)
        if len(ready) != len(self.groups):
            raise changed_meanwhile()
        return depths


def in_region(region_id: str) -> Predicate:
    """Return what holds of the hosts and groups of a region."""
    return Compare(("region_id",), Operator.EQ, region_id)


def changed_meanwhile() -> Unavailable:
    """Make the error for a region whose parts, read one after the other, do not fit together."""
    return Unavailable("the region was changed while it was read; try again", retry_after=1)
