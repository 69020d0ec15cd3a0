"""The fleet that most tests of the mirror begin with."""

from __future__ import annotations

from craton.models import Entity, Group, Host, Region, Tenant
from craton.variables import Variables

TENANT = Tenant(id="t", name="acme", customer="Acme Inc.", variables=Variables({"cmdb_t": 1}))
REGION = Region(id="r", tenant_id="t", name="north", variables=Variables({"cmdb_r": 1}))
GROUP = Group(id="g", region_id="r", name="web", variables=Variables({"cmdb_g": 1}))
HOSTS = tuple(
    Host(
        id=f"h{number}",
        region_id="r",
        name=f"web{number}",
        ip_address=f"192.0.2.{number}",
        groups=("g",),
        variables=Variables({"cmdb_h": number}),
    )
    for number in range(10)
)
HOST = HOSTS[0]

#: All of it, in an order that no rule asks for.
FLEET: tuple[Entity, ...] = (*HOSTS, GROUP, REGION, TENANT)
