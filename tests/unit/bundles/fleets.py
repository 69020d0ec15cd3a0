"""Small regions in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from craton import config
from craton.backends.memory.driver import MemoryDriver
from craton.models import Group, Host, Region, Tenant
from craton.variables import Variables


class Fleet:
    """A region to which hosts and groups are added by name, with variables as plain dicts."""

    def __init__(
        self, tenant: Mapping[str, object] | None = None, region: Mapping[str, object] | None = None
    ) -> None:
        self.driver = MemoryDriver(config.settings(files=[]))
        self.driver.open()
        self.tenant = self.driver.create(Tenant(name="Ω tenant", variables=Variables(tenant)))
        self.region = self.driver.create(
            Region(name="region", tenant_id=self.tenant.id, variables=Variables(region))
        )

    def group(
        self,
        name: str,
        parents: Iterable[Group] = (),
        variables: Mapping[str, object] | None = None,
        **fields: Any,
    ) -> Group:
        return self.driver.create(
            Group(
                region_id=self.region.id,
                name=name,
                parents=tuple(parent.id for parent in parents),
                variables=Variables(variables),
                **fields,
            )
        )

    def host(
        self,
        name: str,
        groups: Iterable[Group] = (),
        variables: Mapping[str, object] | None = None,
        **fields: Any,
    ) -> Host:
        return self.driver.create(
            Host(
                region_id=self.region.id,
                name=name,
                groups=tuple(group.id for group in groups),
                variables=Variables(variables),
                **fields,
            )
        )
