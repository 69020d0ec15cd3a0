"""However many hosts there are, a bundle of them needs the same memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Sequence

import pytest

from craton.bundles import Format, Precedence
from craton.bundles.groups import GroupGraph
from craton.bundles.inventories import write_ansible, write_taskflow
from craton.bundles.manifest import write_manifest
from craton.bundles.script import write_script
from craton.bundles.spool import Spool
from craton.models import Group, Host, Region, Secret, Tenant
from craton.variables import Variables

HOSTS = 12_000
#: What the hosts would take if they were kept is several times as much.
MOST = 8 * 2**20

GROUPS = [Group(id=f"g{n}", name=f"group{n}", region_id="r") for n in range(50)]
TEXT = Variables({f"variable{n}": f"some value {n}" for n in range(50)}).text


def hosts() -> Iterator[tuple[Host, Sequence[Secret]]]:
    for number in range(HOSTS):
        host = Host(
            region_id="r",
            name=f"host{number:06}.example.org",
            groups=(f"g{number % 50}", f"g{number % 49}"),
            variables=Variables.from_text(TEXT),
        )
        yield host, ()


def precedence() -> Precedence:
    tenant = Tenant(name="t")
    return Precedence(tenant, Region(name="r", tenant_id="t"), GroupGraph(GROUPS))


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("write", [write_ansible, write_taskflow, write_script])
def test_memory_does_not_grow_with_the_number_of_hosts(write: Callable[..., None]) -> None:
    assert len(TEXT) * HOSTS > 2 * MOST
    with Spool() as spool:
        write(spool, precedence(), hosts(), whole_region=True)
        write_manifest(spool, tenant="t", region="r", target="x", filters={}, snapshot=True)
        spool.finish()
        for format in Format:
            assert sum(map(len, spool.archive(format))) > 0
    _, peak = tracemalloc.get_traced_memory()
    assert peak < MOST
