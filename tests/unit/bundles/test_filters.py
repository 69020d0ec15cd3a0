"""Host filters: what they choose, and what they refuse."""

from __future__ import annotations

import pytest

from craton.errors import InvalidQuery
from craton.filters import NAMES, EffectiveEquals, HostFilters
from craton.models import Host
from craton.query import AllOf, Query
from tests.unit.bundles.fleets import Fleet


def chosen(fleet: Fleet, **parameters: list[str]) -> list[str]:
    filters = HostFilters.parse(parameters)
    where = filters.predicate(fleet.driver, fleet.region)
    return [host.name for host in fleet.driver.scan(Host, Query(where=where))]


@pytest.fixture
def populated(fleet: Fleet) -> Fleet:
    top = fleet.group("top", variables={"role": "top", "shared": {"a": [1, 2]}})
    low = fleet.group("low", parents=[top], variables={"role": "low"})
    fleet.group("empty")
    fleet.host("in-top", groups=[top], ip_address="10.0.0.1", asset_id="A1")
    fleet.host("in-low", groups=[low], variables={"own": 1})
    fleet.host("alone", variables={"own": 1.0}, active=False)
    fleet.host("other", variables={"own": "1", "deep": {"a.b": {"c:d": ["x", {"": None}]}}})
    return fleet


def test_names_are_the_fields_that_models_call_filterable_and_three_more() -> None:
    fields = {"id", "name", "ip_address", "asset_id", "active"}
    assert set(NAMES) == fields | {"group", "vars", "resolved"}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["alone", "in-low", "in-top", "other"]),
        ({"name": ["alone", "other", "nobody"]}, ["alone", "other"]),
        ({"ip_address": ["10.0.0.1"]}, ["in-top"]),
        ({"asset_id": ["A1"]}, ["in-top"]),
        ({"asset_id": ["A1"], "name": ["other"]}, []),
        ({"active": ["false"]}, ["alone"]),
        ({"active": ["true"]}, ["in-low", "in-top", "other"]),
        ({"active": ["true", "false"]}, ["alone", "in-low", "in-top", "other"]),
        ({"group": ["top"]}, ["in-low", "in-top"]),
        ({"group": ["low"]}, ["in-low"]),
        ({"group": ["empty"]}, []),
        ({"group": ["empty", "low"]}, ["in-low"]),
        ({"vars": ["own:1"]}, ["in-low"]),
        ({"vars": ["own:1.0"]}, ["alone"]),
        ({"vars": ['own:"1"']}, ["other"]),
        ({"vars": ["own:1", "own:1.0"]}, []),
        ({"vars": ["own:one"]}, []),
        ({"vars": [r"deep.a\.b.c\:d.0:x"]}, ["other"]),
        ({"vars": [r"deep.a\.b.c\:d.1.:null"]}, ["other"]),
        ({"vars": ['deep:{"a.b":{"c:d":["x",{"":null}]}}']}, ["other"]),
        ({"vars": ["role:low"]}, []),
        ({"vars": ["role:low"], "resolved": ["false"]}, []),
        ({"vars": ["role:low"], "resolved": ["true"]}, ["in-low"]),
        ({"vars": ["role:top"], "resolved": ["true"]}, ["in-top"]),
        ({"vars": ["shared.a.1:2"], "resolved": ["true"]}, ["in-low", "in-top"]),
        ({"vars": ["own:1"], "resolved": ["true"]}, ["in-low"]),
        ({"vars": ["ansible_host:10.0.0.1"], "resolved": ["true"]}, ["in-top"]),
        ({"vars": ["ansible_host:10.0.0.1"]}, []),
    ],
)
def test_filters_choose(
    populated: Fleet, parameters: dict[str, list[str]], expected: list[str]
) -> None:
    assert chosen(populated, **parameters) == expected


def test_group_can_be_given_by_id(fleet: Fleet) -> None:
    group = fleet.group("group")
    fleet.host("inside", groups=[group])
    fleet.host("outside")
    assert chosen(fleet, group=[group.id]) == ["inside"]


def test_hosts_of_another_region_are_never_chosen(fleet: Fleet) -> None:
    fleet.host("host")
    other = Fleet()
    assert chosen(other) == []
    where = HostFilters().predicate(fleet.driver, other.region)
    assert fleet.driver.count(Host, where) == 0


def test_resolved_value_of_a_host_beats_its_field_and_groups() -> None:
    fleet = Fleet(tenant={"ansible_host": "tenant"}, region={"x": "region"})
    fleet.host("own", ip_address="10.0.0.1", variables={"ansible_host": "own", "x": None})
    fleet.host("nothing")
    fleet.host("inside", variables={"y": {"x": 1, "ansible_host": 1}})
    resolved = {"resolved": ["true"]}
    assert chosen(fleet, vars=["ansible_host:own"], **resolved) == ["own"]
    assert chosen(fleet, vars=["ansible_host:10.0.0.1"], **resolved) == []
    assert chosen(fleet, vars=["ansible_host:tenant"], **resolved) == ["inside", "nothing"]
    assert chosen(fleet, vars=["x:null"], **resolved) == ["own"]
    assert chosen(fleet, vars=["x:region"], **resolved) == ["inside", "nothing"]


def test_resolved_leaves_to_the_store_what_only_hosts_can_set(fleet: Fleet) -> None:
    fleet.group("group", variables={"shared": 1})
    filters = HostFilters.parse({"vars": ["own:1", "shared:1"], "resolved": ["true"]})
    predicate = filters.predicate(fleet.driver, fleet.region)
    assert isinstance(predicate, AllOf)
    parts = predicate.predicates
    assert [part.steps for part in parts if isinstance(part, EffectiveEquals)] == [("shared",)]


def test_page_token_of_resolved_filters_outlives_a_change_of_a_group(fleet: Fleet) -> None:
    group = fleet.group("group", variables={"x": 1})
    filters = HostFilters.parse({"vars": ["x:1"], "resolved": ["true"]})
    before = repr(filters.predicate(fleet.driver, fleet.region))
    fleet.driver.delete(type(group), group.id)
    fleet.group("group", variables={"x": 2})
    assert repr(filters.predicate(fleet.driver, fleet.region)) == before


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("colour", ["red"]),
        ("active", ["yes"]),
        ("active", ["True"]),
        ("resolved", [""]),
        ("resolved", ["true", "true"]),
        ("vars", ["name"]),
        ("vars", [""]),
        ("vars", [":1"]),
        ("vars", ["a-b:1"]),
        ("vars", ["groups:1"]),
        ("vars", [r"a\b:1"]),
        ("vars", ["a\\"]),
        ("vars", ["a:1", "b"]),
        ("name", ["\ud800"]),
    ],
)
def test_malformed_filter_is_refused_by_name(name: str, values: list[str]) -> None:
    with pytest.raises(InvalidQuery) as refused:
        HostFilters.parse({name: values})
    assert refused.value.fields["parameter"] == name


def test_group_that_does_not_exist_is_refused_by_name(fleet: Fleet) -> None:
    with pytest.raises(InvalidQuery, match="nobody") as refused:
        chosen(fleet, group=["nobody"])
    assert refused.value.fields["parameter"] == "group"


def test_document_holds_what_was_given_and_can_be_parsed() -> None:
    given = {"vars": ["a:1", "a:1"], "name": ["b", "a"], "active": ["false"], "id": []}
    filters = HostFilters.parse(given)
    assert filters.document() == {"name": ["b", "a"], "active": ["false"], "vars": ["a:1", "a:1"]}
    assert HostFilters.parse(filters.document()) == filters


def test_only_active_adds_a_filter_unless_one_is_given() -> None:
    assert HostFilters().only_active().document() == {"active": ["true"]}
    given = HostFilters.parse({"active": ["false"]})
    assert given.only_active() == given
    assert not HostFilters()
    assert given
