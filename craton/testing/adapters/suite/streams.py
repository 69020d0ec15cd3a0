"""Streams while the CMDB changes, several of them, and large ones."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest

from craton.cmdb import CmdbAdapter, End, Item
from craton.testing.adapters.harness import AdapterHarness
from craton.testing.adapters.mirror import Mirror
from craton.testing.adapters.promises import clause
from craton.testing.adapters.suite.base import Cmdb, Suite, machine
from craton.testing.adapters.suite.troubles import within
from craton.testing.suite import resources

#: More changes than this are not made while a stream runs: it may see every one of them.
_CHANGES = 40

#: Bytes for each object: room for what tells one from another, not for what is in it.
_EACH = 320


class StreamClauses(Suite):
    """ADAPTER-9, ADAPTER-14 and ADAPTER-15."""

    @clause("ADAPTER-9")
    @pytest.mark.parametrize("full", [True, False], ids=["full", "since"])
    @pytest.mark.parametrize("after", [1, 5, 10])
    def test_adapter_9_a_change_is_in_the_stream_or_in_the_next(
        self, adapter: CmdbAdapter, cmdb: Cmdb, full: bool, after: int
    ) -> None:
        cmdb.fill(8)
        mirror = Mirror()
        mirror.follow(adapter)
        cmdb.put(*(machine(number, version=1) for number in range(8)), machine(8))
        stream = adapter.changes(None if full else mirror.token)
        items: list[Item] = list(islice(stream, after))
        cmdb.put(machine(3, version=2), machine(20))
        cmdb.remove("m0", "m7")
        items += stream
        mirror.take(items)
        mirror.follow(adapter)
        assert cmdb.is_in(mirror)

    @clause("ADAPTER-9")
    def test_adapter_9_changes_all_the_time_neither_end_a_stream_nor_keep_it_going(
        self, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.fill(8)
        mirror = Mirror()
        for round_ in range(3):
            items: list[Item] = []
            for item in adapter.changes(mirror.token):
                items.append(item)
                if len(items) < _CHANGES:
                    cmdb.put(machine(len(items) % 8, version=len(items) + round_))
            assert isinstance(items[-1], End)
            mirror.take(items)
        mirror.follow(adapter)
        assert cmdb.is_in(mirror)

    @clause("ADAPTER-14")
    def test_adapter_14_streams_of_two_adapters_and_many_threads_run_at_once(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.fill(50)
        with harness.load() as other:
            readers = [adapter, other] * 3
            barrier = threading.Barrier(len(readers))

            def read(adapter: CmdbAdapter) -> Mirror:
                mirror = Mirror()
                barrier.wait()
                for _ in range(3):
                    mirror.take(adapter.changes(None))
                mirror.follow(adapter)
                return mirror

            with ThreadPoolExecutor(len(readers)) as pool:
                mirrors = list(pool.map(read, readers))
        for mirror in mirrors:
            assert cmdb.is_in(mirror)

    @clause("ADAPTER-14")
    def test_adapter_14_streams_of_one_thread_do_not_know_of_each_other(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.fill(10)

        def read() -> None:
            first, second, third = (adapter.changes(None) for _ in range(3))
            items = [list(islice(stream, 3)) for stream in (first, second, third)]
            third.close()
            cmdb.put(machine(30))
            late = Mirror()
            late.follow(adapter)
            assert cmdb.is_in(late)
            for seen, stream in zip(items, (first, second), strict=False):
                mirror = Mirror()
                mirror.take([*seen, *stream])
                mirror.follow(adapter)
                assert cmdb.is_in(mirror)

        # One stream may wait for another one for ever.
        outcome = within(harness.patience, read)
        if outcome is not None:
            raise outcome

    @clause("ADAPTER-15")
    def test_adapter_15_a_large_stream_takes_no_more_memory(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        peaks = []
        cmdb.fill(1)
        sum(1 for _ in adapter.changes(None))
        for count in (harness.many, 2 * harness.many):
            cmdb.fill(count)
            with resources.peak() as measured:
                seen = sum(1 for _ in adapter.changes(None))
            assert seen > count
            peaks += measured
        assert peaks[1] - peaks[0] < harness.many * _EACH, "the stream held what it had yielded"
