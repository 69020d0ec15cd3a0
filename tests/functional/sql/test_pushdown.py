"""What SQL is asked answers exactly as ``Predicate.matches`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from craton.backends.sql import predicates
from craton.backends.sql.driver import SqlDriver
from craton.driver import Create, Delete
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
    Predicate,
    Prefix,
    Query,
    Selection,
)
from craton.variables import Variables
from tests import backends

NOON = datetime(2026, 1, 1, 12, 0, 0, 5000, UTC)

#: Cases, accents, wildcards, quotes, a space at the end, and both sides of the surrogates: code
#: points order U+FFFD before U+1F600, UTF-16 does not.
LETTERS = "aAeEé\u0301%_\\'\" \ud7ff\ue000\ufffd\U0001f600\U0010ffff\n"

text = st.text(LETTERS, max_size=4)
printable = st.text(LETTERS.replace("\n", ""), max_size=4)
#: What no store holds, but somebody may ask for.
strange_text = st.sampled_from(["\ud800", "a\udfff", "\0", "a\0"])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), -(2**70)]),
    st.sampled_from([0.0, -0.0, 1.0, 0.1, 1e300, 5e-324]),
    text,
    st.sampled_from(["1", "1.0", "true", "null", "{}", "[]"]),
)
keys = st.sampled_from(["a", "b", "0", "a.b", "é"])
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
    max_leaves=4,
)
names = st.sampled_from(["a", "A", "a_b", "e"])

links = st.lists(st.sampled_from(["1", "2", "3"]), max_size=2).map(tuple)
hosts = st.builds(
    Host,
    region_id=st.just("r"),
    name=st.text("aAeEé%_\U0001f600\ufffd", min_size=1, max_size=3),
    ip_address=st.sampled_from([None, "10.0.0.1", "10.0.0.10"]),
    ssh_port=st.sampled_from([None, 1, 22, 65535]),
    ssh_user=st.none() | printable.filter(bool),
    asset_id=st.none() | printable,
    active=st.booleans(),
    groups=links,
    variables=st.dictionaries(names, json_values, max_size=3).map(Variables),
)
populations = st.lists(hosts, max_size=6, unique_by=lambda host: host.name)

times = st.sampled_from(
    [
        NOON,
        NOON + timedelta(microseconds=1),
        NOON - timedelta(microseconds=1),
        NOON.astimezone(timezone(timedelta(hours=2))),
        NOON.replace(tzinfo=None),
        datetime.fromtimestamp(0, UTC),
        datetime.max.replace(tzinfo=UTC),
    ]
)
values = st.one_of(json_values, scalars, text, strange_text, st.just(float("nan")), times)
fields = st.sampled_from(
    [
        (name,)
        for name in (
            "id name asset_id ssh_user ssh_port active ip_address "
            "created_at updated_at groups variables templated region_id"
        ).split()
    ]
)
variable_paths = st.one_of(
    st.tuples(st.just("variables"), names),
    st.tuples(st.just("variables"), names),
    st.tuples(st.just("variables"), names, keys),
    st.tuples(st.just("variables"), names, keys, keys),
    st.tuples(st.just("variables"), strange_text),
)
paths = st.one_of(fields, fields, variable_paths)
simple = st.one_of(
    st.builds(Compare, paths, st.sampled_from(Operator), values),
    st.builds(Compare, paths, st.just(Operator.EQ), values),
    st.builds(In, paths, st.lists(values, max_size=3).map(tuple)),
    st.builds(Exists, paths),
    st.builds(Prefix, paths, text | strange_text),
    st.builds(Overlaps, paths, st.lists(st.sampled_from(["1", "2", "4", "\ud800"])).map(tuple)),
)


class Odd(Predicate):
    """A predicate that no driver knows."""

    def matches(self, entity: Entity) -> bool:
        return isinstance(entity, Host) and len(entity.name) % 2 == 1

    def __repr__(self) -> str:
        return "Odd()"


class Narrower(Exists):
    """A subclass of a predicate that the driver knows, with another meaning."""

    def matches(self, entity: Entity) -> bool:
        return super().matches(entity) and isinstance(entity, Host) and entity.active


where = st.recursive(
    st.one_of(simple, simple, simple, st.just(Odd()), st.just(Narrower(("variables", "a")))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: AllOf(*parts)),
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(*parts)),
        inner.map(Not),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def store(
    tmp_path_factory: pytest.TempPathFactory, template_of: Callable[[str], Path]
) -> Iterator[SqlDriver]:
    state = tmp_path_factory.mktemp("pushdown")
    with backends.opened("sql", state, template_of("sql")) as driver:
        driver.create(Tenant(id="t", name="t"))
        driver.create(Region(id="r", tenant_id="t", name="r"))
        for group in ("1", "2", "3"):
            driver.create(Group(id=group, region_id="r", name=f"g{group}"))
        assert isinstance(driver, SqlDriver)
        yield driver


def populate(store: SqlDriver, population: list[Host]) -> list[Host]:
    stored = list(store.scan(Host))
    store.apply(
        [
            *(Delete(kind=Host, id=host.id) for host in stored),
            *(Create(entity=host) for host in population),
        ]
    )
    return list(store.scan(Host))


def names_of(found: Any) -> list[str]:
    return [host.name for host in found]


def matching(hosts: list[Host], predicate: Predicate) -> list[str] | type[Exception]:
    try:
        return names_of(host for host in hosts if predicate.matches(host))
    except TypeError as error:
        # Naive and aware times have no order.
        return type(error)


CASES = [
    Compare(("variables", "a"), Operator.EQ, value) for value in (1, 1.0, True, "1", None, "true")
]


@settings(
    max_examples=70,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(population=populations, predicates=st.lists(where, min_size=1, max_size=6))
@example(
    population=[
        Host(region_id="r", name=f"h{position}", variables=Variables({"a": value}))
        for position, value in enumerate((1, 1.0, True, "1", None, [1], {"a": 1}, 2**70))
    ],
    predicates=[*CASES, *(Not(case) for case in CASES)],
)
@example(
    population=[
        Host(region_id="r", name=name, asset_id=name) for name in ("\U0001f600", "\ufffd", "é", "E")
    ],
    predicates=[
        Compare((field,), operator, bound)
        for field in ("name", "asset_id")
        for operator in Operator
        for bound in ("\U0001f600", "\ufffd", "\ue000", "\ud7ff")
    ],
)
@example(
    population=[
        Host(
            region_id="r",
            name=str(position),
            variables=Variables({"a": {"a": position, "b": [1, {"b": 2, "a": 1}]}}),
        )
        for position in range(2)
    ],
    predicates=[
        Compare(("variables", "a"), Operator.EQ, {"b": [1, {"a": 1, "b": 2}], "a": 1}),
        Not(Compare(("variables", "a"), Operator.EQ, {"b": [1, {"a": 1, "b": 2}], "a": 1})),
        Compare(("variables", "a", "b", "1", "a"), Operator.EQ, 1),
    ],
)
@example(
    population=[
        Host(region_id="r", name=f"h{position}", asset_id=asset_id, ssh_port=port)
        for position, (asset_id, port) in enumerate(
            [(None, None), ("a", 22), ("\ud7ffa", 1), ("\ue000", None), ("\U0010ffffa", None)]
        )
    ],
    predicates=[
        combination
        for predicate in (
            Compare(("asset_id",), Operator.EQ, "a"),
            Compare(("asset_id",), Operator.GT, "a"),
            Compare(("ssh_port",), Operator.LT, 22),
            In(("asset_id",), ("a", "b")),
            In(("asset_id",), ("a", None)),
            Prefix(("asset_id",), "\ud7ff"),
            Prefix(("asset_id",), "\U0010ffff"),
            Prefix(("asset_id",), ""),
        )
        for combination in (predicate, Not(predicate))
    ],
)
def test_a_query_finds_what_matches(
    store: SqlDriver, population: list[Host], predicates: list[Predicate]
) -> None:
    hosts = populate(store, population)
    for predicate in predicates:
        expected = matching(hosts, predicate)
        if expected is TypeError:
            with pytest.raises(TypeError):
                list(store.scan(Host, Query(where=predicate)))
            continue
        assert names_of(store.scan(Host, Query(where=predicate))) == expected
        assert store.count(Host, predicate) == len(expected)
        pushed, residue = store._pushdown(Host, predicate)
        in_sql = names_of(store._select(Host, Selection(where=pushed)))
        assert set(expected) <= set(in_sql)
        if residue == EVERYTHING:
            assert in_sql == expected


@pytest.mark.parametrize(
    "predicate",
    [
        Compare(("name",), Operator.GT, "a"),
        Compare(("ssh_port",), Operator.LE, 22),
        Compare(("created_at",), Operator.GT, NOON),
        Compare(("asset_id",), Operator.EQ, None),
        In(("asset_id",), ("a", None, 1)),
        Prefix(("asset_id",), "50%_"),
        Exists(("variables", "a")),
        Compare(("variables", "a"), Operator.EQ, "x"),
        Compare(("variables", "a"), Operator.EQ, [1, "x"]),
        In(("variables", "a"), (1, "x", None)),
        Prefix(("variables", "a"), 'say "'),
        Overlaps(("groups",), ("1", "2")),
        Not(AnyOf(AllOf(Exists(("variables", "a")), Overlaps(("groups",), ("1",))))),
    ],
    ids=repr,
)
def test_sql_answers_alone(store: SqlDriver, predicate: Predicate) -> None:
    pushed, residue = store._pushdown(Host, predicate)
    assert (pushed, residue) == (predicate, EVERYTHING)


@pytest.mark.parametrize(
    "predicate",
    [
        Compare(("variables", "a", "b"), Operator.EQ, 1),
        Compare(("variables", "a"), Operator.EQ, {"b": 1}),
        Compare(("variables", "a"), Operator.LT, 1),
        AnyOf(Exists(("variables", "a", "b")), Compare(("variables", "a"), Operator.EQ, {"b": 1})),
    ],
    ids=repr,
)
def test_sql_narrows_down_what_it_cannot_answer(store: SqlDriver, predicate: Predicate) -> None:
    populate(
        store,
        [
            Host(region_id="r", name="other", variables=Variables({"b": {"b": 1}})),
            Host(region_id="r", name="candidate", variables=Variables({"a": {"b": 1}})),
        ],
    )
    pushed, residue = store._pushdown(Host, predicate)
    assert residue == predicate
    assert names_of(store._select(Host, Selection(where=pushed))) == ["candidate"]


def test_an_unknown_predicate_is_handed_back_and_the_rest_is_not(store: SqlDriver) -> None:
    known = Exists(("variables", "a"))
    for unknown in (Odd(), Narrower(("variables", "a"))):
        assert store._pushdown(Host, AllOf(known, unknown)) == (known, unknown)


@pytest.mark.parametrize(
    "predicate",
    [
        In(("id",), tuple(str(number) for number in range(40_000))),
        In(("variables", "a"), tuple(range(40_000))),
        Overlaps(("groups",), tuple(str(number) for number in range(40_000))),
        AnyOf(*(In(("id",), tuple(str(number) for number in range(9_000))) for _ in range(5))),
        AnyOf(*(Compare(("variables", "a"), Operator.EQ, number) for number in range(3_000))),
        AllOf(*(Not(Compare(("id",), Operator.EQ, str(number))) for number in range(3_000))),
        Not(Not(Not(Not(In(("id",), tuple(str(number) for number in range(40_000))))))),
    ],
    ids=lambda predicate: type(predicate).__name__,
)
def test_no_predicate_is_too_long_for_a_statement(store: SqlDriver, predicate: Predicate) -> None:
    hosts = populate(
        store, [Host(id="7", region_id="r", name="h", groups=("1",), variables=Variables({"a": 7}))]
    )
    assert names_of(store.scan(Host, Query(where=predicate))) == matching(hosts, predicate)


def test_a_list_of_thousands_is_still_answered_by_sql(store: SqlDriver) -> None:
    many = In(("id",), tuple(str(number) for number in range(predicates.MAX_VALUES)))
    assert store._pushdown(Host, many) == (many, EVERYTHING)
    too_many = In(("id",), (*many.values, "more"))
    assert store._pushdown(Host, too_many) == (EVERYTHING, too_many)
    populate(store, [Host(id="7", region_id="r", name="in"), Host(region_id="r", name="out")])
    assert names_of(store.scan(Host, Query(where=many))) == ["in"]


def test_a_deep_predicate_is_left_to_matches(store: SqlDriver) -> None:
    predicate: Predicate = Exists(("variables", "a"))
    for _ in range(300):
        predicate = Not(predicate)
    assert store._pushdown(Host, predicate) == (EVERYTHING, predicate)
    populate(store, [Host(region_id="r", name="h", variables=Variables({"a": 7}))])
    assert store.count(Host, predicate) == 1


@pytest.mark.parametrize("operator", Operator)
@pytest.mark.parametrize("moment", [datetime.min, datetime.max])
def test_the_first_and_the_last_moment_compare(
    store: SqlDriver, operator: Operator, moment: datetime
) -> None:
    hosts = populate(store, [Host(region_id="r", name="h")])
    predicate = Compare(("created_at",), operator, moment.replace(tzinfo=UTC))
    assert names_of(store.scan(Host, Query(where=predicate))) == matching(hosts, predicate)


@pytest.mark.parametrize("operator", Operator)
def test_times_compare_to_the_microsecond(store: SqlDriver, operator: Operator) -> None:
    hosts = populate(store, [Host(region_id="r", name="h")])
    for microseconds in (-1000, -999, -1, 0, 1, 999, 1000):
        moment = hosts[0].created_at + timedelta(microseconds=microseconds)
        predicate = Compare(("created_at",), operator, moment)
        assert store._pushdown(Host, predicate)[1] == EVERYTHING
        assert names_of(store.scan(Host, Query(where=predicate))) == matching(hosts, predicate)


@pytest.mark.parametrize("field", ["id", "name", "created_at", "updated_at"])
@pytest.mark.parametrize("descending", [False, True])
def test_pages_follow_each_other_in_every_order(
    store: SqlDriver, field: str, descending: bool
) -> None:
    order = Order(field, descending)
    hosts = populate(
        store,
        [Host(region_id="r", name=name) for name in ("é", "\U0001f600", "\ufffd", "b", "B", "a")],
    )
    expected = sorted(hosts, key=lambda host: (getattr(host, field), host.id), reverse=descending)
    for part in (EVERYTHING, Compare(("region_id",), Operator.EQ, "r")):
        found: list[Host] = []
        query = Query(where=part, order=order, limit=2)
        while True:
            page = store.find(Host, query)
            found.extend(page.items)
            if page.next is None:
                break
            query = Query(where=part, order=order, limit=2, page=page.next)
        assert found == expected


@pytest.mark.parametrize("nesting", range(predicates.MAX_DEPTH - 3, predicates.MAX_DEPTH + 3))
def test_no_part_is_lost_at_the_deepest_that_sql_is_asked(store: SqlDriver, nesting: int) -> None:
    populate(
        store,
        [Host(region_id="r", name="on"), Host(region_id="r", name="off", active=False)],
    )
    deep: Predicate = Compare(("active",), Operator.EQ, True)
    for _ in range(nesting):
        deep = Not(deep)
    where = AllOf(Exists(("name",)), deep)
    expected = ["on"] if nesting % 2 == 0 else ["off"]
    assert [host.name for host in store.scan(Host, Query(where=where))] == expected
    assert store.count(Host, where) == 1
