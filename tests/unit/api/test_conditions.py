"""Entity tags, as RFC 9110 writes them."""

from __future__ import annotations

import pytest

from craton.api.conditions import Conditions, Tags
from craton.api.errors import MalformedRequest, PreconditionFailed


@pytest.mark.parametrize(
    ("text", "strong", "every"),
    [
        ('"a"', {"a"}, {"a"}),
        ('"a","b"', {"a", "b"}, {"a", "b"}),
        (' "a" ,\t"b" ', {"a", "b"}, {"a", "b"}),
        ('W/"a"', set(), {"a"}),
        ('W/"a", "b"', {"b"}, {"a", "b"}),
        ('""', {""}, {""}),
        ('"a,b", "c"', {"a,b", "c"}, {"a,b", "c"}),
        ('"W/"', {"W/"}, {"W/"}),
        ("*", None, None),
        (" * ", None, None),
    ],
)
def test_tags_are_read(text: str, strong: set[str] | None, every: set[str] | None) -> None:
    tags = Tags.parse(text, "If-Match")
    assert (tags.strong, tags.every) == (strong, every)


@pytest.mark.parametrize(
    "text",
    ["", "a", '"a', 'a"', "W/a", 'w/"a"', '"a" "b"', '"a",', ',"a"', '"a", *', '"a b"', "**"],
)
def test_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        Tags.parse(text, "If-Match")
    assert caught.value.fields["header"] == "If-Match"


def test_a_long_header_is_read_in_no_time() -> None:
    with pytest.raises(MalformedRequest):
        Tags.parse('"a", ' * 20_000 + "x", "If-Match")
    every = Tags.parse(", ".join(f'"{n}"' for n in range(20_000)), "If-Match").every
    assert every is not None
    assert len(every) == 20_000


def conditions(if_match: str | None = None, if_none_match: str | None = None) -> Conditions:
    return Conditions(_tags(if_match), _tags(if_none_match))


def _tags(text: str | None) -> Tags | None:
    return None if text is None else Tags.parse(text, "")


def test_a_write_insists_on_the_revision_that_was_named() -> None:
    assert conditions().for_write("r") is None
    assert conditions("*").for_write("r") is None
    assert conditions('"x", "r"').for_write("r") == "r"
    assert conditions(if_none_match='"x"').for_write("r") is None


@pytest.mark.parametrize(
    "failing", [('"x"', None), ('W/"r"', None), (None, "*"), (None, 'W/"r"'), ('"r"', '"r"')]
)
def test_a_write_fails_where_a_condition_does(failing: tuple[str | None, str | None]) -> None:
    with pytest.raises(PreconditionFailed):
        conditions(*failing).for_write("r")
