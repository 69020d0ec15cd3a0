"""What MongoDB is asked answers exactly as ``Predicate.matches`` does, and by an index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database

from craton.backends.mongo.documents import ENTITY
from craton.backends.mongo.driver import MongoDriver
from craton.backends.mongo.predicates import MAX_VALUES, Translator, both
from craton.backends.mongo.tokens import HEAD
from craton.backends.mongo.values import MAX_LENGTH
from craton.driver import Create
from craton.models import Group, Host, Region, Tenant
from craton.query import (
    EVERYTHING,
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
    Selection,
)
from craton.variables import Variables
from tests import backends
from tests.functional.sql.test_pushdown import (
    NOON,
    names_of,
    populate,
    test_a_query_finds_what_matches,
    test_an_unknown_predicate_is_handed_back_and_the_rest_is_not,
    test_no_predicate_is_too_long_for_a_statement,
    test_pages_follow_each_other_in_every_order,
    test_times_compare_to_the_microsecond,
)

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("mongo")]

__all__ = [
    "test_a_query_finds_what_matches",
    "test_an_unknown_predicate_is_handed_back_and_the_rest_is_not",
    "test_no_predicate_is_too_long_for_a_statement",
    "test_pages_follow_each_other_in_every_order",
    "test_times_compare_to_the_microsecond",
]

IN_REGION = Compare(("region_id",), Operator.EQ, "r")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoDriver]:
    with backends.opened("mongo", tmp_path_factory.mktemp("pushdown")) as driver:
        driver.create(Tenant(id="t", name="t"))
        driver.create(Region(id="r", tenant_id="t", name="r"))
        for group in ("1", "2", "3"):
            driver.create(Group(id=group, region_id="r", name=f"g{group}"))
        assert isinstance(driver, MongoDriver)
        yield driver


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
        Compare(("variables", "a"), Operator.EQ, {"y": 1, "x": [2]}),
        Compare(("variables", "a"), Operator.EQ, "x" * 5000),
        In(("variables", "a"), (1, "x", None)),
        Prefix(("variables", "a"), 'say "'),
        Overlaps(("groups",), ("1", "2")),
        Overlaps(("templated",), ("a",)),
        Not(AnyOf(AllOf(Exists(("variables", "a")), Overlaps(("groups",), ("1",))))),
    ],
    ids=lambda predicate: repr(predicate)[:80],
)
def test_mongodb_answers_alone(store: MongoDriver, predicate: Predicate) -> None:
    assert store._pushdown(Host, predicate) == (predicate, EVERYTHING)


@pytest.mark.parametrize(
    "predicate",
    [
        Compare(("variables", "a", "b"), Operator.EQ, 1),
        Compare(("variables", "a"), Operator.LT, 1),
        AnyOf(Exists(("variables", "a", "b")), Compare(("variables", "a"), Operator.EQ, {"b": 1})),
    ],
    ids=repr,
)
def test_mongodb_narrows_down_what_it_cannot_answer(
    store: MongoDriver, predicate: Predicate
) -> None:
    populate(
        store,  # type: ignore[arg-type]
        [
            Host(region_id="r", name="other", variables=Variables({"b": {"b": 1}})),
            Host(region_id="r", name="candidate", variables=Variables({"a": {"b": 1}})),
        ],
    )
    pushed, residue = store._pushdown(Host, predicate)
    assert residue == predicate
    assert names_of(store._select(Host, Selection(where=pushed))) == ["candidate"]


@pytest.mark.parametrize("length", [HEAD - 2, HEAD - 1, HEAD, 62, 63, 64, 65, 300])
def test_long_values_are_found_whole_and_by_their_beginning(
    store: MongoDriver, length: int
) -> None:
    same, end = "é" * (length - 1), Variables
    hosts = populate(
        store,  # type: ignore[arg-type]
        [
            Host(region_id="r", name=name, variables=end({"a": value}))
            for name, value in (
                ("x", same + "x"),
                ("y", same + "y"),
                ("short", same),
                ("list", [same]),
                ("none", None),
            )
        ],
    )
    for where in (
        Compare(("variables", "a"), Operator.EQ, same + "y"),
        In(("variables", "a"), (same, same + "x")),
        *(Prefix(("variables", "a"), (same + "x")[:n]) for n in range(length + 1)),
        Compare(("variables", "a"), Operator.EQ, [same]),
    ):
        found = names_of(store.scan(Host, Query(where=where)))
        assert found == names_of(host for host in hosts if where.matches(host)), where


@pytest.mark.parametrize("name", ["a=1", 'a="x', "a=", "=", "", "a b", "ä"])
def test_a_name_that_no_variable_has_is_found_nowhere(store: MongoDriver, name: str) -> None:
    populate(
        store,  # type: ignore[arg-type]
        [Host(region_id="r", name="h", variables=Variables({"a": "x=y"}))],
    )
    for where in (Exists(("variables", name)), Prefix(("variables", name), "")):
        assert store._pushdown(Host, where)[1] == EVERYTHING
        assert store.count(Host, where) == 0
        assert store.count(Host, Not(where)) == 1


def test_a_list_of_thousands_is_still_answered_by_mongodb(store: MongoDriver) -> None:
    many = In(("id",), tuple(str(number) for number in range(MAX_VALUES)))
    assert store._pushdown(Host, many) == (many, EVERYTHING)
    too_many = In(("id",), (*many.values, "more"))
    assert store._pushdown(Host, too_many) == (EVERYTHING, too_many)
    too_long = Compare(("name",), Operator.EQ, "x" * (MAX_LENGTH + 1))
    assert store._pushdown(Host, too_long) == (EVERYTHING, too_long)


@pytest.mark.parametrize("depth", [15, 19, 20, 21, 22, 300])
def test_a_deep_predicate_has_the_same_answer(store: MongoDriver, depth: int) -> None:
    populate(
        store,  # type: ignore[arg-type]
        [
            Host(region_id="r", name="has", variables=Variables({"a": 7})),
            Host(region_id="r", name="lacks"),
        ],
    )
    where: Predicate = Exists(("variables", "a"))
    for _ in range(depth):
        where = Not(where)
    for whole in (where, AllOf(where, Exists(("name",)), Compare(("active",), Operator.EQ, True))):
        found = names_of(store.scan(Host, Query(where=whole)))
        assert found == ["lacks" if depth % 2 else "has"]


@pytest.mark.parametrize(
    ("where", "index"),
    [
        (IN_REGION, ""),
        (AllOf(IN_REGION, Compare(("name",), Operator.EQ, "h3")), "unique_region_id_name"),
        (
            AllOf(IN_REGION, Compare(("ip_address",), Operator.EQ, "192.0.2.1")),
            "by_region_id_ip_address_name",
        ),
        (
            AllOf(IN_REGION, In(("asset_id",), ("a3", "a4"))),
            "by_region_id_asset_id_name",
        ),
        (AllOf(IN_REGION, Overlaps(("groups",), ("1",))), "by_region_id_groups"),
        (
            AllOf(IN_REGION, Compare(("variables", "a"), Operator.EQ, 3)),
            "by_region_id_tokens",
        ),
        (
            AllOf(IN_REGION, In(("variables", "a"), (3, "x" * 5000))),
            "by_region_id_tokens",
        ),
        (Compare(("id",), Operator.EQ, "id3"), "_id_"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value)[:80],
)
def test_a_filter_is_answered_by_an_index(
    driver: MongoDriver, database: Database[dict[str, Any]], where: Predicate, index: str
) -> None:
    driver.create(Tenant(id="t", name="t"))
    driver.create(Region(id="r", tenant_id="t", name="r"))
    driver.apply(
        [
            Create(entity=Group(id="1", region_id="r", name="g1")),
            *(
                Create(
                    entity=Host(
                        id=f"id{number}",
                        region_id="r",
                        name=f"h{number}",
                        asset_id=f"a{number}",
                        groups=("1",) if number == 3 else (),
                        variables=Variables({"a": number}),
                    )
                )
                for number in range(50)
            ),
        ]
    )
    translator = Translator(Host)
    filter = both(*(translator.translate(part).filter for part in _parts(where)))
    plan = database["hosts"].find(filter, ENTITY, sort=[("name", 1)]).explain()
    used = list(_stages(plan["queryPlanner"]["winningPlan"]))
    assert not any(stage["stage"] == "COLLSCAN" for stage in used)
    names = [stage["indexName"] for stage in used if "indexName" in stage]
    assert len(names) == 1
    assert index in ("", names[0])


def _parts(where: Predicate) -> tuple[Predicate, ...]:
    return where.predicates if isinstance(where, AllOf) else (where,)


def _stages(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in (plan.get("inputStage"), *plan.get("inputStages", ()), plan.get("queryPlan")):
        if inner:
            yield from _stages(inner)
