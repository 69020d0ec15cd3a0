"""What cannot be mirrored is listed with its reason, never guessed; the last good state stays."""

from __future__ import annotations

from typing import Any

import pytest

from craton.driver import InventoryDriver
from craton.errors import NotFound
from craton.models import Group, Host, Region, Tenant
from craton.variables import Variables
from tests.cmdbs import Cmdb, changed, url_of
from tests.functional.cmdb.fleet import FLEET, GROUP, HOST, HOSTS, REGION, TENANT


def reasons(driver: InventoryDriver) -> dict[str, str]:
    status = driver.mirror_status(rejected=100)
    assert len(status.rejected) == status.rejected_total
    return {rejected.id: rejected.reason for rejected in status.rejected}


def test_of_two_newcomers_with_one_name_neither_is_chosen(
    filled: InventoryDriver, cmdb: Cmdb
) -> None:
    twins = [changed(HOST, id=id, name="twin") for id in ("a", "b")]
    cmdb.put(*twins)
    assert filled.sync().rejected == 2
    found = reasons(filled)
    assert found.keys() == {"a", "b"}
    assert url_of(Host, "b") in found["a"]
    for twin in twins:
        with pytest.raises(NotFound):
            filled.get(Host, twin.id)
    cmdb.put(changed(twins[1], name="single"))
    filled.sync()
    assert reasons(filled) == {}
    assert filled.get(Host, "a").name == "twin"


def test_who_has_the_name_already_keeps_it(filled: InventoryDriver, cmdb: Cmdb) -> None:
    cmdb.put(changed(HOST, id="rival"), changed(HOST, active=False))
    filled.sync()
    assert reasons(filled).keys() == {"rival"}
    assert filled.get(Host, HOST.id).active is False
    cmdb.remove(HOST)
    filled.sync()
    assert reasons(filled) == {}
    assert filled.get(Host, "rival").name == HOST.name


def test_a_group_of_cratons_own_keeps_its_name(filled: InventoryDriver, cmdb: Cmdb) -> None:
    own = filled.create(Group(region_id="r", name="mine"))
    cmdb.put(changed(HOST, name="mine"))
    filled.sync()
    assert "'mine'" in reasons(filled)[HOST.id]
    assert filled.get(Host, HOST.id).name == HOST.name
    filled.delete(Group, own.id)
    filled.sync()
    assert filled.get(Host, HOST.id).name == "mine"


def test_an_id_of_cratons_own_is_not_taken_over(filled: InventoryDriver, cmdb: Cmdb) -> None:
    own = filled.create(Group(id="mine", region_id="r", name="mine"))
    cmdb.put(Group(id="mine", region_id="r", name="theirs"))
    filled.sync()
    assert "id" in reasons(filled)["mine"]
    assert filled.get(Group, "mine") == own


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": "a/b"}, "name"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"ip_address": "10.0.0.256"}, "ip_address"),
        ({"ssh_port": "22"}, "ssh_port"),
        ({"variables": {"a": 1}}, "variables"),
        ({"templated": ("cmdb_h",)}, "templated"),
        ({"region_id": "nowhere"}, "nowhere"),
        ({"groups": ("nowhere",)}, "nowhere"),
        ({"groups": ("far",)}, "far"),
    ],
)
def test_an_object_that_makes_no_host_keeps_its_last_good_state(
    filled: InventoryDriver, cmdb: Cmdb, fields: dict[str, Any], word: str
) -> None:
    cmdb.put(
        Region(id="s", tenant_id="t", name="south"), Group(id="far", region_id="s", name="far")
    )
    filled.sync()
    before = filled.get(Host, HOST.id)
    cmdb.put(changed(HOST, **fields), changed(HOST, id="new", **{"name": "new", **fields}))
    for everything in (False, True):
        filled.sync(everything=everything)
        assert reasons(filled).keys() == {HOST.id, "new"}
        assert word in reasons(filled)[HOST.id]
        assert filled.get(Host, HOST.id) == before
    cmdb.put(changed(HOST, active=False))
    cmdb.remove(changed(HOST, id="new"))
    filled.sync()
    assert reasons(filled) == {}
    assert filled.get(Host, HOST.id).active is False


def test_what_the_adapter_calls_unusable_keeps_its_last_good_state(
    filled: InventoryDriver, cmdb: Cmdb
) -> None:
    before = filled.get(Host, HOST.id)
    cmdb.spoil(Host, HOST.id, "its interface has two addresses")
    for everything in (False, True):
        filled.sync(everything=everything)
        assert reasons(filled) == {HOST.id: "its interface has two addresses"}
        assert filled.get(Host, HOST.id) == before
    cmdb.put(HOST)
    filled.sync()
    assert reasons(filled) == {}


def test_what_is_below_something_unusable_waits_for_it(driver: InventoryDriver, cmdb: Cmdb) -> None:
    cmdb.put(*FLEET, changed(REGION, name="a\nb"))
    driver.sync()
    assert len(reasons(driver)) == len(HOSTS) + 2
    assert list(driver.scan(Tenant))
    assert not list(driver.scan(Host))
    cmdb.put(REGION)
    driver.sync()
    assert reasons(driver) == {}
    assert len(list(driver.scan(Host))) == len(HOSTS)


def test_groups_in_a_circle_are_refused(filled: InventoryDriver, cmdb: Cmdb) -> None:
    cmdb.put(
        Group(id="a", region_id="r", name="a", parents=("b",)),
        Group(id="b", region_id="r", name="b", parents=("a",)),
        Group(id="c", region_id="r", name="c"),
    )
    filled.sync()
    assert reasons(filled).keys() == {"a", "b"}
    assert filled.get(Group, "c").name == "c"


def test_a_circle_through_a_group_of_cratons_own_is_refused(
    filled: InventoryDriver, cmdb: Cmdb
) -> None:
    cmdb.put(Group(id="a", region_id="r", name="a"), Group(id="b", region_id="r", name="b"))
    filled.sync()
    own = filled.create(Group(region_id="r", name="mine", parents=("a",)))
    filled.replace(changed(filled.get(Group, "b"), parents=(own.id,)))
    cmdb.put(Group(id="a", region_id="r", name="a", parents=("b",)))
    filled.sync()
    assert reasons(filled).keys() == {"a"}


def test_hosts_that_are_the_controller_to_ansible_do_not_stand_together(
    filled: InventoryDriver, cmdb: Cmdb
) -> None:
    cmdb.put(changed(HOSTS[0], name="localhost"))
    filled.sync()
    cmdb.put(changed(HOSTS[1], name="127.0.0.1"))
    filled.sync()
    assert reasons(filled).keys() == {HOSTS[1].id}
    cmdb.put(changed(HOSTS[0], name="::1"), changed(HOSTS[1], name="other"))
    filled.sync()
    assert reasons(filled) == {}
    cmdb.put(changed(HOSTS[0], name="was"), changed(HOSTS[1], name="localhost"))
    filled.sync()
    assert reasons(filled) == {}


def test_a_region_that_goes_stays_while_something_of_cratons_is_in_it(
    filled: InventoryDriver, cmdb: Cmdb
) -> None:
    own = filled.create(Group(region_id="r", name="mine"))
    cmdb.remove(*FLEET)
    filled.sync()
    filled.sync(confirm=True)
    assert reasons(filled).keys() == {"r", "t"}
    assert "'mine'" in reasons(filled)["r"]
    assert not list(filled.scan(Host))
    filled.delete(Group, own.id)
    filled.sync()
    assert reasons(filled) == {}
    assert not list(filled.scan(Tenant))


@pytest.mark.parametrize("entity", [REGION, GROUP], ids=["region", "group"])
def test_a_region_and_a_group_cannot_move(filled: InventoryDriver, cmdb: Cmdb, entity: Any) -> None:
    cmdb.put(Tenant(id="u", name="other"), Region(id="s", tenant_id="t", name="south"))
    parent = {"tenant_id": "u"} if entity is REGION else {"region_id": "s"}
    cmdb.put(changed(entity, **parent))
    filled.sync()
    assert "cannot move" in reasons(filled)[entity.id]
    assert filled.get(type(entity), entity.id).name == entity.name


def test_a_group_that_goes_while_hosts_still_name_it(filled: InventoryDriver, cmdb: Cmdb) -> None:
    cmdb.remove(GROUP)
    filled.sync()
    assert reasons(filled).keys() == {host.id for host in HOSTS}
    assert filled.get(Host, HOST.id).groups == ()
    cmdb.put(GROUP)
    filled.sync()
    assert reasons(filled) == {}
    assert filled.get(Host, HOST.id).groups == ("g",)


def test_own_parts_that_are_too_long_to_be_kept_are_not_lost(
    filled: InventoryDriver, cmdb: Cmdb
) -> None:
    host = filled.get(Host, HOST.id)
    long = host.variables.merged({"long": "x" * 2**20})
    filled.replace(changed(host, variables=long))
    cmdb.remove(HOST)
    filled.sync()
    assert "too long" in reasons(filled)[HOST.id]
    assert filled.get(Host, HOST.id).variables == long


def test_many_rejected_objects_are_counted(filled: InventoryDriver, cmdb: Cmdb) -> None:
    cmdb.put(*(changed(HOST, id=f"x{number}", name="twin") for number in range(300)))
    assert filled.sync().rejected == 300
    status = filled.mirror_status(rejected=10)
    assert (len(status.rejected), status.rejected_total) == (10, 300)
    assert TENANT.name == filled.get(Tenant, "t").name
    assert filled.get(Host, HOST.id).variables == Variables({"cmdb_h": 0})
