"""What the targets have in common: the tree of groups, and the files of their variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from craton.bundles.groups import GroupGraph
from craton.bundles.members import checked, quoted_group
from craton.bundles.precedence import Precedence
from craton.bundles.rendering import rendered
from craton.models import Group
from craton.names import IMPLICIT_GROUPS, PRIORITY_VARIABLE

#: What Ansible adds to the name of a group to find the file of its variables.
_EXTENSIONS: Final = (".yml", ".yaml", ".json")

#: How deep groups are written inside of each other. Ansible's reader is recursive.
_MAX_NESTING: Final = 50

#: Ansible shows a priority only when it is another one.
DEFAULT_PRIORITY: Final = 1


class GroupTree:
    """Groups as the yaml plugin reads them: each is written once, inside of one of its parents.

    Wherever else a group is a child, its name stands alone. A group that would be nested too deep
    stands directly under ``all``, which is an ancestor of every group in any case.

    Args:
        graph: The groups of the region.
        groups: Those to write, sorted by name; the ancestors of each are among them.
    """

    def __init__(self, graph: GroupGraph, groups: Sequence[Group]) -> None:
        self._graph = graph
        self._groups = groups
        self._selected = {group.id for group in groups}
        self._inside: dict[str, list[Group]] = {}
        self._top = sorted(self._arrange(), key=lambda group: group.name)

    def write(self, hosts: Callable[[str], Iterator[bytes]]) -> Iterator[bytes]:
        """Yield the JSON object of the groups under ``all``.

        Args:
            hosts: Yields the direct hosts of the group of an id, as members of an object, each with
                a comma in front.
        """
        yield from self._write_all(self._top, self._top, hosts)

    def _arrange(self) -> list[Group]:
        """Give each group a parent to stand in, nearest to the top; return those on top."""
        top = [group for group in self._groups if not group.parents]
        level, nesting, placed = top, 1, {group.id for group in top}
        while level:
            below: list[Group] = []
            for group in level:
                for child in self._children(group):
                    if child.id not in placed:
                        placed.add(child.id)
                        below.append(child)
                        if nesting < _MAX_NESTING:
                            self._inside.setdefault(group.id, []).append(child)
            if nesting >= _MAX_NESTING:
                top = [*top, *below]
                nesting = 0
            level, nesting = below, nesting + 1
        return top

    def _children(self, group: Group) -> list[Group]:
        return [child for child in self._graph.children(group.id) if child.id in self._selected]

    def _write_all(
        self,
        groups: list[Group],
        whole: list[Group],
        hosts: Callable[[str], Iterator[bytes]],
    ) -> Iterator[bytes]:
        written = {group.id for group in whole}
        yield b"{"
        for position, group in enumerate(groups):
            yield (b"," if position else b"") + quoted_group(group.name) + b":"
            if group.id in written:
                yield from self._write_one(group, hosts)
            else:
                yield b"{}"
        yield b"}"

    def _write_one(self, group: Group, hosts: Callable[[str], Iterator[bytes]]) -> Iterator[bytes]:
        separator = b"{"
        if group.priority != DEFAULT_PRIORITY:
            yield b'{"vars":{"%b":%d}' % (PRIORITY_VARIABLE.encode(), group.priority)
            separator = b","
        started = False
        for piece in hosts(group.id):
            if piece:
                yield piece if started else separator + b'"hosts":{' + piece[1:]
                started = True
        if started:
            yield b"}"
            separator = b","
        if children := self._children(group):
            yield separator + b'"children":'
            yield from self._write_all(children, self._inside.get(group.id, []), hosts)
            separator = b","
        yield b"}" if separator == b"," else b"{}"


def variable_files(precedence: Precedence, groups: Iterable[Group]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file below ``group_vars``.

    A group's own variables are a file and never stand in the inventory, because every file beats
    every variable that does. Ansible takes the directory of a group ``web.yml`` for variables of
    ``web`` too, unless ``web`` has a directory of its own; so then it gets one with nothing in it.
    """
    groups = list(groups)
    tenant, region = precedence.tenant, precedence.region
    files: dict[str, dict[str, str]] = {"all": {}}
    if tenant.variables:
        files["all"]["0-tenant.json"] = rendered(tenant.variables, tenant.templated)
    if region.variables:
        files["all"]["2-own.json"] = rendered(region.variables, region.templated)
    for group in groups:
        files[checked(group.name)] = (
            {"2-own.json": rendered(group.variables, group.templated)} if group.variables else {}
        )
    # The longest name first: a directory that is made here may itself be mistaken for another's.
    for name in sorted({*files, *IMPLICIT_GROUPS}, key=len, reverse=True):
        if not files.get(name) and any(files.get(name + ending) for ending in _EXTENSIONS):
            files[name] = {"2-own.json": "{}"}
    for name, contents in files.items():
        for file, text in contents.items():
            yield f"group_vars/{name}/{file}", text.encode()
