"""A summary of fixed size tells what differs, or that it cannot."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable

import pytest

from craton.backends.cmdb.nautobot.sketch import SIZE, Element, Sketch, version_of

CHANCE = random.Random(7)


def element(number: int, version: int = 0) -> Element:
    return Element(number % 5, struct.pack(">QQ", 0, number), struct.pack(">Q", version))


def sketch(elements: Iterable[Element]) -> Sketch:
    made = Sketch()
    for one in elements:
        made.add(one)
    return made


def test_equal_sets_do_not_differ_whatever_their_order() -> None:
    elements = [element(number) for number in range(5000)]
    shuffled = CHANCE.sample(elements, len(elements))
    found = sketch(elements).difference(sketch(shuffled))
    assert found is not None
    assert not found.before
    assert not found.after


@pytest.mark.parametrize("changes", [1, 2, 10, 100, 250])
def test_what_came_went_and_changed_is_told(changes: int) -> None:
    before = {element(number) for number in range(10_000)}
    gone = set(CHANCE.sample(sorted(before, key=lambda one: one.id), changes))
    new = {element(number, 1) for number in range(20_000, 20_000 + changes)}
    changed = {Element(one.sort, one.id, struct.pack(">Q", 9)) for one in list(gone)[::2]}
    found = sketch(before).difference(sketch((before - gone) | new | changed))
    assert found is not None
    assert found.before == gone
    assert found.after == new | changed


def test_a_difference_that_is_too_large_is_not_told_at_all() -> None:
    before = sketch(element(number) for number in range(3000))
    assert before.difference(sketch(element(number, 1) for number in range(3000))) is None
    assert before.difference(Sketch()) is None
    assert Sketch().difference(before) is None


def test_bytes_bring_it_back() -> None:
    elements = [element(number) for number in range(300)]
    data = sketch(elements).to_bytes()
    assert len(data) == SIZE
    found = Sketch.of_bytes(data).difference(sketch(elements[1:]))
    assert found is not None
    assert found.before == {elements[0]}


def test_the_version_of_a_state_depends_on_where_its_parts_end() -> None:
    assert version_of(b"ab", b"c") != version_of(b"a", b"bc")
    assert version_of(b"ab", b"c") == version_of(b"ab", b"c")
