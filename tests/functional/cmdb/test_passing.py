"""What Craton passes on to a CMDB whose adapter writes."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from craton.backends.wrappers import LoggedDriver
from craton.changes import state_digest
from craton.driver import InventoryDriver, Replace
from craton.errors import Conflict, ReadOnly, RevisionConflict
from craton.models import ChangeRecord, Group, Host, Region
from craton.query import Order, Query
from craton.variables import Variables
from tests.cmdbs import OWNER, WRITING, Cmdb, url_of
from tests.functional.cmdb.conftest import Mirror
from tests.functional.cmdb.fleet import FLEET, HOST


@pytest.fixture
def mirror(
    overlay: str, tmp_path: Path, template_of: Callable[[str], Path], entry_point: Path
) -> Mirror:
    """An empty store for the mirror of a CMDB that can be written."""
    made = Mirror.make(tmp_path, overlay)
    made.file.write_text(made.file.read_text().replace("adapter = testbed", f"adapter = {WRITING}"))
    shutil.copytree(template_of(overlay), made.state)
    return made


@pytest.fixture
def driver(mirror: Mirror) -> Iterator[InventoryDriver]:
    """A driver with the mirror of the fleet, and one variable of Craton's own."""
    mirror.cmdb.put(*FLEET)
    with mirror.driver() as driver:
        driver.sync()
        driver.update(Host, HOST.id, lambda host: with_variable(host, own=1))
        yield driver


def with_variable(host: Host, **values: Any) -> Host:
    return dataclasses.replace(host, variables=host.variables.merged(values))


def said(cmdb: Cmdb) -> Host:
    """Return what the CMDB says of the host."""
    _, item = cmdb.read().objects[Host, HOST.id]
    return item.entity  # type: ignore[union-attr,return-value]


def test_a_change_of_the_cmdbs_part_is_made_there_and_seen_here(
    driver: InventoryDriver, cmdb: Cmdb
) -> None:
    before = driver.get(Host, HOST.id)
    wanted = dataclasses.replace(with_variable(before, cmdb_h=77, own=2, more=3), ssh_port=2222)
    stored = driver.replace(wanted, if_revision=before.revision)
    assert driver.get(Host, HOST.id) == stored
    assert stored.variables.decode() == {"cmdb_h": 77, "own": 2, "more": 3}
    there = said(cmdb)
    assert (there.ssh_port, there.variables.decode()) == (2222, {"cmdb_h": 77})
    driver.sync(everything=True)
    assert driver.get(Host, HOST.id) == stored


def test_a_change_that_is_passed_on_leaves_its_record(driver: InventoryDriver, cmdb: Cmdb) -> None:
    logged = LoggedDriver(driver)
    before = logged.get(Host, HOST.id)
    changed = with_variable(dataclasses.replace(before, ssh_port=2222), cmdb_h=77)
    after = logged.replace(changed, if_revision=before.revision)
    assert said(cmdb).ssh_port == 2222
    stored = logged.update(Host, HOST.id, lambda host: with_variable(host, own=3))
    own, passed = driver.find(ChangeRecord, Query(order=Order(descending=True))).items
    assert passed.fields == ("ssh_port", "variables.cmdb_h")
    assert (passed.digest_before, passed.digest_after) == (
        state_digest(before),
        state_digest(after),
    )
    assert (own.digest_before, own.digest_after) == (state_digest(after), state_digest(stored))
    version = cmdb.read().version
    with pytest.raises(RevisionConflict):
        logged.replace(dataclasses.replace(after, ssh_port=1), if_revision=before.revision)
    with pytest.raises(ReadOnly):
        logged.delete(Host, HOST.id)
    assert cmdb.read().version == version
    assert driver.count(ChangeRecord) == 2


def test_a_change_of_craton_s_own_part_is_no_affair_of_the_cmdb(
    driver: InventoryDriver, cmdb: Cmdb
) -> None:
    version = cmdb.read().version
    driver.update(Host, HOST.id, lambda host: with_variable(host, own=5))
    assert cmdb.read().version == version


def test_a_revision_that_has_passed_changes_nothing_anywhere(
    driver: InventoryDriver, cmdb: Cmdb
) -> None:
    before = driver.get(Host, HOST.id)
    driver.update(Host, HOST.id, lambda host: with_variable(host, own=6))
    version = cmdb.read().version
    with pytest.raises(RevisionConflict):
        driver.replace(dataclasses.replace(before, ssh_port=1), if_revision=before.revision)
    assert cmdb.read().version == version


def test_what_the_cmdb_refuses_is_read_only_and_says_where(
    driver: InventoryDriver, cmdb: Cmdb
) -> None:
    before = driver.get(Host, HOST.id)
    with pytest.raises(ReadOnly) as caught:
        driver.replace(dataclasses.replace(before, name="renamed"))
    assert (caught.value.owner, caught.value.url) == (OWNER, url_of(Host, HOST.id))
    assert driver.get(Host, HOST.id) == before


def test_the_cmdb_has_the_last_word(driver: InventoryDriver) -> None:
    before = driver.get(Host, HOST.id)
    with pytest.raises(Conflict) as caught:
        driver.replace(dataclasses.replace(before, asset_id="rewritten"))
    assert caught.value.fields["owner"] == OWNER
    assert driver.get(Host, HOST.id).asset_id == "as the CMDB likes it"


def test_other_kinds_batches_and_deletions_stay_with_the_cmdb(
    driver: InventoryDriver, cmdb: Cmdb
) -> None:
    version = cmdb.read().version
    host, region, group = driver.get(Host, HOST.id), driver.get(Region, "r"), driver.get(Group, "g")
    variables = Variables({"cmdb_r": 2})
    refused = (
        lambda: driver.replace(dataclasses.replace(region, variables=variables)),
        lambda: driver.replace(dataclasses.replace(group, priority=5)),
        lambda: driver.delete(Host, host.id),
        lambda: driver.create(Host(region_id="r", name="new")),
        lambda: driver.apply(
            Replace(entity=dataclasses.replace(host, ssh_port=port)) for port in (1, 2)
        ),
    )
    for write in refused:
        with pytest.raises(ReadOnly):
            write()
    assert cmdb.read().version == version
    assert driver.get(Host, HOST.id) == host
