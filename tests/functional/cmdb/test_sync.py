"""A sync brings over what the CMDB has, all or nothing, and writes only what changed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from craton.driver import InventoryDriver
from craton.errors import OwnerUnavailable, Unavailable
from craton.models import INVENTORY_KINDS, Entity, Group, Host, Record, Region, Tenant
from craton.query import Query
from craton.variables import Variables
from tests.cmdbs import Cmdb, changed
from tests.functional.cmdb.fleet import FLEET, GROUP, HOST, HOSTS, REGION, TENANT


def contents(driver: InventoryDriver) -> list[Entity]:
    return [entity for kind in INVENTORY_KINDS for entity in driver.scan(kind)]


def said(entity: Any, like: Any) -> Any:
    """Return an entity with the stamps of another one."""
    stamps = {name: getattr(like, name) for name in ("revision", "created_at", "updated_at")}
    return dataclasses.replace(entity, **stamps)


def test_before_the_first_sync_nothing_is_known(driver: InventoryDriver) -> None:
    for read in (
        lambda: driver.get(Tenant, "t"),
        lambda: driver.find(Host, Query()),
        lambda: list(driver.scan(Host)),
        lambda: driver.count(Host),
        lambda: driver.digest(Host),
    ):
        with pytest.raises(Unavailable, match="Testbed") as caught:
            read()
        assert not isinstance(caught.value, OwnerUnavailable)
        assert caught.value.retry_after > 0
    assert driver.mirror_status().synced_at is None


def test_everything_comes_over(filled: InventoryDriver) -> None:
    for entity in FLEET:
        found = filled.get(type(entity), entity.id)
        assert found == said(entity, found)
    assert filled.mirror_status().rejected_total == 0
    assert list(filled.scan(Record)) == []


def test_what_did_not_change_is_not_written(filled: InventoryDriver, cmdb: Cmdb) -> None:
    before = contents(filled)
    assert filled.sync().changed == 0
    assert filled.sync(everything=True).changed == 0
    cmdb.put(changed(HOST, active=False))
    report = filled.sync()
    assert (report.everything, report.updated, report.created) == (False, {"host": 1}, {})
    after = contents(filled)
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_a_cmdb_that_forgot_the_token_is_read_as_a_whole(
    filled: InventoryDriver, cmdb: Cmdb
) -> None:
    cmdb.remove(HOSTS[9])
    cmdb.forget_tokens()
    report = filled.sync()
    assert (report.everything, report.deleted) == (True, {"host": 1})


def test_objects_swap_their_names_in_one_step(filled: InventoryDriver, cmdb: Cmdb) -> None:
    one, two, three = HOSTS[:3]
    cmdb.put(
        changed(one, name=two.name),
        changed(two, name=three.name),
        changed(three, name=GROUP.name),
        changed(GROUP, name=one.name),
    )
    assert filled.sync().rejected == 0
    names = [filled.get(Host, host.id).name for host in HOSTS[:3]]
    assert names == [two.name, three.name, GROUP.name]
    assert filled.get(Group, GROUP.id).name == one.name


def test_a_newcomer_takes_the_name_of_what_goes(filled: InventoryDriver, cmdb: Cmdb) -> None:
    cmdb.remove(HOST, GROUP)
    cmdb.put(*(changed(host, groups=()) for host in HOSTS[1:]))
    cmdb.put(changed(HOST, id="new", name=GROUP.name, groups=()))
    cmdb.put(Group(id="other", region_id="r", name=HOST.name))
    report = filled.sync()
    assert (report.rejected, report.deleted) == (0, {"host": 1, "group": 1})
    assert filled.get(Host, "new").name == GROUP.name


def test_a_host_moves_to_another_region_with_what_hangs_on_it(
    filled: InventoryDriver, cmdb: Cmdb
) -> None:
    from craton.models import Payload, Secret

    secret = filled.create(Secret(host_id=HOST.id, name="key"))
    payload = filled.create(Payload(secret_id=secret.id, sealed="sealed"))
    own = filled.create(Group(region_id="r", name="mine"))
    host = filled.get(Host, HOST.id)
    filled.replace(
        changed(host, groups=(*host.groups, own.id), variables=host.variables.merged({"x": 1}))
    )
    cmdb.put(Region(id="s", tenant_id="t", name="south"))
    cmdb.put(changed(HOST, region_id="s", groups=()))
    assert filled.sync().rejected == 0
    moved = filled.get(Host, HOST.id)
    assert (moved.region_id, moved.groups, moved.variables["x"]) == ("s", (), 1)
    assert filled.get(Secret, secret.id) == secret
    assert filled.get(Payload, payload.id) == payload


def test_a_region_goes_with_everything_in_it(filled: InventoryDriver, cmdb: Cmdb) -> None:
    cmdb.remove(*FLEET)
    assert filled.sync().held
    report = filled.sync(confirm=True)
    assert report.deleted == {"tenant": 1, "region": 1, "group": 1, "host": 10}
    assert contents(filled) == []


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("fault", ["fail_at", "crash_at", "cut_at"])
def test_a_stream_that_does_not_end_well_changes_nothing(
    filled: InventoryDriver, cmdb: Cmdb, fault: str, everything: bool
) -> None:
    cmdb.put(*(changed(host, active=False) for host in HOSTS))
    before, status = contents(filled), filled.mirror_status()
    for number in (0, 3, 9):
        cmdb.suffer(**{fault: number})
        with pytest.raises(OwnerUnavailable, match="Testbed") as caught:
            filled.sync(everything=everything)
        assert caught.value.owner == "Testbed"
        assert "hunter2" not in str(caught.value)
        assert contents(filled) == before
    after = filled.mirror_status()
    assert (after.synced_at, after.changed_at) == (status.synced_at, status.changed_at)
    assert after.error is not None
    assert "hunter2" not in after.error
    cmdb.suffer()
    assert filled.sync(everything=everything).updated == {"host": 10}
    assert filled.mirror_status().error is None


def test_a_stream_that_is_cut_off_never_empties_a_fleet(
    filled: InventoryDriver, cmdb: Cmdb
) -> None:
    before = contents(filled)
    cmdb.forget_tokens()
    cmdb.suffer(cut_at=1)
    with pytest.raises(OwnerUnavailable):
        filled.sync()
    assert contents(filled) == before


def test_a_sync_for_an_age_does_nothing_while_the_mirror_is_younger(
    filled: InventoryDriver, cmdb: Cmdb
) -> None:
    streams = cmdb.streams()
    assert filled.sync(max_age=3600).changed == 0
    assert cmdb.streams() == streams
    filled.sync()
    assert cmdb.streams() == streams + 1


def test_another_adapter_begins_anew(filled: InventoryDriver, cmdb: Cmdb) -> None:
    assert filled.mirror_status().adapter == "testbed"
    assert filled.origins(Host, [HOST.id, "no"])[HOST.id].variables == {"cmdb_h"}
    assert filled.origins(Record, ["x"]) == {}
    assert TENANT.id in filled.origins(Tenant, [TENANT.id])
    assert REGION.id in filled.origins(Region, [REGION.id])


def test_a_variable_that_an_object_loses_is_lost(filled: InventoryDriver, cmdb: Cmdb) -> None:
    cmdb.put(changed(HOST, variables=Variables({})))
    filled.sync()
    assert filled.get(Host, HOST.id).variables == Variables({})
