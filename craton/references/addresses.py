"""Which addresses the service may be sent to by whoever creates a reference.

Only addresses of the public internet: a reference must not become a way to reach what stands beside
the service, such as a cloud's metadata or an administrator's console. The lists are IANA's, for
special purposes (https://www.iana.org/assignments/iana-ipv4-special-registry and the same for
IPv6); of IPv6 only the global unicast space, 2000::/3, is public at all, which leaves out the forms
that hide an IPv4 address (mapped, compatible, NAT64).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

from craton.errors import ConfigurationError

Address = IPv4Address | IPv6Address

_PUBLIC_IPV6: Final = IPv6Network("2000::/3")

_SPECIAL: Final = tuple(
    ip_network(network)
    for network in """
        0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
        192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24
        198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
        2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20
    """.split()
)


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet and to one machine there."""
    if isinstance(address, IPv6Address) and (
        address not in _PUBLIC_IPV6 or address.scope_id is not None
    ):
        return False
    return not any(address in network for network in _SPECIAL)


class AddressRule:
    """Public addresses, and what the configuration exempts.

    Args:
        allow: Names of hosts, addresses and networks.

    Raises:
        ConfigurationError: An entry is none of these.
    """

    def __init__(self, allow: Iterable[str] = ()) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        self._hosts: set[str] = set()
        for entry in allow:
            self._add(entry)

    def allows(self, host: str, address: Address) -> bool:
        """Tell whether a host may be spoken to at an address."""
        return (
            is_public(address)
            or host.lower().rstrip(".") in self._hosts
            or any(address in network for network in self._networks)
        )

    def exempting(self, host: str) -> AddressRule:
        """Return a rule that exempts one more host."""
        rule = AddressRule()
        rule._networks = self._networks
        rule._hosts = self._hosts | {host.lower().rstrip(".")}
        return rule

    def _add(self, entry: str) -> None:
        try:
            self._networks.append(ip_network(entry))
        except ValueError as error:
            if not _is_name(entry):
                raise ConfigurationError(
                    f"[references] allow: {entry!r} is neither the name of a host, nor an address, "
                    "nor a network such as 10.0.0.0/8"
                ) from error
            self._hosts.add(entry.lower().rstrip("."))


def literal(host: str) -> Address | None:
    """Read a host that is an address, IPv6 without brackets; ``None`` for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_name(entry: str) -> bool:
    labels = entry.rstrip(".").split(".")
    return (
        all(
            label and label.replace("-", "").replace("_", "").isalnum() and label.isascii()
            for label in labels
        )
        and not labels[-1].isdigit()
    )
