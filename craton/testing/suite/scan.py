"""SCAN: streams, counts and digests."""

from __future__ import annotations

import pytest

from craton.capabilities import Capability
from craton.driver import Create, Delete
from craton.errors import CratonError, InvalidQuery, Unavailable
from craton.models import Group, Host, Region
from craton.query import Compare, Exists, Operator, Order, Prefix, Query
from craton.testing.promises import clause
from craton.testing.suite import resources
from craton.testing.suite.base import Suite
from craton.testing.suite.filters import NameIsShort
from craton.testing.suite.fleet import Fleet
from craton.variables import Variables

#: More than a driver would fetch at once.
_MANY = 2500


class ScanClauses(Suite):
    """Reading many entities."""

    @clause("SCAN-1")
    def test_scan_1_yields_everything_in_order_in_bounded_memory(self, fleet: Fleet) -> None:
        text = "x" * 4000
        names = [f"h{number:04}" for number in range(_MANY)]
        fleet.given_all(fleet.host(name, variables=Variables({"v": text})) for name in names)
        assert [host.name for host in fleet.driver.scan(Host)] == names
        own = Query(where=NameIsShort(5))
        for query in (Query(), own):
            with resources.peak() as measured:
                # Nobody looks at the variables: an entity that the store keeps would keep what
                # is decoded, too.
                count = sum(1 for _ in fleet.driver.scan(Host, query))
            assert count == _MANY
            assert measured[0] < _MANY * len(text) / 2, "the scan held most of what it read"

    @clause("SCAN-1")
    def test_scan_1_ends_at_the_limit(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in "abcde")
        scan = fleet.driver.scan
        assert [host.name for host in scan(Host, Query(limit=3))] == ["a", "b", "c"]
        fleet.given(fleet.host("aa"))
        own = Query(limit=2, where=NameIsShort(1))
        assert [host.name for host in scan(Host, own)] == ["a", "b"]
        assert list(scan(Group)) == []

    @clause("SCAN-1", Capability.STABLE_PAGING)
    def test_scan_1_begins_behind_a_page(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in "abcde")
        token = fleet.driver.find(Host, Query(limit=2)).next
        rest = fleet.driver.scan(Host, Query(page=token))
        assert [host.name for host in rest] == ["c", "d", "e"]

    @clause("SCAN-2")
    def test_scan_2_closing_early_frees_what_it_holds(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(f"h{number}") for number in range(9))

        def begin_and_close(times: int) -> None:
            for _ in range(times):
                scan = fleet.driver.scan(Host)
                assert next(scan).name == "h0"
                scan.close()

        begin_and_close(10)
        before = resources.held()
        begin_and_close(50)
        after = resources.held()
        assert after[0] < before[0] + 10, "files or sockets stay open"
        assert after[1] < before[1] + 10, "threads stay"
        fleet.given(fleet.host("late"))
        assert "late" in fleet.names()

    @clause("SCAN-2", writes=(Host,))
    def test_scan_2_a_scan_that_is_closed_or_at_its_end_stops_nobody(self, fleet: Fleet) -> None:
        hosts = fleet.given_all(fleet.host(name) for name in "abc")
        early, late = fleet.driver.scan(Host), fleet.driver.scan(Host)
        next(early)
        early.close()
        assert len(list(late)) == 3
        fleet.driver.delete(Host, hosts[0].id)
        fleet.driver.create(fleet.host("a"))
        assert fleet.names() == {"a", "b", "c"}

    @clause("SCAN-2")
    def test_scan_2_many_scans_may_be_under_way_at_once(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in "abc")
        scans = [fleet.driver.scan(Host) for _ in range(4)]
        found = list(zip(*scans, strict=True))
        assert [{host.name for host in row} for row in found] == [{"a"}, {"b"}, {"c"}]

    @clause("SCAN-3", outage=True)
    def test_scan_3_a_fault_in_the_middle_is_raised(self, fleet: Fleet) -> None:
        hosts = fleet.given_all(fleet.host(f"h{number:04}") for number in range(_MANY))
        seen: list[Host] = []
        scan = fleet.driver.scan(Host)
        seen.append(next(scan))
        error: CratonError | None = None
        with fleet.outage():
            try:
                seen.extend(scan)
            except Unavailable as raised:
                error = raised
            finally:
                scan.close()
        assert seen == hosts[: len(seen)]
        assert error is not None or len(seen) == len(hosts), "the scan ended early, in silence"

    @clause("SCAN-3")
    def test_scan_3_what_a_predicate_raises_is_raised(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in "abc")
        scan = fleet.driver.scan(Host, Query(where=_Breaks(1)))
        with pytest.raises(ZeroDivisionError):
            list(scan)
        assert fleet.names() == {"a", "b", "c"}

    @clause("SCAN-4", Capability.COUNT)
    def test_scan_4_count_is_what_scan_yields(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(f"h{number}", active=number % 3 == 0) for number in range(140))
        for where in (
            Exists(("name",)),
            Compare(("active",), Operator.EQ, False),
            Prefix(("name",), "h1"),
            NameIsShort(2),
            Compare(("name",), Operator.EQ, "nobody"),
        ):
            expected = len(list(fleet.driver.scan(Host, Query(where=where))))
            assert fleet.driver.count(Host, where) == expected
        assert fleet.driver.count(Host) == 140
        assert fleet.driver.count(Region) == 1
        with pytest.raises(InvalidQuery):
            fleet.driver.count(Host, Exists(("nope",)))

    @clause("SCAN-5", writes=(Host,))
    def test_scan_5_every_write_changes_the_digest(self, fleet: Fleet) -> None:
        driver = fleet.driver
        here = Compare(("region_id",), Operator.EQ, fleet.region.id)
        seen = [driver.digest(Host, here)]
        host = driver.create(fleet.host("a"))
        seen.append(driver.digest(Host, here))
        driver.replace(host)
        seen.append(driver.digest(Host, here))
        driver.create(fleet.host("b"))
        seen.append(driver.digest(Host, here))
        driver.delete(Host, host.id)
        seen.append(driver.digest(Host, here))
        driver.create(fleet.host("a", id=host.id))
        seen.append(driver.digest(Host, here))
        assert len(set(seen)) == len(seen)
        assert driver.digest(Host, here) == seen[-1]
        assert driver.digest(Host) == driver.digest(Host)

    @clause("SCAN-5", Capability.ATOMIC_BATCH, writes=(Host,))
    def test_scan_5_a_batch_that_puts_all_back_changes_the_digest(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("a"))
        before = fleet.driver.digest(Host)
        fleet.driver.apply([Delete(kind=Host, id=host.id), Create(entity=host)])
        assert fleet.driver.digest(Host) != before

    @clause("SCAN-5")
    def test_scan_5_what_does_not_match_does_not_matter(self, fleet: Fleet) -> None:
        fleet.given(fleet.host("a"))
        here = Compare(("region_id",), Operator.EQ, fleet.region.id)
        before = fleet.driver.digest(Host, here)
        south = fleet.given_region("south")
        fleet.given(Host(region_id=south.id, name="a"))
        fleet.given(fleet.group("g"))
        assert fleet.driver.digest(Host, here) == before
        assert fleet.driver.digest(Host) != before

    @clause("SCAN-1", Capability.SORT)
    def test_scan_1_keeps_the_order_and_the_limit_of_its_query(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in "abcd")
        backwards = Query(limit=3, order=Order("name", descending=True))
        assert [host.name for host in fleet.driver.scan(Host, backwards)] == ["d", "c", "b"]


class _Breaks(NameIsShort):
    """A predicate with a defect."""

    def matches(self, entity: object) -> bool:
        raise ZeroDivisionError
