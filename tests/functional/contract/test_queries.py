"""FILTER, PAGE and SCAN: many entities at a time."""

from __future__ import annotations

import base64
import dataclasses
import random
import threading
from collections.abc import Iterator

import pytest

from craton.driver import Create, Delete, InventoryDriver
from craton.errors import InvalidPageToken, InvalidQuery
from craton.models import Entity, Group, Host, Region, Tenant
from craton.query import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Compare,
    Exists,
    In,
    Not,
    Operator,
    Order,
    Overlaps,
    Page,
    Predicate,
    Prefix,
    Query,
)
from craton.variables import Variables
from tests.functional.conftest import Fleet

EQ, LT, GE = Operator.EQ, Operator.LT, Operator.GE

#: Names in the order of their code points, which is no locale's order.
TRICKY = ["Z", "a", "a b", "a-b", "a.b", "aB", "a_b", "ab", "e\u0301", "z", "é", "中", "\U0001f600"]

VALUES: dict[str, object] = {
    "one": 1,
    "one-float": 1.0,
    "one-text": "1",
    "true": True,
    "false": False,
    "zero": 0,
    "negative-zero": -0.0,
    "null": None,
    "empty-text": "",
    "text": "Straße %_\\ x",
    "upper": "STRASSE",
    "big": 2**70,
    "object": {"a": {"b.c": [10, "x", None]}, "d": 1},
    "swapped": {"d": 1, "a": {"b.c": [10, "x", None]}},
    "array": [1, 2],
    "reversed": [2, 1],
    "empty-object": {},
    "empty-array": [],
}


@pytest.fixture
def valued(fleet: Fleet) -> Fleet:
    """A host for each of VALUES with the variable ``v``, and one without."""
    for name, value in VALUES.items():
        fleet.host(name, variables=Variables({"v": value, "other": 1}))
    fleet.host("missing", variables=Variables({"other": 1}))
    return fleet


def names(driver: InventoryDriver, where: Predicate) -> set[str]:
    found = {host.name for host in driver.scan(Host, Query(where=where))}
    assert found == {host.name for host in driver.scan(Host) if where.matches(host)}
    assert driver.count(Host, where) == len(found)
    return found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, {"one"}),
        (1.0, {"one-float"}),
        ("1", {"one-text"}),
        (True, {"true"}),
        (False, {"false"}),
        (0, {"zero"}),
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
)
def test_filter_2_types_never_mix(valued: Fleet, value: object, expected: set[str]) -> None:
    path = ("variables", "v")
    assert names(valued.driver, Compare(path, EQ, value)) == expected  # type: ignore[arg-type]
    assert names(valued.driver, In(path, (value, "nothing"))) == expected  # type: ignore[arg-type]
    everyone = {*VALUES, "missing"}
    assert names(valued.driver, Not(Compare(path, EQ, value))) == everyone - expected  # type: ignore[arg-type]


def test_filter_3_null_is_not_missing(valued: Fleet) -> None:
    path = ("variables", "v")
    assert names(valued.driver, Exists(path)) == set(VALUES)
    assert names(valued.driver, Not(Exists(path))) == {"missing"}
    assert names(valued.driver, Compare(("asset_id",), EQ, None)) == {*VALUES, "missing"}
    assert names(valued.driver, Exists(("asset_id",))) == {*VALUES, "missing"}


def test_filter_5_order_holds_within_one_type(valued: Fleet) -> None:
    path = ("variables", "v")
    assert names(valued.driver, Compare(path, LT, 1)) == {"zero"}
    assert names(valued.driver, Compare(path, GE, 0)) == {"zero", "one", "big"}
    assert names(valued.driver, Compare(path, GE, 0.0)) == {"negative-zero", "one-float"}
    assert names(valued.driver, Compare(path, LT, "S")) == {"empty-text", "one-text"}
    assert names(valued.driver, Compare(path, LT, True)) == set()
    assert names(valued.driver, Compare(path, GE, None)) == set()


def test_filter_6_prefix_takes_characters_as_themselves(valued: Fleet) -> None:
    path = ("variables", "v")
    assert names(valued.driver, Prefix(path, "Straße %_\\")) == {"text"}
    assert names(valued.driver, Prefix(path, "Straße _%")) == set()
    assert names(valued.driver, Prefix(path, "str")) == set()
    assert names(valued.driver, Prefix(("name",), "empty-")) == {
        "empty-text",
        "empty-object",
        "empty-array",
    }
    assert names(valued.driver, Prefix(("name",), "EMPTY-")) == set()
    assert names(valued.driver, Prefix(("asset_id",), "")) == set()


def test_filter_7_paths_step_through_objects_and_arrays(valued: Fleet) -> None:
    both = {"object", "swapped"}
    inside = ("variables", "v", "a", "b.c")
    assert names(valued.driver, Compare((*inside, "0"), EQ, 10)) == both
    assert names(valued.driver, Compare((*inside, "0"), EQ, "10")) == set()
    assert names(valued.driver, Compare((*inside, "2"), EQ, None)) == both
    assert names(valued.driver, Exists((*inside, "3"))) == set()
    assert names(valued.driver, Exists((*inside, "00"))) == set()
    assert names(valued.driver, Exists((*inside, "-1"))) == set()
    assert names(valued.driver, Exists(("variables", "v", "a", "b", "c"))) == set()


def test_filter_1_columns_and_combinations(fleet: Fleet) -> None:
    web, db = fleet.group("web"), fleet.group("db")
    fleet.host("a", ip_address="10.0.0.1", ssh_port=22, groups=(web.id,))
    fleet.host("b", active=False, ssh_port=2222, groups=(web.id, db.id))
    fleet.host("c")
    south = fleet.driver.create(Region(tenant_id=fleet.tenant.id, name="south"))
    fleet.driver.create(Host(region_id=south.id, name="d"))
    driver = fleet.driver
    active = Compare(("active",), EQ, True)
    in_web = Overlaps(("groups",), (web.id,))
    here = Compare(("region_id",), EQ, fleet.region.id)
    assert names(driver, here) == {"a", "b", "c"}
    assert names(driver, active) == {"a", "c", "d"}
    assert names(driver, Compare(("active",), EQ, 1)) == set()
    assert names(driver, Compare(("ssh_port",), GE, 23)) == {"b"}
    assert names(driver, Not(Compare(("ssh_port",), GE, 23))) == {"a", "c", "d"}
    assert names(driver, Compare(("ssh_port",), EQ, "22")) == set()
    assert names(driver, In(("ip_address",), ("10.0.0.1", None))) == {"a", "c", "b", "d"}
    assert names(driver, in_web) == {"a", "b"}
    assert names(driver, AllOf(in_web, active)) == {"a"}
    assert names(driver, AnyOf(Overlaps(("groups",), (db.id, "x")), Not(active))) == {"b"}
    assert names(driver, Not(AnyOf(in_web, active))) == set()
    assert names(driver, AnyOf()) == set()
    assert names(driver, AllOf()) == {"a", "b", "c", "d"}
    assert names(driver, Overlaps(("groups",), ())) == set()
    assert names(driver, In(("name",), ())) == set()
    found = driver.get(Host, next(iter(driver.scan(Host))).id)
    assert found.name in names(driver, Compare(("created_at",), GE, found.created_at))


def test_filter_1_many_values(fleet: Fleet) -> None:
    fleet.host("a")
    wanted = tuple(f"x{number}" for number in range(40_000))
    assert names(fleet.driver, In(("name",), (*wanted, "a"))) == {"a"}


def test_filter_4_strings_compare_by_code_point(fleet: Fleet) -> None:
    for name in TRICKY:
        fleet.host(name, asset_id=name + " ")
    for name in TRICKY:
        assert names(fleet.driver, Compare(("name",), EQ, name)) == {name}
        assert names(fleet.driver, Compare(("asset_id",), EQ, name)) == set()
        assert names(fleet.driver, Compare(("name",), LT, name)) == set(
            TRICKY[: TRICKY.index(name)]
        )


@dataclasses.dataclass(frozen=True)
class NameIsShort(Predicate):
    length: int

    def matches(self, entity: Entity) -> bool:
        return len(entity.name) <= self.length  # type: ignore[attr-defined]


def test_filter_8_a_predicate_of_ones_own_is_honoured(fleet: Fleet) -> None:
    for name in ("a", "bb", "ccc", "d"):
        fleet.host(name)
    own = AllOf(NameIsShort(2), Not(Compare(("name",), EQ, "a")))
    assert names(fleet.driver, own) == {"bb", "d"}
    assert names(fleet.driver, AnyOf(NameIsShort(1), Compare(("name",), EQ, "ccc"))) == {
        "a",
        "ccc",
        "d",
    }


@pytest.mark.parametrize("path", [("nope",), (), ("name", "x"), ("groups", "0")])
def test_filter_9_an_unknown_path_is_refused(driver: InventoryDriver, path: tuple[str]) -> None:
    with pytest.raises(InvalidQuery):
        driver.find(Host, Query(where=Not(Exists(path))))
    with pytest.raises(InvalidQuery):
        driver.count(Host, Exists(path))


def walk(driver: InventoryDriver, kind: type[Entity], query: Query) -> Iterator[Page[Entity]]:
    while True:
        page = driver.find(kind, query)
        yield page
        if page.next is None:
            return
        query = dataclasses.replace(query, page=page.next)


@pytest.mark.parametrize("descending", [False, True])
def test_page_1_names_order_by_code_point(fleet: Fleet, descending: bool) -> None:
    for name in random.Random(1).sample(TRICKY, len(TRICKY)):
        fleet.host(name)
    query = Query(order=Order("name", descending), limit=4)
    found = [host.name for page in walk(fleet.driver, Host, query) for host in page.items]  # type: ignore[attr-defined]
    assert found == (TRICKY[::-1] if descending else TRICKY)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("field", ["priority", "created_at", "updated_at", "id"])
def test_page_1_ties_order_by_id(fleet: Fleet, field: str, descending: bool) -> None:
    fleet.driver.apply(
        Create(entity=Group(region_id=fleet.region.id, name=f"g{number}", priority=number % 3))
        for number in range(12)
    )
    query = Query(order=Order(field, descending), limit=5)
    found = [group for page in walk(fleet.driver, Group, query) for group in page.items]
    expected = sorted(
        fleet.driver.scan(Group),
        key=lambda group: (getattr(group, field), group.id),
        reverse=descending,
    )
    assert found == expected


def test_page_1_names_that_are_equal_in_two_regions_order_by_id(fleet: Fleet) -> None:
    south = fleet.driver.create(Region(tenant_id=fleet.tenant.id, name="south"))
    for name in ("a", "b", "c"):
        fleet.host(name)
        fleet.driver.create(Host(region_id=south.id, name=name))
    pages = [page.items for page in walk(fleet.driver, Host, Query(limit=1))]
    found = [host for items in pages for host in items]
    assert found == sorted(found, key=lambda host: (host.name, host.id))  # type: ignore[attr-defined]
    assert len(found) == 6


@pytest.mark.parametrize("field", ["variables", "nope", "groups", "ip_address"])
def test_page_2_an_order_without_meaning_is_refused(driver: InventoryDriver, field: str) -> None:
    with pytest.raises(InvalidQuery):
        driver.find(Host, Query(order=Order(field)))
    with pytest.raises(InvalidQuery):
        driver.find(Host, Query(limit=0))


@pytest.mark.parametrize("where", [EVERYTHING, NameIsShort(9)])
def test_page_3_pages_are_full_but_the_last(fleet: Fleet, where: Predicate) -> None:
    for number in range(9):
        fleet.host(f"host{number}", active=number % 2 == 0)
        fleet.host(f"a-long-name-{number}")
    where = AllOf(where, Prefix(("name",), "host"))
    for limit, sizes in ((3, [3, 3, 3]), (4, [4, 4, 1]), (9, [9]), (100, [9])):
        pages = list(walk(fleet.driver, Host, Query(where=where, limit=limit)))
        assert [len(page.items) for page in pages] == sizes
    nothing = fleet.driver.find(Host, Query(where=AnyOf()))
    assert nothing == Page(items=(), next=None)


def test_page_4_nothing_is_skipped_or_repeated_while_others_write(fleet: Fleet) -> None:
    standing = [f"s{number:03}" for number in range(0, 300, 3)]
    fleet.driver.apply(
        Create(entity=Host(region_id=fleet.region.id, name=name)) for name in standing
    )
    done = threading.Event()
    failures: list[BaseException] = []

    def churn() -> None:
        random_ = random.Random(2)
        mine: list[str] = []
        try:
            while not done.is_set():
                name = f"s{random_.randrange(300):03}x{random_.randrange(10**6)}"
                mine.append(fleet.host(name).id)
                if len(mine) > 5:
                    fleet.driver.delete(Host, mine.pop(random_.randrange(len(mine))))
        except BaseException as error:
            failures.append(error)

    writer = threading.Thread(target=churn)
    writer.start()
    try:
        for _ in range(5):
            pages = walk(fleet.driver, Host, Query(limit=7))
            seen = [host.name for page in pages for host in page.items]  # type: ignore[attr-defined]
            assert len(seen) == len(set(seen))
            assert seen == sorted(seen)
            assert set(standing) <= set(seen)
    finally:
        done.set()
        writer.join()
    assert not failures


def test_page_4_what_is_deleted_at_the_boundary_does_not_matter(fleet: Fleet) -> None:
    hosts = [fleet.host(name) for name in "abcdef"]
    page = fleet.driver.find(Host, Query(limit=3))
    fleet.driver.delete(Host, hosts[2].id)
    rest = fleet.driver.find(Host, Query(limit=3, page=page.next))
    assert [host.name for host in rest.items] == ["d", "e", "f"]


def test_page_5_a_token_belongs_to_its_query(fleet: Fleet) -> None:
    for name in "abc":
        fleet.host(name)
        fleet.group(name.upper())
    token = fleet.driver.find(Host, Query(limit=1)).next
    assert token is not None
    assert len(fleet.driver.find(Host, Query(limit=2, page=token)).items) == 2
    for kind, query in (
        (Group, Query(page=token)),
        (Host, Query(page=token, where=Exists(("name",)))),
        (Host, Query(page=token, order=Order("name", descending=True))),
        (Host, Query(page=token, order=Order("created_at"))),
        (Host, Query(page="")),
        (Host, Query(page="nonsense")),
        (Host, Query(page="é")),
        (Host, Query(page=token[:-4])),
        (Host, Query(page=base64.urlsafe_b64encode(b"[" * 5000).decode())),
        (Host, Query(page=base64.urlsafe_b64encode(b'["a",1]').decode())),
    ):
        with pytest.raises(InvalidPageToken):
            fleet.driver.find(kind, query)


def test_scan_1_yields_everything_in_order(fleet: Fleet) -> None:
    fleet.driver.apply(
        Create(entity=Host(region_id=fleet.region.id, name=f"h{number:04}"))
        for number in range(2500)
    )
    found = [host.name for host in fleet.driver.scan(Host)]
    assert found == [f"h{number:04}" for number in range(2500)]
    limited = list(fleet.driver.scan(Host, Query(limit=3, order=Order("name", descending=True))))
    assert [host.name for host in limited] == ["h2499", "h2498", "h2497"]


def test_scan_2_closing_early_lets_others_write(fleet: Fleet) -> None:
    for name in "abc":
        fleet.host(name)
    for _ in range(50):
        scan = fleet.driver.scan(Host)
        assert next(scan).name == "a"
        scan.close()
    fleet.host("d")
    assert fleet.driver.count(Host) == 4


def test_scan_5_digest_changes_with_every_write(fleet: Fleet) -> None:
    here = Compare(("region_id",), EQ, fleet.region.id)
    seen = [fleet.driver.digest(Host, here)]
    host = fleet.host("a")
    seen.append(fleet.driver.digest(Host, here))
    fleet.driver.replace(host)
    seen.append(fleet.driver.digest(Host, here))
    fleet.host("b")
    seen.append(fleet.driver.digest(Host, here))
    fleet.driver.apply([Delete(kind=Host, id=host.id), Create(entity=host)])
    seen.append(fleet.driver.digest(Host, here))
    assert len(set(seen)) == len(seen)
    assert fleet.driver.digest(Host, here) == seen[-1]
    other = fleet.driver.create(Region(tenant_id=fleet.tenant.id, name="south"))
    fleet.driver.create(Host(region_id=other.id, name="a"))
    assert fleet.driver.digest(Host, here) == seen[-1]
    assert fleet.driver.digest(Host) != seen[-1]


def test_filter_1_tenants_by_customer(driver: InventoryDriver) -> None:
    for name, customer in (("a", "x"), ("b", "y"), ("c", "x")):
        driver.create(Tenant(name=name, customer=customer))
    where = Compare(("customer",), EQ, "x")
    assert [tenant.name for tenant in driver.scan(Tenant, Query(where=where))] == ["a", "c"]
