"""Query parameters, read strictly."""

from __future__ import annotations

from typing import Any

import pytest

from craton.api.parameters import Parameter, choice, column, flag, number, read, split
from craton.errors import InvalidQuery
from craton.fields import Flag, Integer, Text, check_ip_address

PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        flag("on", ""),
        number("count", "", minimum=0, maximum=20, default=7),
        choice("way", "", ("up", "down"), "up"),
        Parameter(name="free", help=""),
        column("address", Text(help="", max_length=64, rule=check_ip_address)),
        column("port", Integer(help="", minimum=1, maximum=9)),
        column("active", Flag(help="")),
    )
}


def values(query: str) -> dict[str, Any]:
    return read(PARAMETERS, split(query))


def refused(query: str) -> object:
    with pytest.raises(InvalidQuery) as caught:
        values(query)
    return caught.value.fields["parameter"]


def test_what_is_missing_has_its_default() -> None:
    assert values("") == {"on": False, "count": 7, "way": "up", "free": None}


def test_values_are_read() -> None:
    assert values("on=true&count=0&way=down&free=a+b%2B&port=1&port=2&active=false") == {
        "on": True,
        "count": 0,
        "way": "down",
        "free": "a b+",
        "port": [1, 2],
        "active": [False],
    }


@pytest.mark.parametrize("query", ["a=%2B+%26%3D", "a=%C3%A9&b=", "a=x=y", "", "&", "a=1&&b=2"])
def test_queries_are_taken_apart_as_the_standard_library_does(query: str) -> None:
    from urllib.parse import parse_qsl

    assert split(query) == parse_qsl(query, keep_blank_values=True)


@pytest.mark.parametrize(
    "query",
    ["on=1", "on=", "on=TRUE", "on=true&on=true", "count=21", "count=-1", "count=+1", "count=1_0",
     "count= 1", "count=²", "count=1.0", "way=left", "way=", "free=%", "free=%0g", "free=%80",
     "free", "free=1&free=2", "address=10.0.0.01", "address=::0", "address=", "port=0", "port=x",
     "port=1&port=10", "active=yes", "other=1", "On=true"],
)  # fmt: skip
def test_what_is_malformed_names_itself(query: str) -> None:
    assert refused(query) == query.split("=")[0]


def test_a_number_of_any_length_is_no_trouble() -> None:
    assert refused("count=" + "9" * 10_000) == "count"
