"""Writing to the CMDB, for the few adapters that do."""

from __future__ import annotations

import dataclasses

import pytest

from craton.cmdb import CmdbAdapter
from craton.errors import ReadOnly
from craton.models import INVENTORY_KINDS, Host
from craton.testing.adapters.harness import NotExercised
from craton.testing.adapters.mirror import Mirror
from craton.testing.adapters.promises import clause
from craton.testing.adapters.suite.base import Cmdb, Suite, machine


class WritingClauses(Suite):
    """ADAPTER-16."""

    @clause("ADAPTER-16")
    def test_adapter_16_what_is_not_written_is_read_only(
        self, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        assert adapter.writes <= set(INVENTORY_KINDS)
        cmdb.fill(1)
        mirror = Mirror()
        mirror.follow(adapter)
        for found in mirror.present.values():
            if type(found.entity) not in adapter.writes:
                with pytest.raises(ReadOnly) as caught:
                    adapter.write(found.entity, None)
                assert caught.value.owner
        mirror.follow(adapter)
        assert cmdb.is_in(mirror)

    @clause("ADAPTER-16")
    def test_adapter_16_what_is_written_is_in_the_next_stream(
        self, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        if Host not in adapter.writes:
            raise NotExercised("the adapter does not write hosts")
        cmdb.fill(2)
        mirror = Mirror()
        mirror.follow(adapter)
        before = mirror.host("m1")
        after = dataclasses.replace(before, ip_address=machine(1, version=7).address)
        adapter.write(before, after)
        mirror.follow(adapter)
        assert mirror.host("m1") == after
        assert mirror.host("m0").ip_address == machine(0).address
