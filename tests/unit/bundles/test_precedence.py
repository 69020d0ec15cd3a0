"""Where effective values come from; what they are, the oracle tests."""

from __future__ import annotations

from typing import Any

import pytest

from craton.bundles import Precedence, effective_of_tenant, explain_tenant
from craton.bundles.groups import GroupGraph
from craton.errors import Unavailable
from craton.models import Group
from craton.query import Missing
from tests.unit.bundles.fleets import Fleet


class Layers(Fleet):
    """A region with a group in another one."""

    top: Group
    low: Group


@pytest.fixture
def layers() -> Layers:
    fleet = Layers(tenant={"x": "tenant", "t": 1}, region={"x": "region", "r": 1})
    fleet.top = fleet.group("top", variables={"x": "top"})
    fleet.low = fleet.group("low", parents=[fleet.top], variables={"x": "low"})
    return fleet


def load(fleet: Fleet) -> Precedence:
    return Precedence.load(fleet.driver, fleet.region)


def test_explanation_lists_what_was_overridden_the_strongest_first(layers: Layers) -> None:
    host = layers.host("host", groups=[layers.low], variables={"x": {"own": [1]}})
    found: Any = load(layers).explain(host)["x"].document()
    names = [(source["kind"], source["name"]) for source in found["overrides"]]
    assert found["value"] == {"own": [1]}
    assert found["source"] == {"kind": "host", "id": host.id, "name": "host"}
    assert names == [
        ("group", "low"),
        ("group", "top"),
        ("region", "region"),
        ("tenant", "Ω tenant"),
    ]


def test_explanation_names_the_field_that_gives_a_connection_variable(layers: Layers) -> None:
    host = layers.host("host", ip_address="::1", variables={"ansible_port": 1}, ssh_port=22)
    found = load(layers).explain(host)
    source = {"kind": "host", "id": host.id, "name": "host"}
    assert found["ansible_host"].document() == {
        "value": "::1",
        "source": {**source, "field": "ip_address"},
        "overrides": [],
    }
    assert found["ansible_port"].document() == {
        "value": 1,
        "source": source,
        "overrides": [{**source, "field": "ssh_port"}],
    }


def test_region_group_and_tenant_have_effective_variables_of_their_own(layers: Layers) -> None:
    precedence = load(layers)
    assert effective_of_tenant(layers.tenant) == {"x": "tenant", "t": 1}
    assert precedence.effective_of_region() == {"x": "region", "t": 1, "r": 1}
    assert precedence.effective_of_group(layers.low) == {"x": "low", "t": 1, "r": 1}
    assert [source.name for source in explain_tenant(layers.tenant)["x"].overrides] == []
    assert [s.kind for s in precedence.explain_region()["x"].overrides] == ["tenant"]
    assert [s.name for s in precedence.explain_group(layers.low)["x"].overrides] == [
        "top",
        "region",
        "Ω tenant",
    ]


def test_lookup_finds_what_effective_shows(layers: Layers) -> None:
    precedence = load(layers)
    hosts = [
        layers.host("a", groups=[layers.low], variables={"y": {"x": 1}}),
        layers.host("b", ip_address="10.0.0.1", variables={"x": None}),
        layers.host("c", groups=[layers.top], variables={"ansible_host": "own"}, ssh_user="u"),
    ]
    names = {"x", "y", "t", "r", "ansible_host", "ansible_user", "nothing"}
    for host in hosts:
        effective = precedence.effective(host)
        for name in names:
            assert precedence.lookup(host, name) == effective.get(name, Missing.MISSING)


def test_result_belongs_to_the_caller(layers: Layers) -> None:
    host = layers.host("host", groups=[layers.low])
    precedence = load(layers)
    precedence.effective(host).clear()
    precedence.effective_of_region().clear()
    precedence.effective_of_group(layers.low).clear()
    assert precedence.effective(host) == {"x": "low", "t": 1, "r": 1}
    assert precedence.effective_of_region() == {"x": "region", "t": 1, "r": 1}


@pytest.mark.parametrize(
    "groups",
    [
        [Group(id="a", name="a", region_id="r", parents=("gone",))],
        [
            Group(id="a", name="a", region_id="r", parents=("b",)),
            Group(id="b", name="b", region_id="r", parents=("a",)),
        ],
    ],
    ids=["missing parent", "cycle"],
)
def test_groups_that_do_not_fit_together_were_changed_meanwhile(groups: list[Group]) -> None:
    with pytest.raises(Unavailable):
        GroupGraph(groups)


def test_host_in_a_group_that_came_later_was_changed_meanwhile(layers: Layers) -> None:
    precedence = load(layers)
    host = layers.host("host", groups=[layers.group("later")])
    with pytest.raises(Unavailable):
        precedence.effective(host)
