"""FILTER: what matches."""

from __future__ import annotations

import dataclasses

import pytest

from craton.capabilities import Capability
from craton.driver import InventoryDriver
from craton.errors import InvalidQuery
from craton.models import Entity, Group, Host, Tenant
from craton.query import (
    AllOf,
    AnyOf,
    Compare,
    Exists,
    In,
    Not,
    Operator,
    Overlaps,
    Predicate,
    Prefix,
    Query,
    Value,
)
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet
from craton.testing.suite.values import TRICKY, VALUES
from craton.variables import Variables

EQ, LT, LE, GT, GE = Operator.EQ, Operator.LT, Operator.LE, Operator.GT, Operator.GE

#: The variable that holds one of VALUES in each host.
_V = ("variables", "v")

_EVERYONE = {*VALUES, "missing"}


@dataclasses.dataclass(frozen=True)
class NameIsShort(Predicate):
    """A predicate that no driver knows."""

    length: int

    def matches(self, entity: Entity) -> bool:
        return len(entity.name) <= self.length  # type: ignore[attr-defined]


class FilterClauses(Suite):
    """What predicates mean."""

    @pytest.fixture
    def valued(self, fleet: Fleet) -> Fleet:
        """A host for each of VALUES with the variable ``v``, and one without."""
        hosts = [
            fleet.host(name, variables=Variables({"v": value, "other": 1}))
            for name, value in VALUES.items()
        ]
        fleet.given_all([*hosts, fleet.host("missing", variables=Variables({"other": 1}))])
        return fleet

    @clause("FILTER-1")
    def test_filter_1_fields_and_combinations(self, fleet: Fleet) -> None:
        web, db = fleet.given(fleet.group("web")), fleet.given(fleet.group("db"))
        south = fleet.given_region("south")
        fleet.given(fleet.host("a", ip_address="10.0.0.1", ssh_port=22, groups=(web.id,)))
        fleet.given(fleet.host("b", active=False, ssh_port=2222, groups=(web.id, db.id)))
        fleet.given(fleet.host("c"))
        fleet.given(Host(region_id=south.id, name="d"))
        active = Compare(("active",), EQ, True)
        in_web = Overlaps(("groups",), (web.id,))
        expected: list[tuple[Predicate, str]] = [
            (Compare(("region_id",), EQ, fleet.region.id), "abc"),
            (active, "acd"),
            (Not(active), "b"),
            (Compare(("active",), EQ, 1), ""),
            (Compare(("ssh_port",), GE, 23), "b"),
            (Compare(("ssh_port",), GT, 22), "b"),
            (Compare(("ssh_port",), LE, 22), "a"),
            (Not(Compare(("ssh_port",), GE, 23)), "acd"),
            (Compare(("ssh_port",), EQ, "22"), ""),
            (Compare(("ssh_port",), EQ, 22.0), ""),
            (In(("ip_address",), ("10.0.0.1", None)), "abcd"),
            (In(("ip_address",), ("10.0.0.1", "x")), "a"),
            (In(("name",), ()), ""),
            (in_web, "ab"),
            (Not(in_web), "cd"),
            (Overlaps(("groups",), ()), ""),
            (Overlaps(("groups",), (db.id, "x")), "b"),
            (Overlaps(("groups",), (db.id, web.id)), "ab"),
            (AllOf(in_web, active), "a"),
            (AnyOf(Overlaps(("groups",), (db.id, "x")), Not(active)), "b"),
            (AnyOf(AllOf(in_web, active), Compare(("name",), EQ, "d")), "ad"),
            (Not(AnyOf(in_web, active)), ""),
            (Not(AllOf(in_web, active)), "bcd"),
            (AnyOf(), ""),
            (AllOf(), "abcd"),
            (Not(Not(active)), "acd"),
        ]
        for where, names in expected:
            assert fleet.names(where) == set(names), where

    @clause("FILTER-1")
    def test_filter_1_every_kind(self, fleet: Fleet) -> None:
        fleet.given_all(
            Tenant(name=name, customer=customer)
            for name, customer in (("a", "x"), ("b", "y"), ("c", "x"))
        )
        fleet.given_all(fleet.group(f"g{number}", priority=number) for number in range(-2, 3))
        customers = Compare(("customer",), EQ, "x")
        tenants = fleet.driver.scan(Tenant, Query(where=customers))
        assert [tenant.name for tenant in tenants] == ["a", "c"]
        low = Compare(("priority",), LT, 0)
        groups = fleet.driver.find(Group, Query(where=low)).items
        assert {group.priority for group in groups} == {-2, -1}
        child = fleet.given(fleet.group("child", parents=(groups[0].id,)))
        below = Overlaps(("parents",), (groups[0].id, "x"))
        assert list(fleet.driver.scan(Group, Query(where=below))) == [child]

    @clause("FILTER-1")
    def test_filter_1_times(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("a"))
        assert "a" in fleet.names(Compare(("created_at",), GE, host.created_at))
        assert "a" in fleet.names(Compare(("created_at",), EQ, host.created_at))
        assert "a" not in fleet.names(Compare(("updated_at",), GT, host.updated_at))
        assert fleet.names(Compare(("created_at",), EQ, host.created_at.isoformat())) == set()

    @clause("FILTER-1")
    def test_filter_1_more_values_than_a_statement_takes(self, fleet: Fleet) -> None:
        fleet.given(fleet.host("a"))
        wanted = tuple(f"x{number}" for number in range(40_000))
        assert fleet.names(In(("name",), (*wanted, "a"))) == {"a"}

    @clause("FILTER-1", Capability.COUNT)
    def test_filter_1_count_sees_what_matches(self, valued: Fleet) -> None:
        for where in (Exists(_V), Compare(_V, EQ, 1), NameIsShort(4), Prefix(("name",), "o")):
            expected = sum(where.matches(host) for host in valued.driver.scan(Host))
            assert valued.driver.count(Host, where) == expected
        assert valued.driver.count(Host) == len(_EVERYONE)

    @clause("FILTER-1")
    def test_filter_1_digest_sees_what_matches(self, fleet: Fleet) -> None:
        fleet.given(fleet.host("a"))
        elsewhere, own = Compare(("name",), EQ, "b"), NameIsShort(1)
        before, short = fleet.driver.digest(Host, elsewhere), fleet.driver.digest(Host, own)
        fleet.given(fleet.host("cc"))
        assert fleet.driver.digest(Host, elsewhere) == before
        assert fleet.driver.digest(Host, own) == short
        fleet.given(fleet.host("b"))
        assert fleet.driver.digest(Host, elsewhere) != before
        assert fleet.driver.digest(Host, own) != short

    @clause("FILTER-2")
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (1, {"one"}),
            (1.0, {"one-float"}),
            ("1", {"one-text"}),
            (True, {"true"}),
            (False, {"false"}),
            (0, {"zero"}),
            (0.0, set()),
            (-0.0, {"negative-zero"}),
            (None, {"null"}),
            ("", {"empty-text"}),
            ("strasse", set()),
            (2**70, {"big"}),
            (float(2**70), set()),
            ({"d": 1, "a": {"b.c": [10, "x", None]}}, {"object", "swapped"}),
            ([1, 2], {"array"}),
            ({}, {"empty-object"}),
            ([], {"empty-array"}),
        ],
        ids=range(17),
    )
    def test_filter_2_types_never_mix(
        self, valued: Fleet, value: Value, expected: set[str]
    ) -> None:
        assert valued.names(Compare(_V, EQ, value)) == expected
        assert valued.names(In(_V, (value, "nothing"))) == expected
        assert valued.names(Not(Compare(_V, EQ, value))) == _EVERYONE - expected

    @clause("FILTER-3")
    def test_filter_3_null_is_not_missing(self, valued: Fleet) -> None:
        assert valued.names(Exists(_V)) == set(VALUES)
        assert valued.names(Not(Exists(_V))) == {"missing"}
        assert valued.names(Compare(_V, EQ, None)) == {"null"}
        assert valued.names(Compare(("asset_id",), EQ, None)) == _EVERYONE
        assert valued.names(Exists(("asset_id",))) == _EVERYONE
        assert valued.names(Exists(("variables", "v", "x"))) == set()

    @clause("FILTER-4")
    def test_filter_4_strings_compare_by_code_point(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name, asset_id=name) for name in TRICKY)
        for position, name in enumerate(TRICKY):
            assert fleet.names(Compare(("name",), EQ, name)) == {name}
            assert fleet.names(In(("name",), (name,))) == {name}
            assert fleet.names(Compare(("asset_id",), EQ, name)) == {name}
            assert fleet.names(Compare(("asset_id",), EQ, name + " ")) == set()
            assert fleet.names(Compare(("name",), LT, name)) == set(TRICKY[:position])
            assert fleet.names(Compare(("name",), GE, name)) == set(TRICKY[position:])

    @clause("FILTER-4")
    def test_filter_4_strings_of_variables_compare_by_code_point(self, fleet: Fleet) -> None:
        fleet.given_all(
            fleet.host(f"h{position}", variables=Variables({"v": text}))
            for position, text in enumerate(TRICKY)
        )
        for position, text in enumerate(TRICKY):
            assert fleet.names(Compare(_V, EQ, text)) == {f"h{position}"}
            assert fleet.names(Compare(_V, EQ, text + " ")) == set()
            below = {f"h{number}" for number in range(position)}
            assert fleet.names(Compare(_V, LT, text)) == below

    @clause("FILTER-5")
    @pytest.mark.parametrize(
        ("operator", "value", "expected"),
        [
            (LT, 1, {"zero"}),
            (LE, 1, {"zero", "one"}),
            (GE, 0, {"zero", "one", "big"}),
            (GT, 0, {"one", "big"}),
            (GE, 0.0, {"negative-zero", "one-float"}),
            (GT, 0.0, {"one-float"}),
            (LT, "S", {"empty-text", "one-text"}),
            (LT, True, set()),
            (GE, False, set()),
            (GE, None, set()),
            (GE, [], set()),
            (GE, {}, set()),
        ],
        ids=range(12),
    )
    def test_filter_5_order_holds_within_one_type(
        self, valued: Fleet, operator: Operator, value: Value, expected: set[str]
    ) -> None:
        assert valued.names(Compare(_V, operator, value)) == expected

    @clause("FILTER-6")
    def test_filter_6_prefix_takes_characters_as_themselves(self, valued: Fleet) -> None:
        empty = {"empty-text", "empty-object", "empty-array"}
        assert valued.names(Prefix(_V, "Straße %_\\")) == {"text"}
        assert valued.names(Prefix(_V, "Straße _%")) == set()
        assert valued.names(Prefix(_V, "str")) == set()
        assert valued.names(Prefix(_V, "S")) == {"text", "upper"}
        assert valued.names(Prefix(_V, "1")) == {"one-text"}
        assert valued.names(Prefix(("name",), "empty-")) == empty
        assert valued.names(Prefix(("name",), "EMPTY-")) == set()
        assert valued.names(Prefix(("name",), "empty_")) == set()
        assert valued.names(Prefix(("name",), "*")) == set()
        assert valued.names(Prefix(("name",), "")) == _EVERYONE
        assert valued.names(Prefix(("asset_id",), "")) == set()

    @clause("FILTER-7")
    def test_filter_7_paths_step_through_objects_and_arrays(self, valued: Fleet) -> None:
        both = {"object", "swapped"}
        inside = (*_V, "a", "b.c")
        assert valued.names(Compare((*inside, "0"), EQ, 10)) == both
        assert valued.names(Compare((*inside, "0"), EQ, "10")) == set()
        assert valued.names(Compare((*inside, "2"), EQ, None)) == both
        assert valued.names(Prefix((*inside, "1"), "x")) == both
        assert valued.names(Compare((*_V, "1"), EQ, 2)) == {"array"}
        for step in ("3", "00", "-1", "+0", "\uff10", ""):
            assert valued.names(Exists((*inside, step))) == set(), step
        assert valued.names(Exists((*_V, "a", "b", "c"))) == set()

    @clause("FILTER-7")
    def test_filter_7_keys_may_hold_anything(self, fleet: Fleet) -> None:
        keys = ["", "0", "a.b", "$x", "it's", 'say "x"', "back\\slash", "[0]", "é", "*", "%"]
        fleet.given_all(
            fleet.host(f"h{number}", variables=Variables({"v": {key: number}}))
            for number, key in enumerate(keys)
        )
        for number, key in enumerate(keys):
            assert fleet.names(Exists((*_V, key))) == {f"h{number}"}, key
            assert fleet.names(Compare((*_V, key), EQ, number)) == {f"h{number}"}, key

    @clause("FILTER-8")
    def test_filter_8_a_predicate_of_ones_own_is_honoured(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in ("a", "bb", "ccc", "d"))
        own = AllOf(NameIsShort(2), Not(Compare(("name",), EQ, "a")))
        assert fleet.names(own) == {"bb", "d"}
        either = AnyOf(NameIsShort(1), Compare(("name",), EQ, "ccc"))
        assert fleet.names(either) == {"a", "ccc", "d"}
        assert fleet.names(Not(NameIsShort(1))) == {"bb", "ccc"}

    @clause("FILTER-9")
    @pytest.mark.parametrize("path", [("nope",), (), ("name", "x"), ("groups", "0")])
    def test_filter_9_an_unknown_path_is_refused(
        self, driver: InventoryDriver, path: tuple[str, ...]
    ) -> None:
        with pytest.raises(InvalidQuery):
            driver.find(Host, Query(where=Not(Exists(path))))
        with pytest.raises(InvalidQuery):
            driver.scan(Host, Query(where=AllOf(Exists(path))))
        with pytest.raises(InvalidQuery):
            driver.digest(Host, Exists(path))
