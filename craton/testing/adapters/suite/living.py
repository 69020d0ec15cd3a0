"""Making, opening and closing an adapter."""

from __future__ import annotations

import time
from collections.abc import Callable

from craton.cmdb import CmdbAdapter
from craton.testing.adapters.harness import AdapterHarness, Trouble
from craton.testing.adapters.promises import clause
from craton.testing.adapters.suite.base import Cmdb, Suite
from craton.testing.suite import resources

#: Seconds that the other side of a connection may take to notice that it was closed.
_SETTLING = 5


class LivingClauses(Suite):
    """ADAPTER-1."""

    @clause("ADAPTER-1")
    def test_adapter_1_making_an_adapter_does_no_input_or_output(
        self, harness: AdapterHarness
    ) -> None:
        settings = harness.load().settings
        before = resources.held()
        with resources.watched() as seen:
            made = harness.adapter(settings)
        assert seen == []
        assert resources.held() == before
        made.close()

    @clause("ADAPTER-1")
    def test_adapter_1_opening_makes_no_round_trip(self, harness: AdapterHarness) -> None:
        adapter = harness.load()
        with resources.watched() as seen, adapter:
            pass
        assert [event for event in seen if event.startswith("socket.connect")] == []

    @clause("ADAPTER-1")
    def test_adapter_1_opening_succeeds_while_the_cmdb_is_away(
        self, harness: AdapterHarness, cmdb: Cmdb
    ) -> None:
        cmdb.fill(2)
        with harness.trouble(Trouble.AWAY):
            adapter = harness.load()
            adapter.open()
        assert list(adapter.changes(None))
        adapter.close()

    @clause("ADAPTER-1")
    def test_adapter_1_a_second_close_does_nothing_and_the_first_needs_no_open(
        self, harness: AdapterHarness, adapter: CmdbAdapter
    ) -> None:
        list(adapter.changes(None))
        adapter.close()
        adapter.close()
        harness.load().close()

    @clause("ADAPTER-1")
    def test_adapter_1_closing_lets_go_of_everything(
        self, harness: AdapterHarness, cmdb: Cmdb
    ) -> None:
        cmdb.fill(5)

        def live() -> None:
            with harness.load() as adapter:
                list(adapter.changes(None))
                early = adapter.changes(None)
                next(early)
                early.close()

        _nothing_stays(live, harness.patience)

    @clause("ADAPTER-1")
    def test_adapter_1_a_closed_stream_lets_go_of_everything(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.fill(5)

        def begin() -> None:
            stream = adapter.changes(None)
            next(stream)
            stream.close()

        _nothing_stays(begin, harness.patience)


def _nothing_stays(action: Callable[[], None], patience: float) -> None:
    for _ in range(3):
        action()
    files, threads = resources.held()
    for _ in range(12):
        action()
    deadline = time.monotonic() + min(_SETTLING, patience)
    while True:
        held = resources.held()
        if held[0] < files + 5 and held[1] < threads + 5:
            return
        assert time.monotonic() < deadline, f"{held} files and threads stay, of {files, threads}"
        time.sleep(0.05)
