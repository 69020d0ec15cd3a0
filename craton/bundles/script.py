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
from craton.bundles.secrets import HostsWithSecrets, path_variables
from craton.bundles.spool import Spool
from craton.models import Group, Region
from craton.names import PRIORITY_VARIABLE

#: The bucket of hosts without groups; no group has this id.
_UNGROUPED: Final = ""


def write_script(
    spool: Spool, precedence: Precedence, hosts: HostsWithSecrets, *, whole_region: bool
) -> list[Group]:
    """Write the document as the only member of a spool; return the groups that are in it."""
    graph = precedence.graph
    with closing(Buckets(spool.directory)) as members, spool.writing("script.json") as write:
        write(b'{"_meta":{"hostvars":{')
        separator = b""
        for host, secrets in hosts:
            name = quoted(host.name)
            variables = rendered_host(host, path_variables(host, secrets))
            write(b"".join((separator, name, b":", variables.encode())))
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
            write(
                b'],"children":[%b],"vars":%b}'
                % (b",".join(_names(children)), _of(precedence, group))
            )
        write(b"}")
    return groups


def _names(groups: Iterable[Group]) -> list[bytes]:
    return [quoted(group.name) for group in groups]


def _of_all(precedence: Precedence) -> bytes:
    tenant = precedence.tenant
    return as_object(
        rendered_members(tenant.variables, tenant.templated)
        | _members(precedence, precedence.region)
    ).encode()


def _of(precedence: Precedence, group: Group) -> bytes:
    members = _members(precedence, group)
    if group.priority != DEFAULT_PRIORITY:
        members[PRIORITY_VARIABLE] = str(group.priority)
    return as_object(members).encode()


def _members(precedence: Precedence, owner: Region | Group) -> dict[str, str]:
    members: dict[str, str] = {}
    for file in precedence.files.of(owner.id):
        members |= file.rendered
    return members | rendered_members(owner.variables, owner.templated)
