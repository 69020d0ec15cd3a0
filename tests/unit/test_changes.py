"""What the change log says of states: enough to tell them apart, and no value."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import pytest

from craton.changes import Clock, changed_fields, log_of, place_at, state_digest
from craton.models import KINDS, NEVER, Group, GroupReference, Host, Region, Secret, Tenant
from craton.variables import Variables
from tests.fleets import fill_with_every_kind
from tests.unit.transfer.conftest import store

HOST = Host(id="h", revision="1", region_id="r", name="h", variables=Variables({"a": 1}))
NOON = datetime(2026, 3, 1, 12, 0, 0, 5, UTC)

_changed = dataclasses.replace


@pytest.mark.parametrize(
    "other",
    [
        _changed(HOST, revision="2"),
        _changed(HOST, id="i"),
        _changed(HOST, name="i"),
        _changed(HOST, ssh_port=22),
        _changed(HOST, groups=("g",)),
        _changed(HOST, variables=Variables({"a": 1.0})),
        _changed(HOST, variables=Variables({"a": "1"})),
        _changed(HOST, templated=("a",)),
        Group(id="h", revision="1", region_id="r", name="h", variables=Variables({"a": 1})),
    ],
)
def test_other_states_have_other_digests(other: Host) -> None:
    assert state_digest(other) != state_digest(HOST)


def test_a_digest_is_of_the_state_whenever_it_was_stored() -> None:
    again = _changed(HOST, created_at=NOON, updated_at=NOON)
    assert state_digest(again) == state_digest(HOST)
    assert HOST.created_at == NEVER
    assert len(state_digest(HOST)) == 64


def test_numbers_of_any_size_have_digests() -> None:
    huge = _changed(HOST, variables=Variables({"a": 10**4000}))
    assert state_digest(huge) != state_digest(HOST)


def test_fields_that_differ_are_named_and_variables_one_by_one() -> None:
    after = _changed(
        HOST, revision="2", updated_at=NOON, ssh_port=1, variables=Variables({"b": 1, "c": None})
    )
    assert changed_fields(HOST, after) == ("ssh_port", "variables.a", "variables.b", "variables.c")
    assert changed_fields(after, after) == ()
    assert changed_fields(None, HOST) == ("name", "variables.a")
    turned = _changed(HOST, variables=Variables({"a": 1.0}))
    assert changed_fields(HOST, turned) == ("variables.a",)


def test_a_place_is_not_among_the_fields() -> None:
    secret = Secret(region_id="r", host_id="h", name="s", details=Variables({"subject": "x"}))
    assert changed_fields(None, secret) == ("details.subject", "name")
    reference = GroupReference(region_id="r", group_id="g", name="n", url="https://example.org")
    assert changed_fields(None, reference) == ("name", "url")


@pytest.mark.parametrize(
    ("entity", "log"),
    [
        (Tenant(id="t", name="t"), ("t", "t")),
        (Region(id="r", tenant_id="t", name="r"), ("r", "t")),
        (HOST, ("r", None)),
        (Secret(id="s", region_id="r", host_id="h", name="s"), ("r", None)),
    ],
)
def test_each_has_its_log(entity: Host, log: tuple[str, str | None]) -> None:
    assert log_of(entity) == log


def test_places_are_in_the_order_of_time() -> None:
    moments = [NOON + timedelta(microseconds=n) for n in (-1_000_000, -6, -5, -1, 0, 1, 10**6)]
    places = [place_at(moment) for moment in moments]
    assert places == sorted(set(places))
    assert place_at(NOON) == "2026-03-01T12:00:00.000005"
    assert place_at(NOON.astimezone(timezone(timedelta(hours=5)))) == place_at(NOON)
    record = f"{place_at(NOON)}Z-0"
    assert place_at(NOON) <= record < place_at(NOON + timedelta(microseconds=1))


def test_a_clock_never_gives_the_same_time_twice() -> None:
    clock = Clock()
    moments = [clock.moment() for _ in range(2000)]
    assert moments == sorted(set(moments))
    assert abs(moments[-1] - datetime.now(UTC)) < timedelta(minutes=1)


def test_every_kind_has_a_digest() -> None:
    driver = store()
    fill_with_every_kind(driver)
    digests = {state_digest(entity) for kind in KINDS for entity in driver.scan(kind)}
    assert len(digests) == 2 * len(KINDS)
