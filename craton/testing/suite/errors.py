"""ERROR: what leaves a driver when something is wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from craton.driver import InventoryDriver
from craton.errors import CratonError, InvalidValue, ReadOnly, Unavailable, Unsupported
from craton.models import INVENTORY_KINDS, Entity, Host, Region, Tenant
from craton.query import Compare, Exists, In, Operator, Overlaps, Predicate, Prefix, Query
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet
from craton.variables import Variables

#: How long a store that is away may keep its caller waiting, in seconds.
_PATIENCE = 10

_DEEP: Any = []
for _ in range(50):
    _DEEP = [_DEEP]

#: What no store has a type for, or takes for something else.
_STRANGE: tuple[Any, ...] = (
    *(2**70, -(2**70), 10**400, 1e308, 5e-324, True, None, "", "\0", "\ud800", "\U0010ffff"),
    *("x" * 70_000, "' OR 1=1 --", datetime(1, 1, 1, tzinfo=UTC), _DEEP, {"$gt": ""}, {"": {}}),
)


class ErrorClauses(Suite):
    """Errors, and what they must not say."""

    @clause("ERROR-1")
    @pytest.mark.parametrize("field", ["name", "ssh_port", "active", "created_at", "variables"])
    def test_error_1_no_question_is_too_strange(self, fleet: Fleet, field: str) -> None:
        host = fleet.given(fleet.host("h", ssh_port=1, variables=Variables({"v": 1, "w": "x"})))
        for value in _STRANGE:
            for where in _questions(field, value):
                try:
                    found = list(fleet.driver.scan(Host, Query(where=where)))
                except CratonError as error:
                    pytest.fail(f"{where!r} has an answer, but ended in {error!r}")
                assert found == [host] * where.matches(host), where

    @clause("ERROR-1", writes=(Host,))
    def test_error_1_errors_carry_their_facts(self, fleet: Fleet) -> None:
        with pytest.raises(InvalidValue) as caught:
            fleet.driver.create(fleet.host("h", ssh_port=0))
        assert caught.value.fields["field"] == "ssh_port"
        assert caught.value.code == "invalid_value"
        assert str(caught.value)

    @clause("ERROR-1", outage=True)
    def test_error_1_an_error_never_repeats_a_vendors_words(self, fleet: Fleet) -> None:
        with fleet.outage(), pytest.raises(Unavailable) as caught:
            fleet.driver.ping()
        cause = caught.value.__cause__
        assert cause is not None, "the cause is lost: raise ... from the vendor's error"
        assert not isinstance(cause, CratonError)
        words = str(cause).strip()
        assert not words or words not in str(caught.value)

    @clause("ERROR-2", outage=True)
    def test_error_2_a_store_that_is_away_is_unavailable(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h"))
        driver = fleet.driver
        with fleet.outage():
            outcomes = _at_once(
                driver.ping,
                lambda: driver.get(Host, host.id),
                lambda: driver.find(Host, Query()),
                lambda: list(driver.scan(Host)),
                lambda: driver.digest(Host),
            )
        for error in outcomes:
            assert isinstance(error, Unavailable), error
            assert error.retry_after > 0
        assert driver.get(Host, host.id) == host

    @clause("ERROR-2", writes=(Host,), outage=True)
    def test_error_2_a_write_that_is_unavailable_wrote_nothing(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h"))
        driver = fleet.driver
        with fleet.outage():
            outcomes = _at_once(
                lambda: driver.create(fleet.host("new")),
                lambda: driver.replace(host),
                lambda: driver.delete(Host, host.id),
            )
        for error in outcomes:
            if isinstance(error, Unsupported | ReadOnly):
                raise error
            assert isinstance(error, Unavailable), error
        assert list(driver.scan(Host)) == [host]
        driver.create(fleet.host("after"))

    @clause("ERROR-3")
    @pytest.mark.parametrize("kind", INVENTORY_KINDS)
    def test_error_3_what_is_claimed_decides_what_is_written(
        self, fleet: Fleet, kind: type[Entity]
    ) -> None:
        """Both directions in one: the claim is what this clause is about."""
        entity = _new(fleet, kind)
        stored = fleet.given(entity)
        claimed = not _missing(fleet.driver, kind)
        before = fleet.everything()
        attempts: tuple[Callable[[], object], ...] = (
            lambda: fleet.driver.create(_new(fleet, kind, "new")),
            lambda: fleet.driver.replace(stored),
            lambda: fleet.driver.delete(kind, stored.id),
        )
        for attempt in attempts:
            if claimed:
                attempt()
                continue
            if attempt is attempts[1] and kind in fleet.driver.capabilities.amendable:
                # Nothing of the owner's is changed by it.
                attempt()
                before = fleet.everything()
                continue
            with pytest.raises((Unsupported, ReadOnly)) as caught:
                attempt()
            refusal = caught.value
            if isinstance(refusal, ReadOnly):
                assert refusal.owner
            elif isinstance(refusal, Unsupported):
                assert refusal.capability == _missing(fleet.driver, kind)
            assert fleet.everything() == before


def _missing(driver: InventoryDriver, kind: type[Entity]) -> str:
    """Return the word for what a driver does not claim, empty if it writes the kind."""
    try:
        driver.capabilities.require_writable(kind)
    except Unsupported as error:
        return error.capability
    return ""


def _new(fleet: Fleet, kind: type[Entity], name: str = "x") -> Entity:
    if kind is Tenant:
        return Tenant(name=name)
    if kind is Region:
        return Region(tenant_id=fleet.tenant.id, name=name)
    return fleet.host(name) if kind is Host else fleet.group(name)


def _questions(field: str, value: Any) -> list[Predicate]:
    inside = field == "variables"
    path = (field, "v") if inside else (field,)
    questions: list[Predicate] = [
        *(Compare(path, operator, value) for operator in Operator),
        In(path, (value, 1, "h")),
        Exists((*path, str(value)[:300]) if inside else path),
    ]
    if isinstance(value, str):
        questions += [Prefix(path, value), Overlaps(("groups",), (value,))]
    return questions


def _at_once(*actions: Callable[[], object]) -> list[BaseException | None]:
    """Do things in a thread each, and return the error of each; none may take too long."""
    outcomes: list[BaseException | None] = [TimeoutError("no answer within ten seconds")]
    outcomes *= len(actions)

    def run(number: int) -> None:
        try:
            actions[number]()
        except BaseException as error:
            outcomes[number] = error
        else:
            outcomes[number] = None

    threads = [
        threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(actions))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_PATIENCE)
    return outcomes
