"""What holds of the store in memory alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from craton.errors import NotFound
from craton.runs.memory import MemoryRunStore
from tests.functional.runs.stores.conftest import Clock
from tests.functional.runs.stores.making import START, at, claimed, new_run, rows


def test_what_ended_is_forgotten_after_its_time(clock: Clock) -> None:
    store = MemoryRunStore(max_events=100, keep_days=3, clock=clock)
    store.open()
    ended, going_on = claimed(store), claimed(store)
    clock.now = at(100)
    ended.end()
    clock.now = START + timedelta(days=3)
    store.create(new_run(), rows(1))
    assert store.get(ended.run_id).id == ended.run_id
    clock.now = at(101) + timedelta(days=3)
    store.create(new_run(), rows(1))
    with pytest.raises(NotFound):
        store.get(ended.run_id)
    assert store.get(going_on.run_id).id == going_on.run_id
