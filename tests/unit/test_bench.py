"""The benchmark's own parts: its fleet, its arithmetic, its table and what it refuses."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from bench import __main__ as program
from bench import report
from bench.comparison import DishonestFloorError, compare_content
from bench.fleet import Fleet
from bench.measure import Growth, Results, Timing, Work, best_of, medians

FLEET = Fleet(hosts=120, variables=20, groups=20)


def inventory(fleet: Fleet) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(fleet.document())
    return found


def test_a_fleet_is_the_same_for_the_same_numbers_and_another_one_for_another_seed() -> None:
    again = Fleet(hosts=120, variables=20, groups=20)
    other = Fleet(hosts=120, variables=20, groups=20, seed=21)

    assert FLEET.document() == again.document() != other.document()


def test_a_fleet_has_as_many_hosts_groups_and_variables_as_asked_for() -> None:
    found = inventory(Fleet(hosts=120, variables=25, groups=20))
    hosts = found["_meta"]["hostvars"]

    assert len(hosts) == 120
    assert len(found.keys() - {"_meta", "all"}) == 20
    for variables in hosts.values():
        assert len([name for name in variables if not name.startswith("ansible_")]) == 25


def test_every_host_is_in_two_or_three_groups_and_groups_stand_on_four_levels() -> None:
    found = inventory(Fleet(hosts=300, variables=1, groups=100))
    memberships = [host for group in found.values() for host in group.get("hosts", [])]
    counts = {memberships.count(host) for host in found["_meta"]["hostvars"]}

    def depth(name: str) -> int:
        return 1 + max(map(depth, found[name].get("children", [])), default=0)

    assert counts == {2, 3}
    assert max(map(depth, found["all"]["children"])) == 4


def test_a_fleet_has_templates_data_that_looks_like_them_and_every_type_of_value() -> None:
    hosts = inventory(FLEET)["_meta"]["hostvars"].values()
    values = [value for variables in hosts for value in variables.values()]

    assert {type(value) for value in values} == {str, int, float, bool, list, dict, type(None)}
    assert any(isinstance(value, str) and "{{" in value for value in values)
    assert any(isinstance(value, dict) and "__ansible_unsafe" in value for value in values)


def test_the_variable_that_a_filter_asks_for_is_one_that_hosts_have() -> None:
    for variables in (5, 20):
        fleet = Fleet(hosts=2000, variables=variables, groups=5)
        name, value = fleet.filter_value()
        hosts = inventory(fleet)["_meta"]["hostvars"].values()
        assert any(host[name] == value.strip('"') for host in hosts)


def test_the_best_time_is_the_shortest_and_actions_take_turns() -> None:
    calls = []

    costs = best_of(
        3,
        Work(action=lambda: calls.append("floor")),
        Work(action=lambda: calls.append("craton"), cpu_clock=lambda: float(len(calls))),
    )

    assert calls == ["floor", "craton"] * 3
    assert all(cost.wall > 0 for cost in costs)
    assert costs[1].cpu == 1


def test_short_actions_take_turns_and_the_first_call_of_a_turn_does_not_count() -> None:
    calls = []

    medians(2, 3, lambda: calls.append("floor"), lambda: calls.append("craton"))

    assert calls == (["floor"] * 4 + ["craton"] * 4) * 2


@pytest.mark.parametrize(("craton", "reached"), [(2.0, True), (2.01, False)])
def test_an_aim_is_reached_up_to_its_ratio(craton: float, reached: bool) -> None:
    timing = Timing(what="bundle", floor=1.0, craton=craton, aim=2)

    assert timing.ratio == craton
    assert timing.reached is reached


def test_what_only_informs_reaches_nothing() -> None:
    assert Timing(what="zip", craton=1.0).ratio is None
    assert Timing(what="zip", craton=1.0).reached is None
    assert Timing(what="get", floor=1.0, craton=9.0).reached is None


def test_memory_must_grow_by_less_than_its_aim() -> None:
    below = Growth(what="bundle", hosts=10, before=100, peak=163.9, aim=64)
    at = Growth(what="bundle", hosts=10, before=100, peak=164, aim=64)

    assert (below.reached, at.reached) == (True, False)


def test_the_table_says_what_is_reached_and_what_is_not() -> None:
    results = Results(
        timings=[
            Timing(what="import", floor=2.0, craton=9.0, aim=6),
            Timing(what="list", floor=0.001, craton=0.009, aim=8, note="a note"),
            Timing(what="zip", craton=1.5),
        ],
        growths=[Growth(what="bundle", hosts=1000, before=80, peak=90.4, aim=64)],
    )

    title, timings, growths = report.table(FLEET, results).split("\n\n")

    assert title.startswith("120 hosts")
    rows = [line.split() for line in timings.splitlines()[1:]]
    assert rows[0] == ["import", "2.00", "s", "9.00", "s", "4.50×", "≤", "6×", "yes"]  # noqa: RUF001
    assert rows[1][5:] == ["9.00×", "≤", "8×", "no", "a", "note"]  # noqa: RUF001
    assert rows[2] == ["zip", "1.50", "s"]
    assert growths.splitlines()[1].split()[-4:] == ["MiB", "yes", "1,000", "hosts"]


def test_the_document_has_the_same_numbers() -> None:
    timing = Timing(what="import", floor=2.0, craton=9.0, aim=6)
    growth = Growth(what="bundle", hosts=1000, before=80, peak=90, aim=64)

    found = json.loads(report.document(FLEET, Results(timings=[timing], growths=[growth])))

    assert found["fleet"]["hosts"] == 120
    assert found["timings"][0]["ratio"] == 4.5
    assert found["timings"][0]["reached"] is True
    assert found["memory"][0]["growth"] == 10


@pytest.mark.parametrize(
    "arguments", [["--host", "5"], ["--only", "bundles"], ["--hosts", "0"], ["more"]]
)
def test_an_unknown_or_impossible_option_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        program.main(arguments)

    assert "usage:" in capsys.readouterr().err


def test_a_floor_that_makes_less_content_is_refused() -> None:
    whole = gzip.compress(bytes(1000))

    assert compare_content(gzip.compress(bytes(950)), whole)
    with pytest.raises(DishonestFloorError, match="899 bytes"):
        compare_content(gzip.compress(bytes(899)), whole)
