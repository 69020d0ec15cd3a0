"""Whatever JSON can say comes back from YAML, and nothing in a file can be read in two ways."""

from __future__ import annotations

import pytest
import yaml
from craton_driver_directory import yamltext
from hypothesis import given
from hypothesis import strategies as st

from craton.jsontext import JsonValue

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
WORDS = st.sampled_from(
    """on off yes no y n true false null ~ = << 0123 089 1_000 0x1f 0o17 0b1 1e3 .5 1. .inf -0 +1
    12:30:00 2024-01-01
    192.0.2.1 1.2.3 - -- --- ... ? : # a:b a: a#b &a *a !a %a @a `a | > {{x}} [ ] { } " ' \\
    \u0661""".split()
)
LINES = st.lists(st.sampled_from(["", " ", "a", "  b", "\tc", "d ", "# e", "---", "é", "\u0085"]))
STRINGS = st.one_of(
    TEXT, WORDS, LINES.map("\n".join), st.sampled_from(["\u2028", "\ufeff", "\r\n"])
)
NUMBERS = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.just(10**4299)
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, STRINGS),
    lambda inner: st.lists(inner) | st.dictionaries(STRINGS, inner),
    max_leaves=12,
)


@given(st.dictionaries(STRINGS, VALUES, max_size=4))
def test_every_value_comes_back_with_its_type_and_the_order_of_its_keys(
    value: dict[str, JsonValue],
) -> None:
    # The text of a value tells 1 from 1.0, 0.0 from -0.0, and the order of keys.
    assert repr(yamltext.loads(yamltext.dumps(value))) == repr(value)


@given(st.dictionaries(STRINGS, VALUES, max_size=4))
def test_what_is_written_is_written_again_in_the_same_way(value: dict[str, JsonValue]) -> None:
    text = yamltext.dumps(value)
    assert yamltext.dumps(yamltext.loads(text)) == text


@given(st.dictionaries(STRINGS, STRINGS | st.booleans() | st.none(), max_size=4))
def test_a_reader_of_yaml_1_1_reads_the_same(value: dict[str, JsonValue]) -> None:
    assert yaml.safe_load(yamltext.dumps(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a: on",
            "a: y",
            "a: 0123",
            "a: 089",
            "a: 12:30:00",
            "a: 2024-01-01",
            "a: ~",
            "a:",
            "a: =",
        ),
        *("a: 1_000", "a: 0x1f", "a: 0o17", "a: .inf", "a: .5", "a: 1.", "a: True", "<<: {}"),
        *("1: a", "null: a", "[a]: b", "a: 1\na: 2", "a: &x 1\nb: *x", "a: *x", "a: !!str 1"),
        *(
            "a: !x y",
            "",
            "a: 1\n---\nb: 2",
            "a: [",
            "a: b: c",
            "\ta: 1",
            "a: \x01",
            "a: " + "[" * 99,
        ),
        "a: " + "9" * 5000,
    ],
)
def test_what_could_be_read_in_two_ways_or_not_at_all_is_refused(text: str) -> None:
    with pytest.raises(yamltext.InvalidYaml):
        yamltext.loads(text)


def test_an_error_names_the_line() -> None:
    with pytest.raises(yamltext.InvalidYaml, match=r"line 3: .*'on'"):
        yamltext.loads("a: 1\nb:\n  c: on\n")


def test_a_file_is_pleasant_to_read() -> None:
    value = {
        "name": "web1",
        "motd": "Hello.\nBye.\n",
        "ids": [1, 1.5],
        "url": "https://a.b/c",
        "e": {},
    }
    assert yamltext.dumps(value) == (
        "name: web1\nmotd: |\n  Hello.\n  Bye.\nids:\n- 1\n- 1.5\nurl: https://a.b/c\ne: {}\n"
    )
