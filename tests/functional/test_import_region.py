"""What an import makes of a region, on every backend."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from craton import imports
from craton.capabilities import Capabilities, Capability
from craton.driver import InventoryDriver
from craton.errors import (
    AlreadyExists,
    Cycle,
    InvalidValue,
    NotFound,
    RevisionConflict,
    TooManyDeletions,
    Unsupported,
)
from craton.imports import importer
from craton.models import Entity, Group, Host, Region
from craton.variables import Variables
from tests.functional.conftest import Fleet

Import = Callable[..., dict[str, tuple[int, int]]]

FLEET: dict[str, Any] = {
    "_meta": {
        "hostvars": {
            "web1": {"ansible_host": "192.0.2.1", "ansible_port": 2222, "rack": 1},
            "web2": {"url": "https://{{ inventory_hostname }}/"},
        }
    },
    "all": {"children": ["ungrouped", "site", "spare"], "vars": {"ntp": ["a", "b"]}},
    "ungrouped": {"hosts": ["lonely"]},
    "site": {"children": ["web"], "vars": {"ansible_group_priority": 5}},
    "web": {"hosts": ["web1", "web2"], "vars": {"port": 80}},
}


@pytest.fixture
def load(fleet: Fleet) -> Import:
    def load(document: dict[str, Any], mode: str = "replace", **options: Any) -> Any:
        text = json.dumps(document).encode()
        report = imports.import_inventory(
            fleet.driver, fleet.region.id, text, mode=mode, **options
        ).document()
        return {name: (tally["groups"], tally["hosts"]) for name, tally in report.items()}

    return load


def groups(fleet: Fleet) -> dict[str, Group]:
    return {group.name: group for group in fleet.driver.scan(Group)}


def hosts(fleet: Fleet) -> dict[str, Host]:
    return {host.name: host for host in fleet.driver.scan(Host)}


def everything(fleet: Fleet) -> list[Entity]:
    return [entity for kind in (Region, Group, Host) for entity in fleet.driver.scan(kind)]


def counts(**given: tuple[int, int]) -> dict[str, tuple[int, int]]:
    nothing = dict.fromkeys(("created", "updated", "deleted", "unchanged"), (0, 0))
    return {**nothing, **given}


@pytest.mark.parametrize("mode", ["merge", "replace"])
def test_an_empty_region_becomes_the_document(fleet: Fleet, load: Import, mode: str) -> None:
    assert load(FLEET, mode) == counts(created=(3, 3))
    region = fleet.driver.get(Region, fleet.region.id)
    assert region.variables.decode() == {"ntp": ["a", "b"]}
    found = groups(fleet)
    assert found["site"].priority == 5
    assert found["site"].parents == found["spare"].parents == ()
    assert found["web"].parents == (found["site"].id,)
    assert found["web"].variables.decode() == {"port": 80}
    web1, web2, lonely = (hosts(fleet)[name] for name in ("web1", "web2", "lonely"))
    assert web1.groups == web2.groups == (found["web"].id,)
    assert (web1.ip_address, web1.ssh_port, web1.variables.decode()) == (
        "192.0.2.1",
        2222,
        {"rack": 1},
    )
    assert web2.templated == ("url",)
    assert lonely.groups == ()


@pytest.mark.parametrize("mode", ["merge", "replace"])
def test_the_same_document_again_changes_nothing(fleet: Fleet, load: Import, mode: str) -> None:
    load(FLEET)
    before = everything(fleet)
    assert load(FLEET, mode) == counts(unchanged=(3, 3))
    assert everything(fleet) == before


def test_merge_keeps_what_the_document_does_not_mention(fleet: Fleet, load: Import) -> None:
    load(FLEET)
    before = hosts(fleet)
    more = {
        "_meta": {"hostvars": {"web1": {"row": "r"}, "web3": {}}},
        "all": {"vars": {"dns": "d"}},
        "web": {"hosts": ["web3"], "vars": {"tls": True}},
        "blue": {"hosts": ["web1"], "children": ["web"]},
    }
    assert load(more, "merge") == counts(created=(1, 1), updated=(1, 1))
    after, found = hosts(fleet), groups(fleet)
    assert fleet.driver.get(Region, fleet.region.id).variables.decode() == {
        "dns": "d",
        "ntp": ["a", "b"],
    }
    assert found["web"].variables.decode() == {"port": 80, "tls": True}
    assert set(found["web"].parents) == {found["site"].id, found["blue"].id}
    assert set(after["web1"].groups) == {found["web"].id, found["blue"].id}
    assert after["web1"].variables.decode() == {"rack": 1, "row": "r"}
    assert after["web1"].ip_address == "192.0.2.1"
    assert found["site"].priority == 5
    assert (after["web2"], after["lonely"]) == (before["web2"], before["lonely"])


def test_merge_sets_and_clears_templated_with_the_value(fleet: Fleet, load: Import) -> None:
    fleet.host(
        "a",
        variables=Variables({"x": "{{ 1 }}", "y": "data", "z": "{{ 3 }}"}),
        templated=("x", "z"),
    )
    load({"_meta": {"hostvars": {"a": {"x": "data", "y": "{{ 2 }}"}}}}, "merge")
    assert hosts(fleet)["a"].templated == ("y", "z")


def test_merge_lets_a_field_take_over_from_the_variable(fleet: Fleet, load: Import) -> None:
    fleet.host("a", variables=Variables({"ansible_host": "{{ old }}"}), templated=("ansible_host",))
    load({"_meta": {"hostvars": {"a": {"ansible_host": "192.0.2.9"}}}}, "merge")
    host = hosts(fleet)["a"]
    assert (host.ip_address, host.variables.decode(), host.templated) == ("192.0.2.9", {}, ())


def test_replace_makes_the_region_what_the_document_says(fleet: Fleet, load: Import) -> None:
    load(FLEET)
    other = {
        "_meta": {"hostvars": {"web1": {"rack": 2}}},
        "web": {"hosts": ["web1"]},
        "db": {"hosts": ["db1"], "children": ["web"]},
    }
    assert load(other) == counts(created=(1, 1), updated=(1, 1), deleted=(2, 2))
    found, host = groups(fleet), hosts(fleet)["web1"]
    assert set(found) == {"web", "db"}
    assert found["web"].parents == (found["db"].id,)
    assert not found["web"].variables
    assert set(hosts(fleet)) == {"web1", "db1"}
    assert (host.ip_address, host.ssh_port, host.variables.decode()) == (None, None, {"rack": 2})
    assert not fleet.driver.get(Region, fleet.region.id).variables


def test_replace_keeps_what_a_document_cannot_say(fleet: Fleet, load: Import) -> None:
    fleet.host("a", asset_id="A-1", active=False)
    load({"_meta": {"hostvars": {"a": {"x": 1}}}})
    host = hosts(fleet)["a"]
    assert (host.asset_id, host.active, host.variables.decode()) == ("A-1", False, {"x": 1})


def test_replace_can_turn_groups_into_hosts_and_back(fleet: Fleet, load: Import) -> None:
    load({"a": {"hosts": ["b"]}})
    assert load({"b": {"hosts": ["a"]}}) == counts(created=(1, 1), deleted=(1, 1))
    assert (set(groups(fleet)), set(hosts(fleet))) == ({"b"}, {"a"})


def test_replace_can_turn_a_chain_of_groups_around(fleet: Fleet, load: Import) -> None:
    load({"a": {"children": ["b"]}, "b": {"children": ["c"]}, "c": {"children": ["d"]}})
    load({"d": {"children": ["b"]}, "b": {"children": ["a"]}})
    found = groups(fleet)
    assert found["b"].parents == (found["d"].id,)
    assert found["a"].parents == (found["b"].id,)
    assert set(found) == {"a", "b", "d"}


def test_replace_deletes_a_chain_of_groups_with_their_hosts(fleet: Fleet, load: Import) -> None:
    load({"a": {"children": ["b", "c"]}, "b": {"children": ["c"]}, "c": {"hosts": ["x", "y"]}})
    assert load({"_meta": {"hostvars": {"y": {}}}}) == counts(deleted=(3, 1), updated=(0, 1))
    assert groups(fleet) == {}
    assert hosts(fleet)["y"].groups == ()


def test_another_region_is_left_alone(fleet: Fleet, load: Import) -> None:
    other = fleet.driver.create(Region(tenant_id=fleet.tenant.id, name="south"))
    fleet.driver.create(Group(region_id=other.id, name="web"))
    there = fleet.driver.create(Host(region_id=other.id, name="web9"))
    assert load(FLEET) == counts(created=(3, 3))
    assert fleet.driver.get(Host, there.id) == there


def test_more_deletions_than_expected_change_nothing(fleet: Fleet, load: Import) -> None:
    load(FLEET)
    before = everything(fleet)
    with pytest.raises(TooManyDeletions) as caught:
        load({"new": {}}, expect_max_deletes=5)
    assert caught.value.fields == {"deletions": 6, "expect_max_deletes": 5}
    assert everything(fleet) == before
    assert load({"new": {}}, expect_max_deletes=6) == counts(created=(1, 0), deleted=(3, 3))


def test_a_dry_run_tells_the_same_and_writes_nothing(fleet: Fleet, load: Import) -> None:
    load(FLEET)
    before = everything(fleet)
    other = {"web": {"hosts": ["web1", "new"]}}
    told = load(other, dry_run=True)
    assert everything(fleet) == before
    assert told == load(other) == counts(created=(0, 1), updated=(1, 1), deleted=(2, 2))
    assert everything(fleet) != before


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"a": {"children": ["b"]}, "b": {"children": ["a"]}}, Cycle),
        ({"a": {"children": ["a"]}}, Cycle),
        ({"web": {"children": ["site"]}}, Cycle),
        ({"web1": {}}, AlreadyExists),
        ({"ungrouped": {"hosts": ["site"]}}, AlreadyExists),
        ({"ungrouped": {"hosts": ["127.0.0.1"]}}, AlreadyExists),
        ({"late": {"vars": {"bad-name": 1}}, "first": {}}, InvalidValue),
        ({"_meta": {"hostvars": {"new": {"omit": 1}}}}, InvalidValue),
    ],
)
def test_a_document_that_cannot_be_is_refused_whole(
    fleet: Fleet, load: Import, document: dict[str, Any], error: type[Exception], dry_run: bool
) -> None:
    load(FLEET)
    fleet.host("localhost")
    before = everything(fleet)
    with pytest.raises(error):
        load({"brand_new": {}, **document}, "merge", dry_run=dry_run)
    assert everything(fleet) == before


def test_many_names_clash_as_few_do(fleet: Fleet, load: Import) -> None:
    fleet.host("taken")
    many = [f"host{number}" for number in range(200)]
    with pytest.raises(AlreadyExists, match="taken"):
        load({"taken": {}, "web": {"hosts": many}}, "merge")


def test_a_cycle_names_its_groups(load: Import) -> None:
    with pytest.raises(Cycle) as caught:
        load({"a": {"children": ["b"]}, "b": {"children": ["c"]}, "c": {"children": ["a"]}})
    path = caught.value.fields["path"]
    assert isinstance(path, list)
    assert path[0] == path[-1]
    assert set(path) == {"a", "b", "c"}


def test_an_unknown_region_or_mode_is_refused(fleet: Fleet, load: Import) -> None:
    with pytest.raises(NotFound):
        imports.import_inventory(fleet.driver, "nowhere", b"{}", mode="merge")
    with pytest.raises(InvalidValue) as caught:
        load({}, "overwrite")
    assert caught.value.field == "mode"


def test_a_driver_that_cannot_do_it_at_once_is_not_asked(
    fleet: Fleet, load: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    supported = fleet.driver.capabilities.supported - {Capability.ATOMIC_BATCH}
    monkeypatch.setattr(fleet.driver, "capabilities", Capabilities(supported=supported))
    for dry_run in (False, True):
        with pytest.raises(Unsupported) as caught:
            load(FLEET, dry_run=dry_run)
        assert caught.value.capability == "atomic_batch"


def test_an_import_that_is_overtaken_is_planned_again(
    fleet: Fleet, load: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(FLEET)
    interruptions = iter(["changed", "created"])
    apply = type(fleet.driver).apply

    def overtaken(self: InventoryDriver, changes: Any) -> Any:
        match next(interruptions, None):
            case "changed":
                web1 = hosts(fleet)["web1"]
                fleet.driver.update(Host, web1.id, lambda host: _with(host, seen=1))
            case "created":
                fleet.host("web3", variables=Variables({"mine": True}))
        return apply(self, changes)

    monkeypatch.setattr(type(fleet.driver), "apply", overtaken)
    document = {"_meta": {"hostvars": {"web1": {"rack": 9}, "web3": {"rack": 9}}}}
    assert load(document, "merge") == counts(updated=(0, 2))
    assert hosts(fleet)["web1"].variables.decode() == {"rack": 9, "seen": 1}
    assert hosts(fleet)["web3"].variables.decode() == {"mine": True, "rack": 9}


def test_an_import_that_is_always_overtaken_gives_up(
    fleet: Fleet, load: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(FLEET)
    apply, tries = type(fleet.driver).apply, []

    def overtaken(self: InventoryDriver, changes: Any) -> Any:
        tries.append(1)
        web1 = hosts(fleet)["web1"]
        fleet.driver.update(Host, web1.id, lambda host: _with(host, seen=len(tries)))
        return apply(self, changes)

    monkeypatch.setattr(type(fleet.driver), "apply", overtaken)
    with pytest.raises(RevisionConflict):
        load({"_meta": {"hostvars": {"web1": {"rack": 9}}}}, "merge")
    assert len(tries) == importer.ATTEMPTS
    assert hosts(fleet)["web1"].variables["rack"] == 1


def _with(host: Host, **variables: object) -> Host:
    return dataclasses.replace(host, variables=host.variables.merged(variables))
