"""Which hosts are in which dynamic groups, and which hosts there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from uuid import UUID

from craton.backends.cmdb.nautobot.client import Client, Row
from craton.backends.cmdb.nautobot.sketch import Element, version_of
from craton.backends.cmdb.nautobot.vocabulary import HOSTS, NUMBERS

#: The field of GraphQL that has the members of groups, by their content type.
_MODELS: Final = {
    ("dcim", "device"): "devices",
    ("virtualization", "virtualmachine"): "virtual_machines",
}
#: How many groups one request asks about.
_AT_ONCE: Final = 8


@dataclass(slots=True)
class Members:
    """The dynamic groups of each host, as Nautobot keeps them.

    Attributes:
        groups: The ids of all groups.
        bits: For each host in any, a number whose bits stand for the groups.
    """

    groups: tuple[str, ...] = ()
    bits: dict[bytes, int] = field(default_factory=dict)

    @classmethod
    def load(cls, client: Client, dynamic_groups: Mapping[str, Row]) -> Members:
        """Read the members of all dynamic groups of hosts.

        Raises:
            Unavailable: There is no whole answer.
        """
        wanted = {
            id: _MODELS[of]
            for id, row in sorted(dynamic_groups.items())
            if (of := (row["content_type"]["app_label"], row["content_type"]["model"])) in _MODELS
        }
        made = cls(tuple(wanted))
        for start in range(0, len(wanted), _AT_ONCE):
            part = made.groups[start : start + _AT_ONCE]
            fields = {
                f"g{number}": f'g{number}: {wanted[id]}(dynamic_groups: ["{id}"]) {{ id }}'
                for number, id in enumerate(part, start)
            }
            for name, members in client.packed(fields).items():
                bit = 1 << int(name[1:])
                for member in members:
                    made.bits[member] = made.bits.get(member, 0) | bit
        return made

    def of(self, host: bytes) -> tuple[str, ...]:
        """Return the ids of the groups of a host."""
        return _chosen(self.groups, self.bits.get(host, 0))

    def element(self, sort: str, host: bytes, last_updated: bytes) -> Element:
        """Return a host in its state: what it is itself, and which groups it is in."""
        groups = "".join(self.of(host)).encode()
        return Element(NUMBERS[sort], host, version_of(last_updated, groups))


@lru_cache(maxsize=1024)
def _chosen(groups: tuple[str, ...], bits: int) -> tuple[str, ...]:
    return tuple(id for place, id in enumerate(groups) if bits >> place & 1)


def check_permitted(client: Client, sort: str) -> None:
    """Make sure that the token may see hosts of a sort, of which it sees none.

    Raises:
        Unavailable: It may not, or there is no answer.
    """
    client.check_permitted(HOSTS[sort].path, HOSTS[sort].permission)


def listed(client: Client, *, times: bool) -> Mapping[str, Sequence[bytes]]:
    """Return all hosts by the name of their sort, each once, sorted, as ``Client.packed`` does.

    Args:
        client: What to read through.
        times: Whether to ask for the times of their last changes, too.

    Raises:
        Unavailable: The token may not see them, or there is no whole answer.
    """
    what = "id last_updated" if times else "id"
    found = client.packed({name: f"{name} {{ {what} }}" for name in HOSTS})
    for name in HOSTS:
        if not found[name]:
            check_permitted(client, name)
    return {name: sorted(set(rows)) for name, rows in found.items()}


def uuid_text(id: bytes) -> str:
    """Return an id as Nautobot writes it."""
    return str(UUID(bytes=id))
