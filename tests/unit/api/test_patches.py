"""Merge patches as RFC 7396 has them."""

from __future__ import annotations

from typing import Any

import pytest

from craton.api.patches import merged, merged_variables, patched, with_variables
from craton.errors import InvalidValue
from craton.jsontext import MAX_DEPTH, JsonValue
from craton.models import Host
from craton.variables import Variables

#: Appendix A of RFC 7396: target, patch, result.
EXAMPLES = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), EXAMPLES)
def test_the_examples_of_the_rfc_hold(
    target: JsonValue, patch: JsonValue, result: JsonValue
) -> None:
    assert merged(target, patch) == result


def test_a_patch_changes_neither_target_nor_itself() -> None:
    target: JsonValue = {"a": {"b": 1}}
    patch: JsonValue = {"a": {"c": {"d": 1}}}
    result: Any = merged(target, patch)
    result["a"]["c"]["d"] = 2
    assert (target, patch) == ({"a": {"b": 1}}, {"a": {"c": {"d": 1}}})


def test_a_patch_cannot_nest_deeper_than_a_value() -> None:
    patch: JsonValue = 1
    for _ in range(MAX_DEPTH):
        patch = {"a": patch}
    merged({}, patch)
    with pytest.raises(InvalidValue):
        merged({}, {"a": patch})


def test_variables_that_a_patch_does_not_name_keep_their_text() -> None:
    variables = Variables({"a": 1.0, "b": {"z": 1, "a": 2}, "c": 1})
    after = merged_variables(variables, {"c": None, "d": [None]})
    assert after.text == '{"a":1.0,"b":{"z":1,"a":2},"d":[null]}'


def test_flags_go_with_variables() -> None:
    host = Host(region_id="r", name="h", variables=Variables({"a": 1}), templated=("a",))
    assert with_variables(host, Variables({"a": 2, "b": 1})).templated == ("a",)
    assert with_variables(host, Variables({"b": 1})).templated == ()


def test_a_patch_leaves_what_craton_sets() -> None:
    host = Host(region_id="r", name="h", id="i", revision="v")
    after = patched(host, {"name": "n", "revision": "mine", "updated_at": "never"})
    assert (after.name, after.revision, after.updated_at) == ("n", "v", host.updated_at)
