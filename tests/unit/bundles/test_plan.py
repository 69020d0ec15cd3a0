"""What a bundle holds, and when its ETag changes."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from craton.backends.memory.driver import MemoryDriver
from craton.bundles import BundlePlan, BundleRequest, Format, Target, plan
from craton.bundles.groups import in_region
from craton.driver import InventoryReader
from craton.errors import InvalidQuery, NotFound, Unavailable
from craton.filters import HostFilters
from craton.models import E, Entity, Group, Host, Region, Tenant
from craton.query import Query
from craton.variables import Variables
from tests.archives import read_member
from tests.unit.bundles.fleets import Fleet

ARCHIVES = (Target.ANSIBLE, Target.TASKFLOW)


def requested(fleet: Fleet, target: Target, filters: Mapping[str, Sequence[str]]) -> BundleRequest:
    return BundleRequest(
        region_id=fleet.region.id, target=target, filters=HostFilters.parse(filters)
    )


def planned(
    fleet: Fleet,
    target: Target,
    *,
    snapshot: bool = True,
    reader: InventoryReader | None = None,
    **filters: list[str],
) -> BundlePlan:
    return plan(reader or fleet.driver, requested(fleet, target, filters), snapshot=snapshot)


def contents(fleet: Fleet, target: Target, **filters: list[str]) -> dict[str, Any]:
    request = requested(fleet, target, filters)
    with plan(fleet.driver, request, snapshot=True).collect() as spool:
        packed = io.BytesIO(b"".join(spool.archive(Format.TGZ)))
    with tarfile.open(fileobj=packed) as archive:
        return {name: json.loads(read_member(archive, name)) for name in archive.getnames()}


def document(fleet: Fleet, **filters: list[str]) -> dict[str, Any]:
    request = requested(fleet, Target.SCRIPT, filters)
    with plan(fleet.driver, request, snapshot=True).collect() as spool:
        found: dict[str, Any] = json.loads(b"".join(spool.document()))
        return found


@pytest.fixture
def populated(fleet: Fleet) -> Fleet:
    top = fleet.group("top", variables={"x": 1}, priority=5)
    low = fleet.group("low", parents=[top])
    fleet.group("empty", variables={"e": 1})
    fleet.host("low-1", groups=[low], ip_address="10.0.0.1")
    fleet.host("top-1", groups=[top], variables={"y": 2})
    fleet.host("alone")
    fleet.host("asleep", groups=[low], active=False)
    return fleet


def test_ansible_bundle_has_one_inventory_and_a_file_for_each_layer(populated: Fleet) -> None:
    update(populated, Tenant, populated.tenant.id, variables=Variables({"t": 1}))
    update(populated, Region, populated.region.id, variables=Variables({"r": 1}))
    found = contents(populated, Target.ANSIBLE)
    manifest = found.pop("manifest.json")
    low = {"hosts": {"low-1": None}}
    top = {
        "vars": {"ansible_group_priority": 5},
        "hosts": {"top-1": None},
        "children": {"low": low},
    }
    assert found == {
        "group_vars/all/0-tenant.json": {"t": 1},
        "group_vars/all/2-own.json": {"r": 1},
        "group_vars/empty/2-own.json": {"e": 1},
        "group_vars/top/2-own.json": {"x": 1},
        "hosts": {
            "all": {
                "hosts": {"alone": {}, "low-1": {"ansible_host": "10.0.0.1"}, "top-1": {"y": 2}},
                "children": {"empty": {}, "top": top},
            }
        },
    }
    assert [member["name"] for member in manifest["members"]] == list(found)


def test_taskflow_bundle_has_an_inventory_for_each_host_with_nobody_else(populated: Fleet) -> None:
    found = contents(populated, Target.TASKFLOW)
    top = {"vars": {"ansible_group_priority": 5}, "children": {"low": {"hosts": {"low-1": None}}}}
    assert list(found) == [
        "inventory/alone.json",
        "inventory/group_vars/empty/2-own.json",
        "inventory/group_vars/top/2-own.json",
        "inventory/low-1.json",
        "inventory/top-1.json",
        "manifest.json",
    ]
    assert found["inventory/alone.json"] == {"all": {"hosts": {"alone": {}}, "children": {}}}
    assert found["inventory/low-1.json"] == {
        "all": {"hosts": {"low-1": {"ansible_host": "10.0.0.1"}}, "children": {"top": top}}
    }


def test_script_prints_every_host_and_group(populated: Fleet) -> None:
    assert document(populated) == {
        "_meta": {
            "hostvars": {"alone": {}, "low-1": {"ansible_host": "10.0.0.1"}, "top-1": {"y": 2}}
        },
        "all": {"children": ["ungrouped", "empty", "top"], "vars": {}},
        "ungrouped": {"hosts": ["alone"]},
        "empty": {"hosts": [], "children": [], "vars": {"e": 1}},
        "low": {"hosts": ["low-1"], "children": [], "vars": {}},
        "top": {
            "hosts": ["top-1"],
            "children": ["low"],
            "vars": {"ansible_group_priority": 5, "x": 1},
        },
    }


@pytest.mark.parametrize("target", ARCHIVES)
def test_manifest_says_what_the_bundle_is_made_from(populated: Fleet, target: Target) -> None:
    manifest = contents(populated, target, group=["low"], vars=["a:1", "b:1"])["manifest.json"]
    del manifest["members"]
    assert manifest == {
        "format": 1,
        "tenant": "Ω tenant",
        "region": "region",
        "target": target.value,
        "filters": {"group": ["low"], "vars": ["a:1", "b:1"]},
        "snapshot": True,
        "references": [],
    }


def test_manifest_says_when_the_members_are_not_of_one_state(populated: Fleet) -> None:
    with planned(populated, Target.ANSIBLE, snapshot=False).collect() as spool:
        found = {member.name: b"".join(pieces) for member, pieces in spool.contents()}
    assert json.loads(found["manifest.json"])["snapshot"] is False


def test_filters_leave_only_groups_of_the_chosen_hosts_and_their_ancestors(
    populated: Fleet,
) -> None:
    inventory = contents(populated, Target.ANSIBLE, name=["low-1"])["hosts"]["all"]
    assert inventory["hosts"].keys() == {"low-1"}
    assert inventory["children"].keys() == {"top"}
    assert set(document(populated, name=["top-1"])) == {"_meta", "all", "ungrouped", "top"}
    files = contents(populated, Target.TASKFLOW, name=["top-1"])
    assert set(files) == {
        "inventory/group_vars/top/2-own.json",
        "inventory/top-1.json",
        "manifest.json",
    }


@pytest.mark.parametrize("target", ARCHIVES)
def test_inactive_hosts_come_when_asked_for(populated: Fleet, target: Target) -> None:
    both = contents(populated, target, active=["true", "false"])
    asleep = contents(populated, target, active=["false"])
    assert "asleep" in json.dumps(both)
    assert "asleep" in json.dumps(asleep)
    assert "low-1" not in json.dumps(asleep)
    assert "asleep" not in json.dumps(contents(populated, target))


@pytest.mark.parametrize("target", ARCHIVES)
def test_empty_selection_is_a_valid_bundle(populated: Fleet, target: Target) -> None:
    found = contents(populated, target, name=["nobody"])
    assert found.pop("manifest.json")["filters"] == {"name": ["nobody"]}
    assert found == (
        {"hosts": {"all": {"hosts": {}, "children": {}}}} if target is Target.ANSIBLE else {}
    )


def test_region_and_groups_that_do_not_exist_are_refused(populated: Fleet) -> None:
    with pytest.raises(InvalidQuery):
        planned(populated, Target.ANSIBLE, group=["nobody"])
    populated.driver.delete(Region, populated.region.id, cascade=True)
    with pytest.raises(NotFound):
        planned(populated, Target.ANSIBLE)


def update(fleet: Fleet, kind: type[Entity], id: str, **fields: Any) -> None:
    fleet.driver.update(kind, id, lambda entity: dataclasses.replace(entity, **fields))


def named(fleet: Fleet, kind: type[Group] | type[Host], name: str) -> str:
    where = in_region(fleet.region.id)
    (found,) = (e for e in fleet.driver.scan(kind, Query(where=where)) if e.name == name)
    return found.id


CHANGES = {
    "tenant": lambda f: update(f, Tenant, f.tenant.id, description="x"),
    "region": lambda f: update(f, Region, f.region.id, description="x"),
    "a group": lambda f: update(f, Group, named(f, Group, "low"), variables=Variables({"z": 1})),
    "another group": lambda f: f.group("new"),
    "no group": lambda f: f.driver.delete(Group, named(f, Group, "empty")),
    "a host": lambda f: update(f, Host, named(f, Host, "low-1"), variables=Variables({"z": 1})),
    "another host": lambda f: f.host("new", active=True),
    "a host that wakes": lambda f: update(f, Host, named(f, Host, "asleep"), active=True),
    "a host that sleeps": lambda f: update(f, Host, named(f, Host, "low-1"), active=False),
    "no host": lambda f: f.driver.delete(Host, named(f, Host, "low-1")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("target", Target)
def test_etag_changes_with(
    populated: Fleet, target: Target, change: Callable[[Fleet], object]
) -> None:
    before = planned(populated, target).etag
    change(populated)
    assert planned(populated, target).etag != before


@pytest.mark.parametrize("target", Target)
def test_etag_stays_while_nothing_in_the_selection_changes(
    populated: Fleet, target: Target
) -> None:
    before = planned(populated, target, name=["low-1"]).etag
    update(populated, Host, named(populated, Host, "alone"), variables=Variables({"z": 1}))
    populated.host("another")
    assert planned(populated, target, name=["low-1"]).etag == before
    populated.host("asleep-2", active=False)
    both = planned(populated, target).etag
    update(populated, Host, named(populated, Host, "asleep-2"), variables=Variables({"z": 1}))
    assert planned(populated, target).etag == both


def test_etag_tells_requests_apart(populated: Fleet) -> None:
    plans = [
        *(planned(populated, target) for target in Target),
        planned(populated, Target.ANSIBLE, snapshot=False),
        planned(populated, Target.ANSIBLE, active=["true"]),
        planned(populated, Target.ANSIBLE, group=["top"]),
        planned(populated, Target.ANSIBLE, group=["low", "top"]),
        planned(populated, Target.ANSIBLE, group=["top", "low"]),
    ]
    assert len({plan.etag for plan in plans}) == len(plans)


def test_spool_of_a_region_that_changed_while_it_was_read_has_no_etag(populated: Fleet) -> None:
    whole = planned(populated, Target.ANSIBLE, snapshot=False)
    with whole.collect() as spool:
        assert spool.etag == whole.etag
    populated.host("late")
    with whole.collect() as spool:
        assert spool.etag is None


def test_full_disk_is_an_error_before_the_first_byte(populated: Fleet, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        planned(populated, Target.ANSIBLE).collect(tmp_path / "missing")


def test_scan_is_closed_when_collecting_fails(
    populated: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    scan = type(populated.driver).scan

    def watched(self: MemoryDriver, kind: type[E], query: Query) -> Generator[E, None, None]:
        try:
            yield from scan(self, kind, query)
        finally:
            closed.append(kind)

    monkeypatch.setattr(type(populated.driver), "scan", watched)
    bundle = planned(populated, Target.ANSIBLE)
    monkeypatch.setattr("craton.bundles.inventories.rendered_host", lambda host, paths: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bundle.collect()
    assert Host in closed
