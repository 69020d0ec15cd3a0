"""Variables are an immutable mapping whose text is the same however they were made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from craton.errors import InvalidValue
from craton.variables import Variables
from tests.unit.test_jsontext import VALUES

NAMES = st.from_regex(r"\A[a-z_][a-z0-9]{0,5}\Z").filter(lambda name: name != "not")
MAPPINGS = st.dictionaries(NAMES, VALUES)


@given(MAPPINGS)
def test_text_members_and_values_are_three_forms_of_one_thing(values: dict[str, object]) -> None:
    made = Variables(values)
    for other in (
        Variables.from_text(made.text),
        Variables.from_members(dict(reversed(list(made.members().items())))),
        Variables(dict(reversed(values.items()))),
        Variables(made),
    ):
        assert other == made
        assert other.text == made.text
        assert hash(other) == hash(made)
        assert dict(other.members()) == dict(made.members())
        assert repr(other.decode()) == repr(made.decode())
    assert list(made) == sorted(values)
    assert {name: repr(value) for name, value in made.items()} == {
        name: repr(value) for name, value in values.items()
    }
    assert bool(made) == bool(values) == bool(Variables.from_text(made.text))


def test_values_that_were_given_out_change_nothing() -> None:
    values = {"a": [1]}
    made = Variables(values)
    values["a"].append(2)
    made["a"].append(3)  # type: ignore[union-attr]
    made.decode()["a"] = 4
    assert made.text == '{"a":[1]}'


def test_merged_and_without_make_new_ones() -> None:
    made = Variables({"a": 1, "b": 2})
    assert made.merged({"b": 3, "c": 4}).text == '{"a":1,"b":3,"c":4}'
    assert made.without("a", "x").text == '{"b":2}'
    assert made.text == '{"a":1,"b":2}'


def test_types_do_not_mix() -> None:
    assert Variables({"a": 1}) != Variables({"a": 1.0})
    assert Variables({"a": {"x": 1, "y": 2}}) != Variables({"a": {"y": 2, "x": 1}})
    assert Variables({"a": 1}) != {"a": 1}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1a",
        "a-b",
        "a.b",
        "é",
        "a ",
        "a\n",
        "groups",
        "omit",
        "inventory_dir",
        "True",
        "not",
        "__ansible_x",
        "ansible_group_priority",
        "x" * 251,
    ],
)
def test_a_name_that_ansible_would_lose_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        Variables({name: 1})
    assert caught.value.field == f"variables.{name}"


@pytest.mark.parametrize("name", ["tags", "port", "q", "ansible_host", "_", "x" * 250])
def test_other_names_are_taken(name: str) -> None:
    assert Variables({name: 1})[name] == 1


def test_a_name_that_is_no_string_is_refused() -> None:
    with pytest.raises(InvalidValue):
        Variables({1: 1})  # type: ignore[dict-item]
