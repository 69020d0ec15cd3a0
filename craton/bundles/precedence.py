"""Effective variables: what Ansible sees of a host, and from where each value comes.

The order, in which later wins, was measured on ansible-core (``vars/manager.py``,
``inventory/helpers.py``): the tenant's variables, the region's, then each group of the host and
each ancestor of these, sorted by the longest path from ``all``, priority and name; then the host's
fields for the connection, its own variables, and those with the paths of its secrets. What a region
or a group refers to comes before its own variables. A value is replaced whole, never merged.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from craton.bundles.groups import GroupGraph
from craton.bundles.references import NO_FILES, ReferencedFile, ReferencedFiles
from craton.bundles.secrets import path_variables
from craton.driver import InventoryReader
from craton.jsontext import JsonValue
from craton.models import CONNECTION_VARIABLES, Group, Host, Region, Secret, Tenant
from craton.query import Missing

#: How many combinations of groups are remembered with their merged variables.
_CHAINS = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a value was set.

    Attributes:
        kind: ``tenant``, ``region``, ``group``, ``host``, ``reference`` or ``secret``.
        id: The id of the entity.
        name: Its name.
        field: The field of the host that gives the value; ``None`` for a variable of its own.
        url: Where the file of a reference is.
        commit: The commit in which it was found, where there are commits.
    """

    kind: str
    id: str
    name: str
    field: str | None = None
    url: str | None = None
    commit: str | None = None

    def document(self) -> dict[str, str]:
        """Return the source as a JSON object, without what is ``None``."""
        return {
            name: value for name, value in dataclasses.asdict(self).items() if value is not None
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """An effective value and its history.

    Attributes:
        value: The value as Ansible sees it.
        source: Where it was set.
        overrides: Where else the variable is set, the strongest first.
    """

    value: JsonValue
    source: Source
    overrides: tuple[Source, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every place where the variable is set, the strongest first."""
        return self.source, *self.overrides

    def document(self) -> dict[str, object]:
        """Return the explanation as a JSON object: ``value``, ``source`` and ``overrides``."""
        return {
            "value": self.value,
            "source": self.source.document(),
            "overrides": [source.document() for source in self.overrides],
        }


class Precedence:
    """The rules of one region, ready to be applied to its hosts and groups.

    Values in the results are shared between results: read them, do not change them.

    Args:
        tenant: The tenant of the region.
        region: The region.
        graph: The groups of the region.
        files: The files that the region and its groups refer to.
    """

    def __init__(
        self,
        tenant: Tenant,
        region: Region,
        graph: GroupGraph,
        files: ReferencedFiles = NO_FILES,
    ) -> None:
        self.tenant = tenant
        self.region = region
        self.graph = graph
        self.files = files
        self._base = tenant.variables.decode() | self._decode(region)
        self._of_group = lru_cache(maxsize=None)(lambda id: self._decode(graph.groups[id]))
        self._of_groups = lru_cache(maxsize=_CHAINS)(self._merge)

    @classmethod
    def load(
        cls, reader: InventoryReader, region: Region, files: ReferencedFiles = NO_FILES
    ) -> Self:
        """Read the tenant and all groups of a region.

        Raises:
            NotFound: The region has no tenant any more.
            Unavailable: The groups do not fit together, because somebody is changing them.
        """
        tenant = reader.get(Tenant, region.tenant_id)
        return cls(tenant, region, GroupGraph.load(reader, region.id), files)

    def effective(self, host: Host, secrets: Sequence[Secret] = ()) -> dict[str, JsonValue]:
        """Return every variable that Ansible sees of a host with these secrets.

        Unsafe marks are an affair of the bundle and do not show; vault values stay closed.

        Raises:
            Unavailable: The host is in a group that was not there when the groups were read.
        """
        return {
            **self._of_groups(host.groups),
            **connection_variables(host),
            **host.variables.decode(),
            **path_variables(host, secrets),
        }

    def effective_of_group(self, group: Group) -> dict[str, JsonValue]:
        """Return what Ansible would see of a host that is a direct member of this group alone."""
        return dict(self._of_groups((group.id,)))

    def effective_of_region(self) -> dict[str, JsonValue]:
        """Return what Ansible would see of a host of the region that is in no group."""
        return dict(self._base)

    def lookup(self, host: Host, name: str, secrets: Sequence[Secret] = ()) -> JsonValue | Missing:
        """Return one effective variable of a host, or ``Missing.MISSING``; null is a value."""
        if secrets and name in (paths := path_variables(host, secrets)):
            return paths[name]
        # The text is cheap to search, and most hosts do not have most variables.
        if f'"{name}":' in host.variables.text:
            own = host.variables.decode()
            if name in own:
                return own[name]
        found: JsonValue | Missing = connection_variables(host).get(name, Missing.MISSING)
        if found is Missing.MISSING:
            return self._of_groups(host.groups).get(name, Missing.MISSING)
        return found

    def is_only_own(self, name: str) -> bool:
        """Tell whether nothing but the own variables of a host can set this one at present."""
        return (
            name not in CONNECTION_VARIABLES.values()
            and name not in self._base
            and not any(name in self._of_group(id) for id in self.graph.groups)
        )

    def explain(self, host: Host, secrets: Sequence[Secret] = ()) -> dict[str, Explanation]:
        """Return every effective variable of a host with its source and those it overrides."""
        return _explained(self._layers_of(host, secrets))

    def explain_group(self, group: Group) -> dict[str, Explanation]:
        """Return what :meth:`effective_of_group` does, with sources."""
        return _explained(self._shared_layers((group.id,)))

    def explain_region(self) -> dict[str, Explanation]:
        """Return what :meth:`effective_of_region` does, with sources."""
        return _explained(self._shared_layers(()))

    def _decode(self, owner: Region | Group) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = {}
        for file in self.files.of(owner.id):
            found |= file.variables
        return found | owner.variables.decode()

    def _merge(self, groups: tuple[str, ...]) -> dict[str, JsonValue]:
        merged = dict(self._base)
        for group in self.graph.chain(groups):
            merged |= self._of_group(group.id)
        return merged

    def _shared_layers(self, groups: tuple[str, ...]) -> Iterator[_Layer]:
        yield _layer(self.tenant)
        owners: list[Region | Group] = [self.region, *self.graph.chain(groups)]
        for owner in owners:
            yield from map(_layer_of_file, self.files.of(owner.id))
            yield _layer(owner)

    def _layers_of(self, host: Host, secrets: Sequence[Secret]) -> Iterator[_Layer]:
        yield from self._shared_layers(host.groups)
        for field, name in CONNECTION_VARIABLES.items():
            value: JsonValue = getattr(host, field)
            if value is not None:
                source = Source(kind=host.kind, id=host.id, name=host.name, field=field)
                yield source, {name: value}
        yield _layer(host)
        for secret in secrets:
            source = Source(kind=secret.kind, id=secret.id, name=secret.name)
            yield source, dict(path_variables(host, (secret,)))


_Layer = tuple[Source, Mapping[str, JsonValue]]


def effective_of_tenant(tenant: Tenant) -> dict[str, JsonValue]:
    """Return the variables that every host of a tenant has unless something overrides them."""
    return tenant.variables.decode()


def explain_tenant(tenant: Tenant) -> dict[str, Explanation]:
    """Return what :func:`effective_of_tenant` does, with sources."""
    return _explained([_layer(tenant)])


def connection_variables(host: Host) -> dict[str, JsonValue]:
    """Return the variables that the fields of a host stand for, if they are set."""
    return {
        name: value
        for field, name in CONNECTION_VARIABLES.items()
        if (value := getattr(host, field)) is not None
    }


def _layer(entity: Tenant | Region | Group | Host) -> _Layer:
    source = Source(kind=entity.kind, id=entity.id, name=entity.name)
    return source, entity.variables.decode()


def _layer_of_file(file: ReferencedFile) -> _Layer:
    reference = file.reference
    source = Source(
        kind="reference",
        id=reference.id,
        name=reference.name,
        url=reference.url,
        commit=file.fetched.commit,
    )
    return source, file.variables


def _explained(layers: Iterable[_Layer]) -> dict[str, Explanation]:
    found: dict[str, Explanation] = {}
    for source, values in layers:
        for name, value in values.items():
            before = found.get(name)
            overrides = () if before is None else (before.source, *before.overrides)
            found[name] = Explanation(value=value, source=source, overrides=overrides)
    return dict(sorted(found.items()))
