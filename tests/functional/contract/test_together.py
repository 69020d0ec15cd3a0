"""LINK, BATCH, SNAPSHOT, TEXT and concurrency: what holds between entities and writers."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from craton.driver import Change, Create, Delete, Replace
from craton.errors import (
    AlreadyExists,
    CratonError,
    Cycle,
    InvalidReference,
    InvalidValue,
    NotFound,
    RevisionConflict,
)
from craton.models import Group, Host, Region, Tenant
from craton.query import Query
from craton.variables import Variables
from tests.functional.conftest import Fleet
from tests.functional.contract.test_entities import everything


def test_link_1_links_name_groups_of_the_same_region(fleet: Fleet) -> None:
    south = fleet.driver.create(Region(tenant_id=fleet.tenant.id, name="south"))
    far = fleet.driver.create(Group(region_id=south.id, name="far"))
    host = fleet.host("h")
    group = fleet.group("g")
    before = everything(fleet.driver)
    for bad in (far.id, host.id, "nowhere"):
        for attempt in (
            lambda bad=bad: fleet.host("x", groups=(bad,)),
            lambda bad=bad: fleet.group("x", parents=(bad,)),
            lambda bad=bad: fleet.driver.replace(dataclasses.replace(host, groups=(bad,))),
            lambda bad=bad: fleet.driver.replace(dataclasses.replace(group, parents=(bad,))),
        ):
            with pytest.raises(InvalidReference) as caught:
                attempt()
            assert caught.value.field in ("groups", "parents")
            assert caught.value.id == bad
    assert everything(fleet.driver) == before


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_link_2_no_group_is_its_own_ancestor(fleet: Fleet, depth: int) -> None:
    top = group = fleet.group("g0")
    for level in range(1, depth):
        group = fleet.group(f"g{level}", parents=(group.id,))
    before = everything(fleet.driver)
    with pytest.raises(Cycle) as caught:
        fleet.driver.replace(dataclasses.replace(top, parents=(group.id,)))
    path = caught.value.fields["path"]
    assert path == ["g0", *(f"g{level}" for level in range(depth - 1, -1, -1))]
    assert everything(fleet.driver) == before


def test_link_2_diamonds_are_no_cycles(fleet: Fleet) -> None:
    top = fleet.group("top")
    left, right = fleet.group("left", parents=(top.id,)), fleet.group("right", parents=(top.id,))
    bottom = fleet.group("bottom", parents=(left.id, right.id))
    fleet.driver.replace(dataclasses.replace(bottom, parents=(left.id, right.id, top.id)))
    with pytest.raises(Cycle):
        fleet.driver.replace(dataclasses.replace(top, parents=(bottom.id,)))


def in_parallel(*actions: Callable[[], object]) -> list[BaseException | None]:
    """Run actions at the same moment and return what each raised."""
    barrier = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> BaseException | None:
        barrier.wait()
        try:
            action()
        except CratonError as error:
            return error
        return None

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def test_link_3_opposing_edges_never_form_a_cycle(fleet: Fleet) -> None:
    for round_ in range(20):
        a, b = fleet.group(f"a{round_}"), fleet.group(f"b{round_}")
        outcomes = in_parallel(
            lambda a=a, b=b: fleet.driver.replace(dataclasses.replace(a, parents=(b.id,))),
            lambda a=a, b=b: fleet.driver.replace(dataclasses.replace(b, parents=(a.id,))),
        )
        assert sum(outcome is None for outcome in outcomes) == 1
        assert sum(isinstance(outcome, Cycle) for outcome in outcomes) == 1


def test_link_3_equal_names_have_one_winner(fleet: Fleet) -> None:
    for round_ in range(20):
        name = f"n{round_}"
        outcomes = in_parallel(
            lambda name=name: fleet.host(name),
            lambda name=name: fleet.group(name),
            lambda name=name: fleet.host(name),
        )
        assert sum(outcome is None for outcome in outcomes) == 1
        assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 2


def test_replace_6_no_update_is_lost(fleet: Fleet) -> None:
    host = fleet.host("h", variables=Variables({"n": 0}))

    def increment(found: Host) -> Host:
        count = found.variables["n"]
        assert isinstance(count, int)
        return dataclasses.replace(found, variables=Variables({"n": count + 1}))

    def work() -> None:
        done = 0
        while done < 10:
            try:
                fleet.driver.update(Host, host.id, increment)
                done += 1
            except RevisionConflict:
                continue

    assert in_parallel(work, work, work, work) == [None] * 4
    assert fleet.driver.get(Host, host.id).variables["n"] == 40


def test_replace_3_one_of_concurrent_writers_wins(fleet: Fleet) -> None:
    for _ in range(20):
        host = fleet.host("h")
        outcomes = in_parallel(
            *(
                lambda port=port, host=host: fleet.driver.replace(
                    dataclasses.replace(host, ssh_port=port), if_revision=host.revision
                )
                for port in (1, 2, 3)
            )
        )
        assert sum(outcome is None for outcome in outcomes) == 1
        assert sum(isinstance(outcome, RevisionConflict) for outcome in outcomes) == 2
        fleet.driver.delete(Host, host.id)


def test_batch_1_all_or_none(fleet: Fleet) -> None:
    kept = fleet.host("kept", variables=Variables({"a": 1}))
    before = everything(fleet.driver)
    changes: list[Change] = [
        Create(entity=Group(region_id=fleet.region.id, name="g")),
        Create(entity=Host(region_id=fleet.region.id, name="h")),
        Replace(entity=dataclasses.replace(kept, name="renamed")),
        Delete(kind=Host, id=kept.id),
        Create(entity=Host(region_id=fleet.region.id, name="g")),
    ]
    with pytest.raises(AlreadyExists) as caught:
        fleet.driver.apply(changes)
    assert caught.value.change == 4
    assert everything(fleet.driver) == before
    fleet.driver.apply(changes[:4])
    assert [group.name for group in fleet.driver.scan(Group)] == ["g"]
    assert [host.name for host in fleet.driver.scan(Host)] == ["h"]


def test_batch_2_links_may_name_what_comes_later(fleet: Fleet) -> None:
    region = fleet.region.id
    fleet.driver.apply(
        [
            Create(entity=Host(region_id=region, name="h", groups=("child",))),
            Create(entity=Group(region_id=region, name="c", id="child", parents=("parent",))),
            Create(entity=Group(region_id=region, name="p", id="parent")),
        ]
    )
    host = next(fleet.driver.scan(Host))
    assert host.groups == ("child",)
    assert fleet.driver.get(Group, "child").parents == ("parent",)


def test_batch_2_changes_take_effect_in_order(fleet: Fleet) -> None:
    first = fleet.host("a")
    fleet.driver.apply(
        [
            Delete(kind=Host, id=first.id),
            Create(entity=Group(region_id=fleet.region.id, name="a")),
            Create(entity=Tenant(id="t", name="t")),
            Create(entity=Region(id="r", tenant_id="t", name="r")),
            Create(entity=Host(id="h", region_id="r", name="a")),
            Replace(entity=Host(id="h", region_id="r", name="b")),
        ]
    )
    assert fleet.driver.get(Host, "h").name == "b"
    with pytest.raises(InvalidReference) as caught:
        fleet.driver.apply(
            [
                Create(entity=Host(region_id="r2", name="x")),
                Create(entity=Region(id="r2", tenant_id="t", name="r2")),
            ]
        )
    assert caught.value.change == 0


def test_batch_2_a_deleted_group_takes_earlier_links_with_it(fleet: Fleet) -> None:
    region = fleet.region.id
    group = fleet.group("g")
    fleet.driver.apply(
        [
            Create(entity=Host(id="early", region_id=region, name="early", groups=(group.id,))),
            Delete(kind=Group, id=group.id),
        ]
    )
    assert fleet.driver.get(Host, "early").groups == ()
    group = fleet.group("g")
    with pytest.raises(InvalidReference) as caught:
        fleet.driver.apply(
            [
                Delete(kind=Group, id=group.id),
                Create(entity=Host(region_id=region, name="late", groups=(group.id,))),
            ]
        )
    assert caught.value.change == 1


def test_batch_3_returns_ids_and_revisions_in_order(fleet: Fleet) -> None:
    old = fleet.host("old")
    stamps = fleet.driver.apply(
        [
            Create(entity=Host(id="one", region_id=fleet.region.id, name="one")),
            Replace(entity=dataclasses.replace(old, name="new"), if_revision=old.revision),
            Create(entity=Host(region_id=fleet.region.id, name="two")),
        ]
    )
    assert [stamp.id for stamp in stamps[:2]] == ["one", old.id]
    for stamp in stamps:
        assert fleet.driver.get(Host, stamp.id).revision == stamp.revision
    assert fleet.driver.get(Host, old.id).created_at == old.created_at


def test_batch_4_errors_are_those_of_single_changes(fleet: Fleet) -> None:
    region = fleet.region.id
    host = fleet.host("h")
    fine = Create(entity=Host(region_id=region, name="fine"))
    for bad, error in (
        (Create(entity=Host(region_id=region, name="")), InvalidValue),
        (Create(entity=Host(region_id=region, name="h")), AlreadyExists),
        (Create(entity=Host(region_id=region, name="x", id=host.id)), AlreadyExists),
        (Create(entity=Host(region_id="nowhere", name="x")), InvalidReference),
        (Create(entity=Host(region_id=region, name="x", groups=("no",))), InvalidReference),
        (Replace(entity=Host(id="no", region_id=region, name="x")), NotFound),
        (Replace(entity=host, if_revision="old"), RevisionConflict),
        (Delete(kind=Host, id="no"), NotFound),
        (Delete(kind=Host, id=host.id, if_revision="old"), RevisionConflict),
        (Create(entity=Group(id="g", region_id=region, name="g", parents=("g",))), Cycle),
    ):
        for changes, index in (([bad], 0), ([fine, bad], 1), ([bad, fine], 0)):
            before = everything(fleet.driver)
            with pytest.raises(error) as caught:
                fleet.driver.apply(changes)  # type: ignore[arg-type]
            assert caught.value.change == index
            assert everything(fleet.driver) == before


def test_batch_5_what_the_iterator_raises_ends_the_batch(fleet: Fleet) -> None:
    def changes() -> Iterator[Change]:
        for number in range(1500):
            yield Create(entity=Host(region_id=fleet.region.id, name=f"h{number}"))
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        fleet.driver.apply(changes())
    assert fleet.driver.count(Host) == 0
    fleet.host("after")


def test_batch_5_a_late_conflict_undoes_thousands(fleet: Fleet) -> None:
    names = [*(f"h{number}" for number in range(3000)), "h1500"]
    with pytest.raises(AlreadyExists) as caught:
        fleet.driver.apply(
            Create(entity=Host(region_id=fleet.region.id, name=name)) for name in names
        )
    assert caught.value.change == 3000
    assert caught.value.value == "h1500"
    assert fleet.driver.count(Host) == 0


def test_snapshot_1_sees_one_state(fleet: Fleet) -> None:
    host = fleet.host("a", variables=Variables({"v": 1}))
    group = fleet.group("g")
    with fleet.driver.snapshot() as reader:
        assert reader.get(Host, host.id) == host
        scan = reader.scan(Host)
        changed = fleet.driver.replace(
            dataclasses.replace(host, groups=(group.id,), variables=Variables({"v": 2}))
        )
        fleet.host("b")
        fleet.driver.delete(Group, group.id)
        assert list(scan) == [host]
        assert list(reader.scan(Host)) == [host]
        assert reader.get(Group, group.id) == group
        assert reader.count(Host) == 1
        digest = reader.digest(Host)
        assert [found.name for found in reader.find(Host, Query()).items] == ["a"]
    assert fleet.driver.digest(Host) != digest
    assert fleet.driver.get(Host, host.id).revision != changed.revision
    assert fleet.driver.count(Host) == 2


def test_snapshot_1_is_taken_when_it_is_entered(fleet: Fleet) -> None:
    with fleet.driver.snapshot() as reader:
        fleet.host("late")
        assert reader.count(Host) == 0


NASTY = [
    "",
    " leading and trailing ",
    "new\nline\r\n\ttab",
    "NEL\u0085 LS\u2028 PS\u2029 BOM\ufeff DEL\x7f",
    "\u0001\u001f",
    "é e\u0301 ﬁ İı ẞß",
    "\U0001f600\U0010ffff\uffff",
    "'; DROP TABLE hosts; --",
    '% _ \\ " ` {} :name ?',
    "x" * 100_000,
]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_text_1_strings_come_back_as_stored(fleet: Fleet, text: str) -> None:
    host = fleet.host("h", variables=Variables({"v": text, "k": {text: [text]}}))
    found = fleet.driver.get(Host, host.id)
    assert found.variables["v"] == text
    assert found.variables["k"] == {text: [text]}
    tenant = fleet.driver.create(Tenant(name="t", description=text[:4096]))
    assert fleet.driver.get(Tenant, tenant.id).description == text[:4096]


NUMBERS = [0, -1, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**4299, 1.0, -0.0, 1e16, 1e-7]
NUMBERS += [0.1, 1.7976931348623157e308, 5e-324, 123456789.123456789]


def test_text_2_values_come_back_with_their_types(fleet: Fleet) -> None:
    nested: object = "deep"
    for _ in range(60):
        nested = [nested]
    values = {
        **{f"n{number}": value for number, value in enumerate(NUMBERS)},
        "list": NUMBERS,
        "flags": [True, False, None],
        "empty": [{}, [], ""],
        "ordered": {"b": 1, "a": 2, "": 3, "a.b": 4, "$x": 5},
        "nested": nested,
    }
    host = fleet.host("h", variables=Variables(values))
    found = fleet.driver.get(Host, host.id).variables
    assert repr(dict(found)) == repr(dict(sorted(values.items())))
    assert found.text == Variables(values).text
    assert list(found["ordered"]) == ["b", "a", "", "a.b", "$x"]  # type: ignore[arg-type]
    scanned = next(fleet.driver.scan(Host))
    assert scanned.variables == host.variables
