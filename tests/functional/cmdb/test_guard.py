"""A sync that would drop too many hosts of a region is held until somebody confirms it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from craton.driver import InventoryDriver
from craton.mirror import Held
from craton.models import Host, Region
from tests.cmdbs import Cmdb, changed
from tests.functional.cmdb.conftest import Mirror
from tests.functional.cmdb.fleet import FLEET, HOST, HOSTS


def hosts(driver: InventoryDriver) -> int:
    return len(list(driver.scan(Host)))


@pytest.mark.parametrize("forgotten", [False, True])
def test_forty_percent_are_held_until_confirmed(
    filled: InventoryDriver, cmdb: Cmdb, forgotten: bool
) -> None:
    synced_at = filled.mirror_status().synced_at
    cmdb.remove(*HOSTS[:4])
    cmdb.put(changed(HOSTS[9], active=False))
    if forgotten:
        cmdb.forget_tokens()
    held = Held(region="r", name="north", hosts=4, of=10)
    for _ in range(2):
        report = filled.sync()
        assert (report.held, report.changed) == ((held,), 0)
    status = filled.mirror_status()
    assert (status.held, status.synced_at) == ((held,), synced_at)
    assert hosts(filled) == 10
    assert filled.get(Host, HOSTS[9].id).active
    assert filled.sync(confirm=True).deleted == {"host": 4}
    assert filled.mirror_status().held == ()
    assert hosts(filled) == 6
    assert not filled.get(Host, HOSTS[9].id).active


def test_a_cmdb_that_finds_its_hosts_again_needs_no_word(
    filled: InventoryDriver, cmdb: Cmdb
) -> None:
    cmdb.remove(*HOSTS[:4])
    assert filled.sync().held
    cmdb.put(*HOSTS[:4])
    report = filled.sync()
    assert (report.held, report.changed) == ((), 0)
    assert filled.mirror_status().held == ()


def test_a_word_covers_no_more_than_was_told(filled: InventoryDriver, cmdb: Cmdb) -> None:
    cmdb.remove(*HOSTS[:4])
    filled.sync()
    cmdb.remove(*HOSTS[:8])
    assert filled.sync(confirm=True).held[0].hosts == 8
    assert hosts(filled) == 10
    assert filled.sync(confirm=True).deleted == {"host": 8}


def test_a_word_without_anything_held_lets_nothing_go(filled: InventoryDriver, cmdb: Cmdb) -> None:
    cmdb.remove(*HOSTS[:4])
    assert filled.sync(confirm=True).held
    assert hosts(filled) == 10


def test_hosts_that_move_away_are_lost_to_their_region(filled: InventoryDriver, cmdb: Cmdb) -> None:
    cmdb.put(Region(id="s", tenant_id="t", name="south"))
    cmdb.put(*(changed(host, region_id="s", groups=()) for host in HOSTS[:4]))
    assert filled.sync().held[0].region == "r"
    filled.sync(confirm=True)
    assert {filled.get(Host, host.id).region_id for host in HOSTS[:4]} == {"s"}


@pytest.mark.parametrize(("total", "gone", "held"), [
    (10, 2, False), (10, 3, True), (3, 2, False), (2, 2, True), (3, 3, True), (1, 1, False),
])  # fmt: skip
def test_a_small_region_may_lose_a_few_but_not_all(
    driver: InventoryDriver, cmdb: Cmdb, total: int, gone: int, held: bool
) -> None:
    cmdb.put(*FLEET[10:], *HOSTS[:total])
    driver.sync()
    cmdb.remove(*HOSTS[:gone])
    assert bool(driver.sync().held) == held


@pytest.mark.parametrize(("limit", "gone", "held"), [(0, 1, True), (1, 10, False), (0.5, 5, False),
                                                     (0.5, 6, True)])  # fmt: skip
def test_the_limit_can_be_set(
    tmp_path: Path,
    template_of: Callable[[str], Path],
    entry_point: Path,
    limit: float,
    gone: int,
    held: bool,
) -> None:
    mirror = Mirror.make(tmp_path, "memory", shrink_limit=limit)
    mirror.cmdb.put(*FLEET)
    with mirror.driver() as driver:
        driver.sync()
        mirror.cmdb.remove(*HOSTS[:gone])
        assert bool(driver.sync().held) == held


def test_hosts_that_are_only_unusable_are_not_dropped(filled: InventoryDriver, cmdb: Cmdb) -> None:
    for host in HOSTS:
        cmdb.spoil(Host, host.id, "it is no longer what it was")
    report = filled.sync(everything=True)
    assert (report.held, report.rejected) == ((), 10)
    assert hosts(filled) == 10
    assert filled.get(Host, HOST.id).name == HOST.name
