"""Secrets on their way into bundles: where their files are, and the variables that say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from craton.bundles.groups import changed_meanwhile
from craton.bundles.quoting import checked
from craton.driver import InventoryReader
from craton.models import Host, Payload, Secret
from craton.query import Compare, In, Operator, Predicate, Query

#: For how many hosts secrets are looked for at once.
_HOSTS: Final = 500

#: How many payloads are in memory at once; each may have a megabyte.
_PAYLOADS: Final = 8


@dataclass(frozen=True)
class Placed:
    """A secret that has a payload, and its place in a bundle.

    Attributes:
        secret: The secret.
        path: The path of its file, from the top of the bundle.
    """

    secret: Secret
    path: str


#: Hosts in the order of their names, each with its secrets sorted by name.
HostsWithSecrets: TypeAlias = Iterable[tuple[Host, Sequence[Secret]]]


def of_hosts(reader: InventoryReader, hosts: Iterable[Host]) -> HostsWithSecrets:
    """Yield hosts, in their order, each with its secrets sorted by name."""
    waiting = iter(hosts)
    while chunk := list(islice(waiting, _HOSTS)):
        found: dict[str, list[Secret]] = {}
        where = In(("host_id",), tuple(host.id for host in chunk))
        for secret in reader.scan(Secret, Query(where=where)):
            found.setdefault(secret.host_id, []).append(secret)
        for host in chunk:
            yield host, found.get(host.id, ())


class Placing:
    """Passes hosts with their secrets on, and notes where the secrets that have a payload go.

    Args:
        hosts: The hosts with their secrets.
    """

    def __init__(self, hosts: HostsWithSecrets) -> None:
        self._hosts = hosts
        self._placed: list[Placed] = []

    def __iter__(self) -> Iterator[tuple[Host, Sequence[Secret]]]:
        for host, secrets in self._hosts:
            for secret in secrets:
                if secret.size is not None:
                    self._placed.append(Placed(secret, path_of(host, secret)))
            yield host, secrets

    def placed(self) -> list[Placed]:
        """Return the secrets of all hosts that went by, in the order of their paths."""
        return sorted(self._placed, key=lambda placed: placed.path)


def of_host(reader: InventoryReader, host: Host) -> Sequence[Secret]:
    """Return the secrets of one host, sorted by name."""
    return list(reader.scan(Secret, Query(where=Compare(("host_id",), Operator.EQ, host.id))))


def any_in(reader: InventoryReader, where: Predicate) -> bool:
    """Tell whether there are any secrets at all, so that most bundles need not look further."""
    return bool(reader.find(Secret, Query(where=where, limit=1)).items)


def path_of(host: Host, secret: Secret) -> str:
    """Return the path of a secret's file, from the top of a bundle."""
    return f"secrets/{checked(host.name)}/{checked(secret.name)}"


def path_variables(host: Host, secrets: Iterable[Secret], top: str = "") -> Mapping[str, str]:
    """Return the variables that hold paths of secrets. Ansible puts in where the inventory is.

    Args:
        host: The host.
        secrets: Its secrets, sorted by name. Of two that name one variable, the later one wins.
        top: The way from the inventory's directory to the top of the bundle, such as ``../``.
    """
    return {
        secret.variable: f"{{{{ inventory_dir }}}}/{top}{path_of(host, secret)}"
        for secret in secrets
        if secret.variable is not None and secret.size is not None
    }


def sealed_payloads(
    reader: InventoryReader, placed: Iterable[Placed]
) -> Iterator[tuple[Placed, str]]:
    """Yield the sealed payloads of secrets, in their order.

    Raises:
        Unavailable: One has none, though it says so: somebody changed it meanwhile.
    """
    waiting = iter(placed)
    while chunk := list(islice(waiting, _PAYLOADS)):
        where = In(("secret_id",), tuple(one.secret.id for one in chunk))
        found = {p.secret_id: p.sealed for p in reader.scan(Payload, Query(where=where))}
        for one in chunk:
            if one.secret.id not in found:
                raise changed_meanwhile()
            yield one, found[one.secret.id]
