"""What the targets have in common: the tree of groups, and the files of their variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from craton.bundles.groups import GroupGraph
from craton.bundles.precedence import Precedence
from craton.bundles.quoting import checked, quoted
from craton.bundles.rendering import rendered
from craton.models import Group, Region, Tenant
from craton.names import IMPLICIT_GROUPS, PRIORITY_VARIABLE

#: What Ansible adds to the name of a group to find the file of its variables.
_EXTENSIONS: Final = (".yml", ".yaml", ".json")

#: How deep groups are written inside of each other. Ansible's reader is recursive.
_MAX_NESTING: Final = 50

#: The file of a group's own variables, behind those that it refers to.
_OWN: Final = "2-own.json"

#: The rank of ``all``.
_ALL: Final = -1

#: Ansible shows a priority only when it is another one.
DEFAULT_PRIORITY: Final = 1


class GroupTree:
    """Groups as the yaml plugin reads them: each is written once, inside of one of its parents.

    Wherever else a group is a child, its name stands alone. A group that would be nested too deep
    stands directly under ``all``, which is an ancestor of every group in any case.

    Args:
        graph: The groups of the region.
    """

    def __init__(self, graph: GroupGraph) -> None:
        #: By depth, then by name, so that a group stands behind all of its ancestors.
        self._nodes: list[_Node] = []
        self._ranks: dict[str, int] = {}
        for group in sorted(graph.groups.values(), key=lambda g: (graph.depth(g.id), g.name)):
            self._ranks[group.id] = len(self._nodes)
            self._nodes.append(self._placed(group))

    def written(self, ids: Iterable[str], members: Mapping[str, bytes]) -> bytes:
        """Return the JSON object of the groups under ``all``.

        Args:
            ids: The ids of the groups to write; the ancestors of each are among them.
            members: The members of the object of a group's direct hosts, by the group's id.
        """
        below: dict[int, list[bytes]] = {_ALL: []}
        # From the end, so when the turn of a group comes, all of its children are written.
        for rank in sorted(map(self._ranks.__getitem__, ids), reverse=True):
            node = self._nodes[rank]
            hosts = members.get(node.id)
            children = below.get(rank)
            if hosts and children:
                text = node.head + b'"hosts":{%b},"children":{%b}}' % (hosts, b",".join(children))
            elif hosts:
                text = node.head + b'"hosts":{%b}}' % hosts
            elif children:
                text = node.head + b'"children":{%b}}' % b",".join(children)
            else:
                text = node.empty
            below.setdefault(node.home, []).append(text)
            for parent in node.other_parents:
                below.setdefault(parent, []).append(node.alone)
        return b"{%b}" % b",".join(below[_ALL])

    def _placed(self, group: Group) -> _Node:
        name = quoted(group.name)
        parents = sorted(self._ranks[id] for id in group.parents)
        home = min(parents, key=lambda rank: self._nodes[rank].nesting, default=_ALL)
        nesting = 1 if home == _ALL else self._nodes[home].nesting + 1
        if nesting > _MAX_NESTING:
            home, nesting = _ALL, 1
        variables = b""
        if group.priority != DEFAULT_PRIORITY:
            variables = b'"vars":{"%b":%d}' % (PRIORITY_VARIABLE.encode(), group.priority)
        return _Node(
            id=group.id,
            home=home,
            other_parents=tuple(rank for rank in parents if rank != home),
            nesting=nesting,
            head=b"%b:{%b" % (name, variables + b"," if variables else b""),
            empty=b"%b:{%b}" % (name, variables),
            alone=b"%b:{}" % name,
        )


class _Node(NamedTuple):
    """A group, ready to be written.

    Attributes:
        id: Its id.
        home: The rank of the group that it is written in.
        other_parents: The ranks of those where its name stands alone.
        nesting: How many groups it is written in, itself included.
        head: How it begins when it holds hosts or children.
        empty: All of it when it holds neither.
        alone: All of it under its other parents.
    """

    id: str
    home: int
    other_parents: tuple[int, ...]
    nesting: int
    head: bytes
    empty: bytes
    alone: bytes


def variable_files(precedence: Precedence, groups: Iterable[Group]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file below ``group_vars``.

    A group's own variables are a file and never stand in the inventory, because every file beats
    every variable that does. Ansible takes the directory of a group ``web.yml`` for variables of
    ``web`` too, unless ``web`` has a directory of its own; so then it gets one with nothing in it.
    """
    groups = list(groups)
    tenant, region = precedence.tenant, precedence.region
    files = {"all": {**_rendered("0-tenant.json", tenant), **_of_owner(precedence, region)}}
    for group in groups:
        files[checked(group.name)] = _of_owner(precedence, group)
    # The longest name first: a directory that is made here may itself be mistaken for another's.
    for name in sorted({*files, *IMPLICIT_GROUPS}, key=len, reverse=True):
        if not files.get(name) and any(files.get(name + ending) for ending in _EXTENSIONS):
            files[name] = {_OWN: b"{}"}
    for name, contents in files.items():
        for file, content in contents.items():
            yield f"group_vars/{name}/{file}", content


def _of_owner(precedence: Precedence, owner: Region | Group) -> dict[str, bytes]:
    referenced = {file.member: file.fetched.content for file in precedence.files.of(owner.id)}
    return referenced | _rendered(_OWN, owner)


def _rendered(file: str, owner: Tenant | Region | Group) -> dict[str, bytes]:
    if not owner.variables:
        return {}
    return {file: rendered(owner.variables, owner.templated).encode()}
