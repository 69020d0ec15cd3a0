"""A CMDB that is away, silent, or cut off in the middle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import islice

import pytest

from craton.cmdb import CmdbAdapter, End, Item
from craton.errors import Unavailable
from craton.testing.adapters.harness import AdapterHarness, Trouble
from craton.testing.adapters.mirror import Mirror
from craton.testing.adapters.promises import clause
from craton.testing.adapters.suite.base import Cmdb, Suite, machine

_NO_ANSWER = [trouble for trouble in Trouble if trouble is not Trouble.CUT]


class TroubleClauses(Suite):
    """ADAPTER-10 and ADAPTER-11."""

    @clause("ADAPTER-10")
    @pytest.mark.parametrize("trouble", _NO_ANSWER, ids=lambda trouble: trouble.value)
    def test_adapter_10_no_answer_is_unavailable(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb, trouble: Trouble
    ) -> None:
        self._is_unavailable(harness, adapter, cmdb, trouble)

    @clause("ADAPTER-10")
    @pytest.mark.parametrize("trouble", Trouble, ids=lambda trouble: trouble.value)
    def test_adapter_10_trouble_in_mid_stream_is_unavailable_unless_all_was_there(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb, trouble: Trouble
    ) -> None:
        cmdb.fill(harness.many)
        stream = adapter.changes(None)
        items: list[Item] = list(islice(stream, 2))
        with harness.trouble(trouble):
            outcome = within(harness.patience, lambda: items.extend(stream))
        if outcome is None:
            mirror = Mirror()
            mirror.take(items)
            assert cmdb.is_in(mirror)
        else:
            _check(outcome)
        assert isinstance(items[-1], End) == (outcome is None)

    @clause("ADAPTER-11")
    def test_adapter_11_an_answer_that_is_cut_off_has_no_end(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        self._is_unavailable(harness, adapter, cmdb, Trouble.CUT)

    def _is_unavailable(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb, trouble: Trouble
    ) -> None:
        cmdb.fill(30)
        mirror = Mirror()
        mirror.follow(adapter)
        cmdb.put(machine(31), machine(2, version=1))
        cmdb.remove("m4")
        for since in (None, mirror.token):
            items: list[Item] = []
            with harness.trouble(trouble):
                outcome = within(
                    harness.patience,
                    lambda items=items, since=since: items.extend(adapter.changes(since)),  # type: ignore[misc]
                )
            assert not any(isinstance(item, End) for item in items), "it ended as if it were whole"
            _check(outcome)
        mirror.follow(adapter)
        assert cmdb.is_in(mirror)


def within(seconds: float, action: Callable[[], object]) -> BaseException | None:
    """Do something in a thread, and return its error; ``TimeoutError`` if it takes too long."""
    outcome: list[BaseException | None] = [TimeoutError(f"no answer within {seconds} seconds")]

    def run() -> None:
        try:
            action()
        except BaseException as error:
            outcome[0] = error
        else:
            outcome[0] = None

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome[0]


def _check(outcome: BaseException | None) -> None:
    if not isinstance(outcome, Unavailable):
        raise AssertionError(f"it must be Unavailable, and is {outcome!r}") from outcome
    assert outcome.retry_after > 0
