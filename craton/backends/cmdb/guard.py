"""Holds a sync that would drop too many hosts of a region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from craton.backends.cmdb.candidates import Candidates
from craton.driver import InventoryReader
from craton.mirror import Held
from craton.models import Host, Region
from craton.query import Compare, Operator

#: So many hosts a region may lose whatever their share, as long as it has others left.
ALWAYS: Final = 2


def held(looked: Candidates, limit: float, confirmed: Iterable[Held]) -> tuple[Held, ...]:
    """Return the regions that would lose more hosts than they may.

    A host that moves to another region is lost to the one that it was in.

    Args:
        looked: What the sync will do.
        limit: The share of a region's hosts that may go without a word.
        confirmed: What somebody has agreed to: no more than that of these regions.
    """
    agreed = {region.region: region.hosts for region in confirmed}
    found = []
    for region, leaving in sorted(_leaving(looked).items()):
        total = _hosts_of(looked.reader, region)
        if leaving > agreed.get(region, 0) and _is_too_much(leaving, total, limit):
            name = _name_of(looked.reader, region)
            found.append(Held(region=region, name=name, hosts=leaving, of=total))
    return tuple(found)


def _is_too_much(leaving: int, total: int, limit: float) -> bool:
    if leaving <= limit * total:
        return False
    return leaving > ALWAYS or limit == 0 or (leaving == total and total > 1)


def _leaving(looked: Candidates) -> Mapping[str, int]:
    leaving: Counter[str] = Counter()
    for key in looked.going:
        host = looked.stored.get(key)
        if isinstance(host, Host):
            leaving[host.region_id] += 1
    for key, present in looked.present.items():
        before, after = looked.stored.get(key), present.entity
        if isinstance(before, Host) and isinstance(after, Host):
            leaving[before.region_id] += before.region_id != after.region_id
    return {region: count for region, count in leaving.items() if count}


def _hosts_of(reader: InventoryReader, region: str) -> int:
    return reader._count(Host, Compare(("region_id",), Operator.EQ, region))


def _name_of(reader: InventoryReader, id: str) -> str:
    region = reader._get(Region, id)
    return id if region is None else region.name
