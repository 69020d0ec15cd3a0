"""BATCH: many changes as one."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from craton.capabilities import Capability
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
from craton.testing.promises import clause
from craton.testing.suite import processes
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet, wait_for_the_clock
from craton.variables import Variables

_BATCH = Capability.ATOMIC_BATCH

_changed = dataclasses.replace


class BatchClauses(Suite):
    """``apply``."""

    @clause("BATCH-1", _BATCH, writes=(Host, Group))
    def test_batch_1_all_or_none(self, fleet: Fleet) -> None:
        kept = fleet.given(fleet.host("kept", variables=Variables({"a": 1})))
        before = fleet.everything()
        changes: list[Change] = [
            Create(entity=fleet.group("g", variables=Variables({"b": 1}))),
            Create(entity=fleet.host("h")),
            Replace(entity=_changed(kept, name="renamed", variables=Variables({"a": 2}))),
            Delete(kind=Host, id=kept.id),
            Create(entity=fleet.host("g")),
        ]
        with pytest.raises(AlreadyExists) as caught:
            fleet.driver.apply(changes)
        assert caught.value.change == 4
        assert fleet.everything() == before
        fleet.driver.apply(changes[:4])
        assert [group.name for group in fleet.driver.scan(Group)] == ["g"]
        assert [host.name for host in fleet.driver.scan(Host)] == ["h"]

    @clause("BATCH-1", _BATCH, writes=(Host,))
    def test_batch_1_no_reader_sees_a_part(self, fleet: Fleet) -> None:
        size = 120
        done = threading.Event()
        seen: set[int] = set()

        def read() -> None:
            while not done.is_set():
                seen.add(len(fleet.driver.find(Host, Query(limit=2 * size)).items))

        def changes() -> Iterator[Change]:
            for number in range(size):
                if number % 30 == 29:
                    done.wait(0.02)
                yield Create(entity=fleet.host(f"h{number}"))

        reader = threading.Thread(target=read)
        reader.start()
        try:
            fleet.driver.apply(changes())
        finally:
            done.set()
            reader.join()
        assert seen <= {0, size}
        assert len(fleet.names()) == size

    @clause("BATCH-1", _BATCH, writes=(Host,))
    @pytest.mark.parametrize("killed_at", [1, 700])
    def test_batch_1_a_process_that_is_killed_leaves_nothing(
        self, fleet: Fleet, killed_at: int
    ) -> None:
        fleet.driver.apply([Create(entity=fleet.host("before"))])
        if fleet.harness.shared:
            # A copy of a process with open connections is in nobody's contract.
            fleet.driver.close()

        def work() -> None:
            with fleet.node() as driver:
                driver.apply(
                    Create(entity=fleet.host(f"h{number}"))
                    for number in processes.killed_after(killed_at)
                )

        processes.run_to_death(work)
        with fleet.node() as survivor:
            assert [host.name for host in survivor.scan(Host)] == ["before"]
            survivor.apply([Create(entity=fleet.host("after"))])
            assert [host.name for host in survivor.scan(Host)] == ["after", "before"]

    @clause("BATCH-2", _BATCH, writes=(Host, Group))
    def test_batch_2_links_may_name_what_comes_later(self, fleet: Fleet) -> None:
        fleet.driver.apply(
            [
                Create(entity=fleet.host("h", groups=("child",))),
                Create(entity=fleet.group("c", id="child", parents=("parent",))),
                Create(entity=fleet.group("p", id="parent")),
            ]
        )
        assert next(fleet.driver.scan(Host)).groups == ("child",)
        assert fleet.driver.get(Group, "child").parents == ("parent",)

    @clause("BATCH-2", _BATCH, writes=(Host, Group, Tenant, Region))
    def test_batch_2_changes_take_effect_in_order(self, fleet: Fleet) -> None:
        first = fleet.given(fleet.host("a"))
        fleet.driver.apply(
            [
                Delete(kind=Host, id=first.id),
                Create(entity=fleet.group("a")),
                Create(entity=Tenant(id="t", name="t")),
                Create(entity=Region(id="r", tenant_id="t", name="r")),
                Create(entity=Host(id="h", region_id="r", name="a")),
                Replace(entity=Host(id="h", region_id="r", name="b")),
                Create(entity=Host(id="i", region_id="r", name="a")),
            ]
        )
        assert fleet.driver.get(Host, "h").name == "b"
        assert fleet.driver.get(Host, "i").name == "a"
        with pytest.raises(InvalidReference) as caught:
            fleet.driver.apply(
                [
                    Create(entity=Host(region_id="r2", name="x")),
                    Create(entity=Region(id="r2", tenant_id="t", name="r2")),
                ]
            )
        assert caught.value.change == 0

    @clause("BATCH-2", _BATCH, writes=(Group,))
    def test_batch_2_a_cycle_may_come_and_go_in_between(self, fleet: Fleet) -> None:
        a = fleet.given(fleet.group("a"))
        b = fleet.given(fleet.group("b", parents=(a.id,)))
        fleet.driver.apply(
            [
                Replace(entity=_changed(a, parents=(b.id,))),
                Replace(entity=_changed(b, parents=())),
            ]
        )
        assert fleet.driver.get(Group, a.id).parents == (b.id,)
        assert fleet.driver.get(Group, b.id).parents == ()

    @clause("BATCH-2", _BATCH, writes=(Host, Group))
    def test_batch_2_a_deleted_group_takes_earlier_links_with_it(self, fleet: Fleet) -> None:
        group = fleet.given(fleet.group("g"))
        fleet.driver.apply(
            [
                Create(entity=fleet.host("early", id="early", groups=(group.id,))),
                Delete(kind=Group, id=group.id),
            ]
        )
        assert fleet.driver.get(Host, "early").groups == ()
        group = fleet.given(fleet.group("g"))
        with pytest.raises(InvalidReference) as caught:
            fleet.driver.apply(
                [
                    Delete(kind=Group, id=group.id),
                    Create(entity=fleet.host("late", groups=(group.id,))),
                ]
            )
        assert caught.value.change == 1

    @clause("BATCH-3", _BATCH, Capability.CAS, writes=(Host,))
    def test_batch_3_returns_ids_and_revisions_in_order(self, fleet: Fleet) -> None:
        old, gone = fleet.given(fleet.host("old")), fleet.given(fleet.host("gone"))
        wait_for_the_clock()
        stamps = fleet.driver.apply(
            [
                Create(entity=fleet.host("one", id="one")),
                Replace(entity=_changed(old, name="new"), if_revision=old.revision),
                Delete(kind=Host, id=gone.id, if_revision=gone.revision),
                Create(entity=fleet.host("two")),
            ]
        )
        assert [stamp.id for stamp in stamps[:3]] == ["one", old.id, gone.id]
        assert stamps[2].revision == ""
        for stamp, name in zip([*stamps[:2], stamps[3]], ("one", "new", "two"), strict=True):
            found = fleet.driver.get(Host, stamp.id)
            assert (found.revision, found.name) == (stamp.revision, name)
        replaced = fleet.driver.get(Host, old.id)
        assert replaced.created_at == old.created_at
        assert replaced.updated_at > old.updated_at
        assert stamps[1].revision != old.revision

    @clause("BATCH-3", _BATCH, writes=(Host,))
    def test_batch_3_no_changes_are_no_stamps(self, fleet: Fleet) -> None:
        assert fleet.driver.apply([]) == []
        assert len(fleet.driver.apply([Create(entity=fleet.host("h"))])) == 1

    @clause("BATCH-4", _BATCH, Capability.CAS, writes=(Host, Group))
    def test_batch_4_errors_are_those_of_single_changes(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h"))
        fine = Create(entity=fleet.host("fine"))
        bad: list[tuple[Change, type[CratonError]]] = [
            (Create(entity=fleet.host("")), InvalidValue),
            (Create(entity=fleet.host("h")), AlreadyExists),
            (Create(entity=fleet.host("x", id=host.id)), AlreadyExists),
            (Create(entity=Host(region_id="nowhere", name="x")), InvalidReference),
            (Create(entity=fleet.host("x", groups=("no",))), InvalidReference),
            (Replace(entity=fleet.host("x", id="no")), NotFound),
            (Replace(entity=host, if_revision="old"), RevisionConflict),
            (Delete(kind=Host, id="no"), NotFound),
            (Delete(kind=Host, id=host.id, if_revision="old"), RevisionConflict),
            (Create(entity=fleet.group("g", id="g", parents=("g",))), Cycle),
        ]
        before = fleet.everything()
        for change, error in bad:
            for changes, index in (([change], 0), ([fine, change], 1), ([change, fine], 0)):
                with pytest.raises(error) as caught:
                    fleet.driver.apply(changes)
                assert caught.value.change == index
                assert fleet.everything() == before

    @clause("BATCH-4", _BATCH, writes=(Host,))
    def test_batch_4_a_late_conflict_undoes_thousands(self, fleet: Fleet) -> None:
        names = [*(f"h{number}" for number in range(2000)), "h1500"]
        with pytest.raises(AlreadyExists) as caught:
            fleet.driver.apply(Create(entity=fleet.host(name)) for name in names)
        assert caught.value.change == 2000
        assert caught.value.value == "h1500"
        assert fleet.names() == set()

    @clause("BATCH-5", _BATCH, writes=(Host,))
    def test_batch_5_what_the_iterator_raises_ends_the_batch(self, fleet: Fleet) -> None:
        def changes() -> Iterator[Change]:
            for number in range(1200):
                yield Create(entity=fleet.host(f"h{number}"))
            raise RuntimeError("the source broke")

        with pytest.raises(RuntimeError, match="the source broke"):
            fleet.driver.apply(changes())
        assert fleet.names() == set()
        fleet.driver.create(fleet.host("after"))

    @clause("BATCH-5", _BATCH, writes=(Host,))
    def test_batch_5_an_iterator_is_gone_through_once(self, fleet: Fleet) -> None:
        taken: list[Any] = []

        def changes() -> Iterator[Change]:
            for number in range(700):
                taken.append(number)
                yield Create(entity=fleet.host(f"h{number}"))

        stamps = fleet.driver.apply(changes())
        assert taken == list(range(700))
        assert len({stamp.id for stamp in stamps}) == 700
        assert len(fleet.names()) == 700
