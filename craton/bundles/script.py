"""The document that an Ansible inventory script prints for ``--list``, with ``_meta``."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import Final

from craton.bundles.buckets import Buckets, without_first_comma
from craton.bundles.layout import DEFAULT_PRIORITY
from craton.bundles.precedence import Precedence
from craton.bundles.quoting import quoted
from craton.bundles.rendering import as_object, rendered_host, rendered_members
from craton.bundles.spool import Spool
from craton.models import Group, Host
from craton.names import PRIORITY_VARIABLE

#: The bucket of hosts without groups; no group has this id.
_UNGROUPED: Final = ""


def write_script(
    spool: Spool, precedence: Precedence, hosts: Iterable[Host], *, whole_region: bool
) -> None:
    """Write the document as the only member of a spool."""
    graph = precedence.graph
    with closing(Buckets(spool.directory)) as members, spool.writing("script.json") as write:
        write(b'{"_meta":{"hostvars":{')
        separator = b""
        for host in hosts:
            name = quoted(host.name)
            write(b"".join((separator, name, b":", rendered_host(host).encode())))
            separator = b","
            member = b",%b" % name
            for id in host.groups or (_UNGROUPED,):
                members.append(id, member)
        groups = graph.selected(None if whole_region else members.keys() - {_UNGROUPED})
        tops = [b'"ungrouped"', *_names(group for group in groups if not group.parents)]
        write(b'}},"all":{"children":[%b],"vars":%b}' % (b",".join(tops), _of_all(precedence)))
        write(b',"ungrouped":{"hosts":[')
        for piece in without_first_comma(members.read(_UNGROUPED)):
            write(piece)
        write(b"]}")
        chosen = {group.id for group in groups}
        for group in groups:
            children = [child for child in graph.children(group.id) if child.id in chosen]
            write(b',%b:{"hosts":[' % quoted(group.name))
            for piece in without_first_comma(members.read(group.id)):
                write(piece)
            write(b'],"children":[%b],"vars":%b}' % (b",".join(_names(children)), _of(group)))
        write(b"}")


def _names(groups: Iterable[Group]) -> list[bytes]:
    return [quoted(group.name) for group in groups]


def _of_all(precedence: Precedence) -> bytes:
    tenant, region = precedence.tenant, precedence.region
    return as_object(
        rendered_members(tenant.variables, tenant.templated)
        | rendered_members(region.variables, region.templated)
    ).encode()


def _of(group: Group) -> bytes:
    members = rendered_members(group.variables, group.templated)
    if group.priority != DEFAULT_PRIORITY:
        members[PRIORITY_VARIABLE] = str(group.priority)
    return as_object(members).encode()
