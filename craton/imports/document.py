"""The shape of an exported inventory: which names it has, and how they hang together.

Everything is checked that can be checked without looking into variables: shapes, names, one
meaning for each name. What is not known is refused, since Ansible would pass over it in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from craton import jsontext
from craton.errors import InvalidValue
from craton.jsontext import JsonValue
from craton.models import Group, Host, specs
from craton.rules import rival_taken, rivals

_GROUP_KEYS: Final = ("hosts", "children", "vars")
_META_KEYS: Final = ("hostvars", "profile")


@dataclass(kw_only=True, slots=True)
class GroupEntry:
    """A group of the document.

    Attributes:
        parents: The names of the groups that have it as a child; ``all`` is none of them.
        variables: Its own variables as they stand there.
    """

    parents: set[str] = field(default_factory=set)
    variables: dict[str, JsonValue] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class HostEntry:
    """A host of the document.

    Attributes:
        groups: The names of the groups that it is a direct member of; ``ungrouped`` is none.
        variables: Its own variables as they stand there.
    """

    groups: list[str] = field(default_factory=list)
    variables: dict[str, JsonValue] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class Document:
    """An inventory, taken apart. Who takes an entry out owns it, so that memory can be freed.

    Attributes:
        variables: Those of ``all``.
        groups: By name, in the order in which the document mentions them.
        hosts: By name, likewise.
    """

    variables: dict[str, JsonValue] = field(default_factory=dict)
    groups: dict[str, GroupEntry] = field(default_factory=dict)
    hosts: dict[str, HostEntry] = field(default_factory=dict)

    def group(self, name: str, place: str) -> GroupEntry:
        """Return the group of this name, which exists from now on.

        Raises:
            InvalidValue: Ansible would not read the name back, or it is a host's.
        """
        if name not in self.groups:
            specs(Group)["name"].check(name, place)
            self._check_free(name, self.hosts, place)
            self.groups[name] = GroupEntry()
        return self.groups[name]

    def host(self, name: str, place: str) -> HostEntry:
        """Return the host of this name, which exists from now on.

        Raises:
            InvalidValue: Ansible would not read the name back, or it is a group's.
            AlreadyExists: Ansible takes it for another host of the document.
        """
        if name not in self.hosts:
            specs(Host)["name"].check(name, place)
            self._check_free(name, self.groups, place)
            for other in rivals(name) & self.hosts.keys():
                raise rival_taken(name, other)
            self.hosts[name] = HostEntry()
        return self.hosts[name]

    def _check_free(
        self, name: str, taken: dict[str, GroupEntry] | dict[str, HostEntry], place: str
    ) -> None:
        if name in taken:
            raise InvalidValue(
                place, f"{name!r} is a host and a group here; Ansible would mix their variables"
            )


def read(text: bytes) -> Document:
    """Read what ``ansible-inventory --list --export`` printed.

    Args:
        text: JSON in UTF-8. Without ``--export`` it can be read as well; then the variables of
            groups are those of each host.

    Raises:
        InvalidValue: It is not JSON, not of this shape, or has a name that Ansible would not read
            back unchanged; the error names the place.
        AlreadyExists: It has both ``localhost`` and ``127.0.0.1``.
    """
    body = _object(jsontext.decode(text), "body")
    document = Document()
    meta = _object(body.pop("_meta", {}), "_meta", _META_KEYS)
    if "profile" in meta and not isinstance(meta["profile"], str):
        raise InvalidValue("_meta.profile", "must be a string")
    for name in list(body):
        members = _object(body.pop(name), name, _GROUP_KEYS)
        if name == "all":
            _read_all(members, document)
        elif name == "ungrouped":
            _read_ungrouped(members, document)
        else:
            _read_group(name, members, document)
    hostvars = _object(meta.get("hostvars", {}), "_meta.hostvars")
    for name, value in hostvars.items():
        place = f"_meta.hostvars.{name}"
        document.host(name, place).variables = _object(value, place)
    return document


def _read_all(members: dict[str, JsonValue], document: Document) -> None:
    for place, name in _names(members, "all", "children"):
        if name != "ungrouped":
            document.group(name, place)
    for place, name in _names(members, "all", "hosts"):
        document.host(name, place)
    document.variables = _object(members.get("vars", {}), "all.vars")


def _read_ungrouped(members: dict[str, JsonValue], document: Document) -> None:
    children = _names(members, "ungrouped", "children")
    variables = _object(members.get("vars", {}), "ungrouped.vars")
    if children or variables:
        place = "ungrouped.children" if children else "ungrouped.vars"
        raise InvalidValue(place, "must be empty: the hosts that are in no group are no group")
    for place, name in _names(members, "ungrouped", "hosts"):
        document.host(name, place)


def _read_group(name: str, members: dict[str, JsonValue], document: Document) -> None:
    document.group(name, name).variables = _object(members.get("vars", {}), f"{name}.vars")
    for place, child in _names(members, name, "children"):
        document.group(child, place).parents.add(name)
    for place, host in _names(members, name, "hosts"):
        document.host(host, place).groups.append(name)


def _names(members: dict[str, JsonValue], group: str, key: str) -> list[tuple[str, str]]:
    """Return the names in a list of the group, each behind its place."""
    values = members.get(key, [])
    place = f"{group}.{key}"
    if not isinstance(values, list):
        raise InvalidValue(place, "must be a list of names")
    return [
        (f"{place}.{position}", _name(value, f"{place}.{position}"))
        for position, value in enumerate(values)
    ]


def _name(value: JsonValue, place: str) -> str:
    if not isinstance(value, str):
        raise InvalidValue(place, "must be a name")
    return value


def _object(
    value: JsonValue, place: str, keys: tuple[str, ...] | None = None
) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise InvalidValue(place, "must be an object")
    if keys is not None:
        for key in value:
            if key not in keys:
                raise InvalidValue(f"{place}.{key}", f"is not known here; known: {', '.join(keys)}")
    return value
