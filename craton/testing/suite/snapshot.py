"""SNAPSHOT: one state for many reads."""

from __future__ import annotations

import dataclasses

import pytest

from craton.capabilities import Capability
from craton.errors import NotFound
from craton.models import Group, Host
from craton.query import Query
from craton.testing.promises import clause
from craton.testing.suite import resources
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet
from craton.variables import Variables

_changed = dataclasses.replace


class SnapshotClauses(Suite):
    """Consistent views."""

    @clause("SNAPSHOT-1", Capability.SNAPSHOT, writes=(Host, Group))
    def test_snapshot_1_every_read_sees_one_state(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("a", variables=Variables({"v": 1})))
        group = fleet.given(fleet.group("g"))
        driver = fleet.driver
        with driver.snapshot() as reader:
            digest = reader.digest(Host)
            changed = driver.replace(
                _changed(host, groups=(group.id,), variables=Variables({"v": 2}))
            )
            late = driver.create(fleet.host("b"))
            driver.delete(Group, group.id)
            assert reader.get(Host, host.id) == host
            assert list(reader.scan(Host)) == [host]
            assert reader.get(Group, group.id) == group
            assert reader.digest(Host) == digest
            assert reader.find(Host, Query(limit=1)).items == (host,)
            assert reader.find(Host, Query(limit=1)).next is None
            with pytest.raises(NotFound):
                reader.get(Host, late.id)
        assert driver.digest(Host) != digest
        assert driver.get(Host, host.id).revision not in (host.revision, changed.revision)
        assert fleet.names() == {"a", "b"}

    @clause("SNAPSHOT-1", Capability.SNAPSHOT, writes=(Host,))
    def test_snapshot_1_a_scan_that_began_before_a_write_goes_on(self, fleet: Fleet) -> None:
        hosts = fleet.given_all(fleet.host(f"h{number:04}") for number in range(1500))
        with fleet.driver.snapshot() as reader:
            scan = reader.scan(Host)
            seen = [next(scan)]
            fleet.driver.delete(Host, hosts[-1].id)
            fleet.driver.create(fleet.host("h0700x"))
            seen.extend(scan)
        assert seen == hosts

    @clause("SNAPSHOT-1", Capability.SNAPSHOT)
    def test_snapshot_1_is_taken_when_it_is_entered(self, fleet: Fleet) -> None:
        with fleet.driver.snapshot() as reader:
            fleet.given(fleet.host("late"))
            assert list(reader.scan(Host)) == []
        assert fleet.names() == {"late"}

    @clause("SNAPSHOT-1", Capability.SNAPSHOT, Capability.COUNT)
    def test_snapshot_1_counts_its_own_state(self, fleet: Fleet) -> None:
        fleet.given(fleet.host("early"))
        with fleet.driver.snapshot() as reader:
            fleet.given(fleet.host("late"))
            assert reader.count(Host) == 1
        assert fleet.driver.count(Host) == 2

    @clause("SNAPSHOT-1", Capability.SNAPSHOT, Capability.STABLE_PAGING)
    def test_snapshot_1_pages_are_those_of_its_state(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in "acd")
        with fleet.driver.snapshot() as reader:
            first = reader.find(Host, Query(limit=2))
            fleet.given_all(fleet.host(name) for name in "bef")
            rest = reader.find(Host, Query(limit=2, page=first.next))
        assert [host.name for host in (*first.items, *rest.items)] == ["a", "c", "d"]
        assert rest.next is None

    @clause("SNAPSHOT-1", Capability.SNAPSHOT)
    def test_snapshot_1_two_snapshots_have_a_state_each(self, fleet: Fleet) -> None:
        with fleet.driver.snapshot() as first:
            fleet.given(fleet.host("a"))
            with fleet.driver.snapshot() as second:
                fleet.given(fleet.host("b"))
                assert len(list(first.scan(Host))) == 0
                assert len(list(second.scan(Host))) == 1
            assert len(list(first.scan(Host))) == 0

    @clause("SNAPSHOT-2", Capability.SNAPSHOT, writes=(Host,))
    def test_snapshot_2_keeps_nobody_from_writing(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h"))
        with fleet.driver.snapshot() as reader, fleet.node() as other:
            assert len(list(reader.scan(Host))) == 1
            after = other.replace(_changed(host, ssh_port=1))
            assert fleet.driver.replace(_changed(after, ssh_port=2)).ssh_port == 2
            fleet.driver.delete(Host, host.id)

    @clause("SNAPSHOT-2", Capability.SNAPSHOT)
    def test_snapshot_2_leaving_frees_what_it_held(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(f"h{number}") for number in range(9))

        def take_and_leave(times: int) -> None:
            for _ in range(times):
                with fleet.driver.snapshot() as reader:
                    next(reader.scan(Host))

        take_and_leave(10)
        before = resources.held()
        take_and_leave(50)
        after = resources.held()
        assert after[0] < before[0] + 10, "files or sockets stay open"
        assert after[1] < before[1] + 10, "threads stay"

    @clause("SNAPSHOT-2", Capability.SNAPSHOT)
    def test_snapshot_2_an_error_inside_frees_it_too(self, fleet: Fleet) -> None:
        def fail() -> None:
            with fleet.driver.snapshot() as reader:
                next(reader.scan(Host), None)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        fleet.given(fleet.host("after"))
        assert fleet.names() == {"after"}
