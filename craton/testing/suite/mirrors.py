"""MIRROR: an inventory that another system owns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from craton.capabilities import Capability
from craton.driver import InventoryDriver, now
from craton.errors import ReadOnly
from craton.models import Host
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet, wait_for_the_clock
from craton.variables import Variables

_changed = dataclasses.replace


class MirrorClauses(Suite):
    """Mirrors. The harness seeds what the other system owns."""

    @clause("MIRROR-1", Capability.MIRROR)
    def test_mirror_1_a_sync_without_news_writes_nothing(self, fleet: Fleet) -> None:
        fleet.given(fleet.host("h", variables=Variables({"theirs": 1})))
        before = fleet.everything()
        for everything in (False, True):
            report = fleet.driver.sync(everything=everything)
            assert (report.changed, report.held) == (0, ())
            assert fleet.everything() == before

    @clause("MIRROR-2", Capability.MIRROR)
    def test_mirror_2_a_sync_makes_it_as_new_as_its_call(self, driver: InventoryDriver) -> None:
        driver.sync()
        for _ in range(2):
            wait_for_the_clock()
            began = now()
            driver.sync()
            status = driver.mirror_status()
            assert status.owner
            assert status.synced_at is not None
            assert status.synced_at >= began
            assert status.error is None
        driver.sync(max_age=3600)
        assert driver.mirror_status().synced_at == status.synced_at

    @clause("MIRROR-3", Capability.MIRROR)
    def test_mirror_3_what_is_owned_is_read_only(self, fleet: Fleet) -> None:
        driver = fleet.driver
        host = fleet.given(fleet.host("h", variables=Variables({"theirs": 1})))
        origin = driver.origins(Host, [host.id, "no-such-host"])[host.id]
        assert origin.variables == {"theirs"}
        before = fleet.everything()
        attempts: tuple[Callable[[], object], ...] = (
            lambda: driver.replace(_changed(host, name="other")),
            lambda: driver.replace(_changed(host, active=False), if_revision=host.revision),
            lambda: driver.replace(_changed(host, variables=Variables({"theirs": 2}))),
            lambda: driver.replace(_changed(host, variables=Variables())),
            lambda: driver.delete(Host, host.id),
        )
        for attempt in attempts:
            with pytest.raises(ReadOnly) as caught:
                attempt()
            assert (caught.value.owner, caught.value.url) == (origin.owner, origin.url)
            assert fleet.everything() == before

    @clause("MIRROR-4", Capability.MIRROR)
    def test_mirror_4_what_craton_adds_survives(self, fleet: Fleet) -> None:
        driver = fleet.driver
        host = fleet.given(fleet.host("h", variables=Variables({"theirs": 1})))
        driver.sync()
        variables = host.variables.merged({"own": "{{ x }}"})
        stored = driver.replace(_changed(host, variables=variables, templated=("own",)))
        assert driver.get(Host, host.id) == stored
        for everything in (False, True):
            driver.sync(everything=everything)
            assert driver.get(Host, host.id) == stored
        assert driver.origins(Host, [host.id])[host.id].variables == {"theirs"}
