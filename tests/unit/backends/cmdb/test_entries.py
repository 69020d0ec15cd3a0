"""What is remembered of an object comes back as it was, and is short where there is little."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from craton.backends.cmdb.books import Rejection, State
from craton.backends.cmdb.entries import (
    Entry,
    digest_of,
    entry_name,
    of_document,
    rejection_name,
    to_document,
)
from craton.cmdb import Present
from craton.mirror import Held, Rejected
from craton.models import Group, Host
from craton.variables import Variables

HOST = Host(
    id="h",
    region_id="r",
    name="web",
    groups=("a", "b"),
    ssh_port=22,
    variables=Variables({"big": 10**30, "text": "é\u2028"}),
)


@pytest.mark.parametrize(
    "entry",
    [
        Entry(),
        Entry(live=False, aside={"a": "1.0"}, links={"groups": ("g",)}),
        Entry(
            url="https://cmdb.example/1",
            digest="d",
            own=frozenset("ab"),
            aside={"a": '{"x":1e400}'},
            aside_templated=frozenset("a"),
            flags=frozenset("c"),
        ),
    ],
)
def test_an_entry_comes_back(entry: Entry) -> None:
    assert Entry.of_text(entry.text()) == entry


def test_an_entry_of_an_object_with_nothing_own_is_short() -> None:
    assert Entry(url="u", digest="d").text() == '{"url":"u","digest":"d"}'


@pytest.mark.parametrize("gone", [False, True])
def test_a_rejection_comes_back_with_its_object(gone: bool) -> None:
    told = Rejected(kind="host", id="h", name="web", reason="why", url="u")
    rejection = Rejection(
        told=told, present=None if gone else Present(entity=HOST, url="u"), gone=gone
    )
    assert Rejection.of_text(rejection.text()) == rejection


def test_a_state_comes_back() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 6000, UTC)
    state = State(
        adapter="a",
        token="t",
        synced_at=moment,
        error="e",
        held=(Held(region="r", name="n", hosts=1, of=2),),
        rejected=3,
    )
    assert State.of_text(state.text()) == state
    assert State.of_text(State().text()) == State()


def test_an_entity_comes_back_from_its_document() -> None:
    assert of_document(to_document(HOST)) == HOST


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "other"},
        {"ssh_port": None},
        {"active": False},
        {"groups": ("a",)},
        {"groups": ("ab",)},
        {"variables": Variables({"big": 10**30})},
        {"ssh_user": "22"},
    ],
)
def test_a_digest_changes_with_everything_that_is_said(fields: dict[str, object]) -> None:
    before = digest_of(Present(entity=HOST, url="u"))
    assert digest_of(Present(entity=dataclasses.replace(HOST, **fields), url="u")) != before  # type: ignore[arg-type]
    assert digest_of(Present(entity=HOST, url="v")) != before
    assert digest_of(Present(entity=dataclasses.replace(HOST, revision="x"), url="u")) == before


def test_names_of_records_do_not_meet() -> None:
    names = {name((kind, id)) for name in (entry_name, rejection_name) for kind in (Host, Group)
             for id in ("state", "host", "rejected")}  # fmt: skip
    assert len(names) == 12
    assert len(rejection_name((Host, "x" * 64))) <= 250
