"""Whatever JSON holds comes back as it was, and what cannot be stored is refused before it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pymongo.database import Database

from craton.backends.mongo.documents import MAX_BYTES, document_of, encoded
from craton.backends.mongo.driver import MongoDriver
from craton.driver import Create
from craton.errors import InvalidValue
from craton.models import Host, Region, Tenant
from craton.query import Compare, Operator, Query
from craton.variables import Variables

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("mongo")]

VALUES: list[Any] = [
    {"a.b": 1, "$set": {"$gt": ""}, "": {"": ""}, "$": 1, ".": 2, "_id": 3},
    *(0, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**4000),
    *(1.0, -0.0, 0.1, 1e308, 5e-324, 1e16),
    *(True, False, None, "", "\ud7ff\U0001f600", "\x01\x7f\u2028", "x" * 70_000),
    *([], {}, [[], {}, [None]], {"z": 1, "a": {"y": 1, "b": 2}}),
    {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n3132\n"},
    {"$oid": "507f1f77bcf86cd799439011"},
    {"$numberLong": "1", "$date": 0},
]


@pytest.fixture(autouse=True)
def region(driver: MongoDriver) -> None:
    driver.create(Tenant(id="t", name="t"))
    driver.create(Region(id="r", tenant_id="t", name="r"))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: json.dumps(value)[:30])
def test_a_value_comes_back_as_it_was_and_is_found(driver: MongoDriver, value: Any) -> None:
    variables = Variables({"a": value, "b": [value]})
    host = driver.create(Host(region_id="r", name="h", variables=variables))
    found = driver.get(Host, host.id)
    assert found.variables.text == variables.text
    where = Compare(("variables", "a"), Operator.EQ, value)
    assert [host.id for host in driver.scan(Host, Query(where=where))] == [host.id]


def test_no_value_is_found_for_another_one(driver: MongoDriver) -> None:
    driver.apply(
        Create(entity=Host(region_id="r", name=f"h{number}", variables=Variables({"a": value})))
        for number, value in enumerate(VALUES)
    )
    for number, value in enumerate(VALUES):
        where = Compare(("variables", "a"), Operator.EQ, value)
        assert [host.name for host in driver.scan(Host, Query(where=where))] == [f"h{number}"]


def oversized(name: str, size: int) -> Host:
    """Return a host whose document has this many bytes."""
    host = Host(id=name, region_id="r", name=name, revision="0" * 16)
    plain = len(encoded(document_of(sized(host, 1000)), Host))
    return sized(host, 1000 + size - plain)


def sized(host: Host, length: int) -> Host:
    return Host(
        id=host.id,
        region_id="r",
        name=host.name,
        revision=host.revision,
        variables=Variables({"a": "x" * length}),
    )


def test_a_document_of_the_largest_size_is_stored(driver: MongoDriver) -> None:
    host = driver.create(oversized("h", MAX_BYTES))
    assert driver.get(Host, "h").variables == host.variables
    driver.replace(host)
    with pytest.raises(InvalidValue):
        driver.replace(oversized("h", MAX_BYTES + 1))


def test_a_larger_one_is_refused_before_anything_is_written(
    driver: MongoDriver, database: Database[dict[str, Any]]
) -> None:
    before = driver.create(Host(region_id="r", name="there"))
    large = oversized("h", MAX_BYTES + 1)
    for changes in (
        [Create(entity=Host(region_id="r", name="first")), Create(entity=large)],
        [Create(entity=large)],
    ):
        with pytest.raises(InvalidValue) as caught:
            driver.apply(changes)
        assert caught.value.field == "variables"
        assert "16,777,216" in str(caught.value)
        assert caught.value.change == len(changes) - 1
    with pytest.raises(InvalidValue):
        driver.create(large)
    assert list(driver.scan(Host)) == [before]
    assert database["hosts"].count_documents({}) == 1
