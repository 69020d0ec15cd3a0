"""JSON is read strictly, written in one form, and compared without mixing types."""

from __future__ import annotations

import json
import math
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from craton import jsontext
from craton.errors import InvalidValue

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**63 - 2, max_value=2**66)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])).filter(
                lambda key: not key.startswith("__ansible")
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_encoded_is_read_back_with_its_types(value: object) -> None:
    text = jsontext.encode(value)
    assert repr(jsontext.loads(text)) == repr(value)
    assert repr(jsontext.decode(text.encode())) == repr(value)


@given(VALUES, VALUES)
def test_equal_is_equality_of_json_values(left: object, right: object) -> None:
    def form(value: object) -> str:
        return json.dumps(value, sort_keys=True)

    assert jsontext.equal(left, right) == (form(left) == form(right))
    assert jsontext.equal(left, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [(1, 1.0), (1, "1"), (1, True), (0, False), (None, False), ([], {}), (0.0, -0.0), ([1], [1.0])],
)
def test_types_never_mix(left: object, right: object) -> None:
    assert not jsontext.equal(left, right)


def test_the_order_of_keys_is_kept_but_does_not_count() -> None:
    assert jsontext.encode({"b": 1, "a": 2}) == '{"b":1,"a":2}'
    assert jsontext.equal({"b": {"y": 1, "x": 2}}, {"b": {"x": 2, "y": 1}})
    assert not jsontext.equal([1, 2], [2, 1])


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        (b"", "must be JSON"),
        (b"{", "must be JSON"),
        (b"{} {}", "must be JSON"),
        (b"{'a': 1}", "must be JSON"),
        (b"\xef\xbb\xbf{}", "byte-order mark"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "repeat the key 'c'"),
        (b"NaN", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"-Infinity", "-Infinity"),
        (b"1e999", "too large"),
        (b"1" * 4301, "more than 4300 digits"),
        (b"[" * 100_000, "nest"),
        (b'{"a":' * 100_000, "nest"),
        (b'"\x01"', "must be JSON"),
    ],
)
def test_what_is_not_json_is_refused_by_its_rule(document: bytes, rule: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        jsontext.decode(document)
    assert rule in caught.value.rule
    assert caught.value.field == "body"


def nested(levels: int, value: object = 1) -> object:
    for level in range(levels):
        value = [value] if level % 2 else {"k": value}
    return value


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (math.nan, "finite"),
        (math.inf, "finite"),
        ("a\0b", "NUL"),
        ("\ud800", "surrogate"),
        ({"\udfff": 1}, "surrogate"),
        ({"a\0": 1}, "NUL"),
        ({1: 2}, "strings as keys"),
        (10**4300, "4300 digits"),
        (nested(65), "64 levels"),
        ({1, 2}, "JSON value"),
        (b"x", "JSON value"),
        ({"__ansible_unsafe": "x"}, "__ansible"),
        ({"__ansible_type": "x"}, "__ansible"),
        ({"__ansible_vault": "x"}, "vault"),
        ({"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n61", "a": 1}, "vault"),
        ({"__ansible_vault": 1}, "vault"),
    ],
    ids=count(),
)
def test_what_ansible_would_not_read_back_is_refused(value: object, rule: str) -> None:
    for place in (value, [value], {"k": [value]}):
        with pytest.raises(InvalidValue, match="v"):
            jsontext.encode(place, "v")
    with pytest.raises(InvalidValue) as caught:
        jsontext.encode(value, "v")
    assert rule in caught.value.rule


def test_limits_are_inclusive() -> None:
    jsontext.encode(nested(64))
    jsontext.encode(10**4299)
    jsontext.encode({"v": {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n61"}})


def test_an_error_names_the_place() -> None:
    with pytest.raises(InvalidValue) as caught:
        jsontext.encode({"a": [1, {"b": math.nan}]}, "variables.x")
    assert caught.value.field == "variables.x.a.1.b"
