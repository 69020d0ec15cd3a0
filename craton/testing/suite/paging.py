"""PAGE: orders and pages."""

from __future__ import annotations

import base64
import dataclasses
import random
import threading

import pytest

from craton.capabilities import Capability
from craton.driver import InventoryDriver
from craton.errors import InvalidPageToken, InvalidQuery
from craton.models import Entity, Group, Host
from craton.query import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Compare,
    Exists,
    Operator,
    Order,
    Page,
    Predicate,
    Prefix,
    Query,
)
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.filters import NameIsShort
from craton.testing.suite.fleet import Fleet
from craton.testing.suite.values import TRICKY
from craton.variables import Variables

_BACKWARDS = Order("name", descending=True)


class PagingClauses(Suite):
    """The order of answers, and how they are cut into pages."""

    @clause("PAGE-1")
    def test_page_1_names_order_by_code_point(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in random.Random(1).sample(TRICKY, len(TRICKY)))
        assert [host.name for host in fleet.driver.scan(Host)] == list(TRICKY)
        found = fleet.driver.find(Host, Query(limit=4)).items
        assert [host.name for host in found] == list(TRICKY[:4])

    @clause("PAGE-1", Capability.SORT)
    def test_page_1_descending_is_the_same_backwards(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in TRICKY)
        found = [host.name for host in fleet.driver.scan(Host, Query(order=_BACKWARDS))]
        assert found == list(reversed(TRICKY))

    @clause("PAGE-1", Capability.SORT, Capability.STABLE_PAGING)
    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("field", ["priority", "created_at", "updated_at", "id"])
    def test_page_1_ties_order_by_id(self, fleet: Fleet, field: str, descending: bool) -> None:
        fleet.given_all(fleet.group(f"g{number}", priority=number % 3 - 1) for number in range(12))
        query = Query(order=Order(field, descending), limit=5)
        found = [group for page in fleet.pages(Group, query) for group in page.items]
        expected = sorted(
            fleet.driver.scan(Group),
            key=lambda group: (getattr(group, field), group.id),
            reverse=descending,
        )
        assert found == expected

    @clause("PAGE-1", Capability.STABLE_PAGING)
    def test_page_1_equal_names_order_by_id(self, fleet: Fleet) -> None:
        south = fleet.given_region("south")
        for region in (fleet.region, south):
            fleet.given_all(Host(region_id=region.id, name=name) for name in "abc")
        found = [host for page in fleet.pages(Host, Query(limit=1)) for host in page.items]
        assert len(found) == 6
        assert found == sorted(found, key=lambda host: (host.name, host.id))
        assert found == list(fleet.driver.scan(Host))

    @clause("PAGE-2", Capability.SORT)
    @pytest.mark.parametrize("order", [_BACKWARDS, Order("created_at"), Order("id")])
    def test_page_2_another_order_needs_sort(self, fleet: Fleet, order: Order) -> None:
        fleet.given_all(fleet.host(name) for name in "abcdefgh")
        found = fleet.driver.find(Host, Query(order=order)).items
        key = [(getattr(host, order.field), host.id) for host in found]
        assert key == sorted(key, reverse=order.descending)
        assert len(key) == 8

    @clause("PAGE-2")
    @pytest.mark.parametrize("field", ["variables", "nope", "groups", "ip_address", ""])
    def test_page_2_an_order_without_meaning_is_refused(
        self, driver: InventoryDriver, field: str
    ) -> None:
        with pytest.raises(InvalidQuery):
            driver.find(Host, Query(order=Order(field)))
        with pytest.raises(InvalidQuery):
            driver.scan(Host, Query(order=Order(field)))

    @clause("PAGE-2")
    @pytest.mark.parametrize("limit", [0, -1])
    def test_page_2_a_limit_below_one_is_refused(self, driver: InventoryDriver, limit: int) -> None:
        with pytest.raises(InvalidQuery):
            driver.find(Host, Query(limit=limit))

    @clause("PAGE-3", Capability.STABLE_PAGING)
    @pytest.mark.parametrize("where", [EVERYTHING, NameIsShort(9)], ids=["pushed", "residue"])
    def test_page_3_pages_are_full_but_the_last(self, fleet: Fleet, where: Predicate) -> None:
        fleet.given_all(fleet.host(f"host{number}") for number in range(9))
        fleet.given_all(fleet.host(f"a-long-name-{number}") for number in range(9))
        where = AllOf(where, Prefix(("name",), "host"))
        for limit, sizes in ((3, [3, 3, 3]), (4, [4, 4, 1]), (9, [9]), (8, [8, 1]), (100, [9])):
            pages = list(fleet.pages(Host, Query(where=where, limit=limit)))
            assert [len(page.items) for page in pages] == sizes

    @clause("PAGE-3")
    def test_page_3_only_the_last_page_has_no_next(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in "abc")
        find = fleet.driver.find
        assert find(Host, Query(where=AnyOf())) == Page(items=(), next=None)
        assert find(Host, Query(limit=3)).next is None
        assert find(Host, Query(limit=2)).next is not None
        assert find(Host, Query(limit=1, where=NameIsShort(1))).next is not None
        assert len(find(Host, Query()).items) == 3

    @clause("PAGE-4", Capability.STABLE_PAGING)
    def test_page_4_what_is_created_behind_or_before_shifts_nothing(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in ("b", "d", "f", "h"))
        first = fleet.driver.find(Host, Query(limit=2))
        fleet.given_all(fleet.host(name) for name in ("a", "c", "e"))
        rest = fleet.driver.find(Host, Query(limit=2, page=first.next))
        assert [host.name for host in first.items] == ["b", "d"]
        assert [host.name for host in rest.items] == ["e", "f"]
        last = fleet.driver.find(Host, Query(limit=2, page=rest.next))
        assert [host.name for host in last.items] == ["h"]
        assert last.next is None

    @clause("PAGE-4", Capability.STABLE_PAGING, writes=(Host,))
    @pytest.mark.parametrize("where", [EVERYTHING, NameIsShort(9)], ids=["pushed", "residue"])
    def test_page_4_what_is_deleted_at_the_boundary_does_not_matter(
        self, fleet: Fleet, where: Predicate
    ) -> None:
        hosts = fleet.given_all(fleet.host(name) for name in "abcdef")
        page = fleet.driver.find(Host, Query(limit=3, where=where))
        for host in hosts[1:3]:
            fleet.driver.delete(Host, host.id)
        rest = fleet.driver.find(Host, Query(limit=3, page=page.next, where=where))
        assert [host.name for host in rest.items] == ["d", "e", "f"]

    @clause("PAGE-4", Capability.STABLE_PAGING, writes=(Host,))
    def test_page_4_what_is_changed_meanwhile_stays_where_it_is(self, fleet: Fleet) -> None:
        hosts = fleet.given_all(fleet.host(name) for name in "abcd")
        page = fleet.driver.find(Host, Query(limit=2))
        for host in hosts:
            changed = dataclasses.replace(host, active=False, variables=Variables({"x": 1}))
            fleet.driver.replace(changed)
        rest = fleet.driver.find(Host, Query(limit=3, page=page.next))
        assert [host.name for host in rest.items] == ["c", "d"]

    @clause("PAGE-4", Capability.STABLE_PAGING, writes=(Host,))
    def test_page_4_nothing_is_skipped_or_repeated_while_others_write(self, fleet: Fleet) -> None:
        standing = [f"s{number:03}" for number in range(0, 150, 3)]
        fleet.given_all(fleet.host(name) for name in standing)
        fleet.driver.delete(Host, fleet.driver.create(fleet.host("first")).id)
        done = threading.Event()
        failures: list[BaseException] = []
        writer = threading.Thread(target=_churn, args=(fleet, done, failures))
        writer.start()
        try:
            for _ in range(4):
                pages = fleet.pages(Host, Query(limit=7))
                seen = [host.name for page in pages for host in page.items]
                assert len(seen) == len(set(seen))
                assert seen == sorted(seen)
                assert set(standing) <= set(seen)
        finally:
            done.set()
            writer.join()
        assert not failures

    @clause("PAGE-5", Capability.STABLE_PAGING)
    def test_page_5_a_token_belongs_to_its_query(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in "abc")
        fleet.given_all(fleet.group(name) for name in "ABC")
        token = fleet.driver.find(Host, Query(limit=1)).next
        assert token is not None
        assert len(fleet.driver.find(Host, Query(limit=2, page=token)).items) == 2
        named = Exists(("name",))
        other: list[tuple[type[Entity], Query]] = [
            (Group, Query(page=token)),
            (Host, Query(page=token, where=named)),
            (Host, Query(page=token, where=Compare(("name",), Operator.EQ, "b"))),
        ]
        for kind, query in other:
            with pytest.raises(InvalidPageToken):
                fleet.driver.find(kind, query)
            with pytest.raises(InvalidPageToken):
                fleet.driver.scan(kind, query)

    @clause("PAGE-5", Capability.STABLE_PAGING)
    @pytest.mark.parametrize(
        "token",
        [
            "",
            "nonsense",
            "é",
            "%00",
            base64.urlsafe_b64encode(b"[" * 5000).decode(),
            base64.urlsafe_b64encode(b'["a",1]').decode(),
        ],
        ids=range(6),
    )
    def test_page_5_what_is_no_token_is_refused(self, fleet: Fleet, token: str) -> None:
        with pytest.raises(InvalidPageToken):
            fleet.driver.find(Host, Query(page=token))

    @clause("PAGE-5", Capability.STABLE_PAGING)
    def test_page_5_a_token_that_was_cut_is_refused(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in "abc")
        token = fleet.driver.find(Host, Query(limit=1)).next
        assert token is not None
        with pytest.raises(InvalidPageToken):
            fleet.driver.find(Host, Query(page=token[:-4]))

    @clause("PAGE-5", Capability.STABLE_PAGING, Capability.SORT)
    def test_page_5_a_token_belongs_to_its_order(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in "abc")
        token = fleet.driver.find(Host, Query(limit=1)).next
        for order in (_BACKWARDS, Order("created_at"), Order("id")):
            with pytest.raises(InvalidPageToken):
                fleet.driver.find(Host, Query(page=token, order=order))


def _churn(fleet: Fleet, done: threading.Event, failures: list[BaseException]) -> None:
    """Create and delete hosts between those that stand, until told to stop."""
    chance = random.Random(2)
    mine: list[str] = []
    try:
        while not done.is_set():
            name = f"s{chance.randrange(150):03}x{chance.randrange(10**6)}"
            mine.append(fleet.driver.create(fleet.host(name)).id)
            if len(mine) > 5:
                fleet.driver.delete(Host, mine.pop(chance.randrange(len(mine))))
    except BaseException as error:
        failures.append(error)
