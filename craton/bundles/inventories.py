"""Bundles of files: one inventory of all hosts, or one for each.

``hosts`` always come in the order of their names. The groups that are written are all of the
region, or, for a bundle of some hosts, theirs and the ancestors of these.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import lru_cache
from typing import Final

from craton.bundles.buckets import Buckets, without_first_comma
from craton.bundles.groups import GroupGraph
from craton.bundles.layout import GroupTree, variable_files
from craton.bundles.precedence import Precedence
from craton.bundles.quoting import quoted
from craton.bundles.rendering import rendered_host
from craton.bundles.secrets import HostsWithSecrets, path_variables
from craton.bundles.spool import Spool
from craton.models import Group

#: Stands where hosts belong, in what is written before them; no name holds it.
_PLACE: Final = b"\0"
#: From the directory of the hosts' inventories to the top of the bundle.
_ABOVE: Final = "../"
#: How many combinations of groups are remembered with their part of an inventory.
_COMBINATIONS: Final = 8192


def write_ansible(
    spool: Spool, precedence: Precedence, hosts: HostsWithSecrets, *, whole_region: bool
) -> list[Group]:
    """Write one inventory of all hosts, for ``/etc/ansible``; return the groups that are in it."""
    with closing(Buckets(spool.directory)) as members, spool.writing("hosts") as write:
        write(b'{"all":{"hosts":{')
        separator = b""
        for host, secrets in hosts:
            name = quoted(host.name)
            variables = rendered_host(host, path_variables(host, secrets))
            write(b"".join((separator, name, b":", variables.encode())))
            separator = b","
            member = b",%b:null" % name
            for group in host.groups:
                members.append(group, member)
        groups = precedence.graph.selected(None if whole_region else members.keys())
        write(b'},"children":')
        for piece in _with_members(GroupTree(precedence.graph), groups, members):
            write(piece)
        write(b"}}")
    _write_variables(spool, "", precedence, groups)
    return groups


def write_taskflow(
    spool: Spool, precedence: Precedence, hosts: HostsWithSecrets, *, whole_region: bool
) -> list[Group]:
    """Write an inventory for each host, for a flow that runs them one by one; return the groups."""
    used: set[str] = set()
    groups_of = _memberships(precedence.graph)

    def inventories() -> Iterator[tuple[str, bytes]]:
        for host, secrets in hosts:
            used.update(host.groups)
            name = quoted(host.name)
            paths = path_variables(host, secrets, _ABOVE)
            variables = rendered_host(host, paths).encode()
            groups = name.join(groups_of(host.groups))
            yield host.name, b'{"all":{"hosts":{%b:%b},"children":%b}}' % (name, variables, groups)

    for file, content in _ordered_by_file(inventories()):
        spool.add(f"inventory/{file}", content)
    groups = precedence.graph.selected(None if whole_region else used)
    _write_variables(spool, "inventory/", precedence, groups)
    return groups


def _write_variables(
    spool: Spool, directory: str, precedence: Precedence, groups: Iterable[Group]
) -> None:
    for name, content in variable_files(precedence, groups):
        with spool.writing(directory + name) as write:
            write(content)


def _with_members(tree: GroupTree, groups: Iterable[Group], members: Buckets) -> Iterator[bytes]:
    """Yield the JSON of groups with their hosts, which are read when their place has come."""
    places = {id: b"%b%b%b" % (_PLACE, id.encode(), _PLACE) for id in sorted(members.keys())}
    frame = tree.written([group.id for group in groups], places)
    for number, part in enumerate(frame.split(_PLACE)):
        if number % 2 == 0:
            yield part
        else:
            yield from without_first_comma(members.read(part.decode()))


def _memberships(graph: GroupGraph) -> Callable[[tuple[str, ...]], list[bytes]]:
    """Return a function from a host's groups to the JSON of these, cut where its name belongs."""
    tree = GroupTree(graph)
    ancestors = lru_cache(maxsize=None)(lambda id: graph.ancestors((id,)))
    member = _PLACE + b":null"

    @lru_cache(maxsize=_COMBINATIONS)
    def groups_of(direct: tuple[str, ...]) -> list[bytes]:
        ids = set[str]().union(*map(ancestors, direct))
        return tree.written(ids, dict.fromkeys(direct, member)).split(_PLACE)

    return groups_of


def _ordered_by_file(hosts: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Bring what is ordered by name into the order of file names, ``<name>.json``.

    The two orders differ only where one name begins with another (``web-1.json`` comes before
    ``web.json``), so no more wait here than there are prefixes of one name.
    """
    waiting: list[tuple[str, bytes]] = []
    for name, content in hosts:
        while waiting and waiting[0][0] < name:
            yield heapq.heappop(waiting)
        heapq.heappush(waiting, (f"{name}.json", content))
    while waiting:
        yield heapq.heappop(waiting)
