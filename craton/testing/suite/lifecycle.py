"""LIFE: making, opening, migrating and closing a driver."""

from __future__ import annotations

import operator

import pytest

from craton.capabilities import Capability
from craton.driver import InventoryDriver
from craton.errors import InvalidValue, SchemaOutdated, Unavailable
from craton.models import Host, Tenant
from craton.query import Query
from craton.testing.harness import Harness
from craton.testing.promises import clause
from craton.testing.suite import resources
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet, in_parallel


class LifecycleClauses(Suite):
    """From nothing to nothing."""

    @clause("LIFE-1")
    def test_life_1_making_a_driver_does_no_input_or_output(self, harness: Harness) -> None:
        driver = harness.load()
        before = resources.held()
        with resources.watched() as seen:
            made = harness.twin(driver)
        assert seen == []
        # What tests before this one have closed may go at any time.
        assert all(map(operator.le, resources.held(), before))
        made.close()
        driver.close()

    @clause("LIFE-1")
    def test_life_1_open_may_only_narrow_what_is_claimed(self, harness: Harness) -> None:
        driver = harness.load()
        made = driver.capabilities
        with driver:
            opened = driver.capabilities
            assert opened.supported <= made.supported
            assert opened.writable <= made.writable

    @clause("LIFE-1")
    def test_life_1_what_is_claimed_does_not_change(self, fleet: Fleet) -> None:
        before = fleet.driver.capabilities
        fleet.given(fleet.host("h"))
        list(fleet.driver.scan(Host))
        fleet.driver.ping()
        assert fleet.driver.capabilities == before

    @clause("LIFE-2")
    def test_life_2_a_second_close_does_nothing(self, fleet: Fleet) -> None:
        fleet.driver.close()
        fleet.driver.close()

    @clause("LIFE-2")
    def test_life_2_a_driver_that_was_never_open_can_be_closed(self, harness: Harness) -> None:
        harness.load().close()

    @clause("LIFE-2")
    def test_life_2_close_lets_go_of_everything(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in "abc")

        def live() -> None:
            with fleet.harness.load() as driver:
                scan = driver.scan(Host)
                next(scan, None)
                assert not in_parallel(lambda: driver.find(Host, Query()))[0]
                scan.close()

        for _ in range(3):
            live()
        before = resources.held()
        for _ in range(12):
            live()
        after = resources.held_below(before[0] + 5, before[1] + 5)
        assert after[0] < before[0] + 5, "files or sockets stay open"
        assert after[1] < before[1] + 5, "threads stay"

    @clause("LIFE-3", Capability.MIGRATIONS)
    def test_life_3_open_never_changes_the_schema(
        self, harness: Harness, driver: InventoryDriver
    ) -> None:
        driver.migrations()
        driver.close()
        migrations = harness.load().migrations()
        latest = migrations.latest()
        assert migrations.current() == latest
        migrations.downgrade("base")
        outdated = harness.load()
        with pytest.raises(SchemaOutdated):
            outdated.open()
        outdated.close()
        assert migrations.current() != latest
        migrations.upgrade()
        migrations.upgrade()
        assert migrations.current() == latest
        with harness.load() as again:
            if Capability.MIRROR in again.capabilities:
                again.sync()
            assert list(again.scan(Tenant)) == []

    @clause("LIFE-3", Capability.MIGRATIONS)
    def test_life_3_migrating_again_changes_nothing(self, fleet: Fleet) -> None:
        migrations = fleet.driver.migrations()
        before = fleet.everything()
        migrations.upgrade()
        migrations.upgrade(migrations.latest())
        assert fleet.everything() == before
        assert migrations.current() == migrations.latest()

    @clause("LIFE-3", Capability.MIGRATIONS)
    def test_life_3_versions_have_names(self, driver: InventoryDriver) -> None:
        migrations = driver.migrations()
        versions = [version for version, _ in migrations.history()]
        assert versions[-1] == migrations.latest()
        assert len(versions) == len(set(versions))
        for move in (migrations.upgrade, migrations.downgrade):
            with pytest.raises(InvalidValue):
                move("no-such-version")
        assert migrations.current() == migrations.latest()

    @clause("LIFE-4")
    def test_life_4_ping_asks_the_store(self, driver: InventoryDriver) -> None:
        driver.ping()
        driver.ping()

    @clause("LIFE-4", outage=True)
    def test_life_4_ping_says_when_the_store_is_away(self, fleet: Fleet) -> None:
        with fleet.outage(), pytest.raises(Unavailable) as caught:
            fleet.driver.ping()
        assert caught.value.retry_after > 0
        fleet.driver.ping()

    @clause("LIFE-5")
    def test_life_5_many_threads_may_read_at_once(self, fleet: Fleet) -> None:
        hosts = fleet.given_all(fleet.host(f"h{number:02}") for number in range(30))

        def read() -> None:
            for host in hosts[::5]:
                assert fleet.driver.get(Host, host.id) == host
            assert list(fleet.driver.scan(Host)) == hosts
            assert fleet.driver.find(Host, Query(limit=5)).items == tuple(hosts[:5])

        assert in_parallel(*[read] * 8) == [None] * 8

    @clause("LIFE-5", writes=(Host,))
    def test_life_5_many_threads_may_write_at_once(self, fleet: Fleet) -> None:
        def write(thread: int) -> None:
            for number in range(4):
                host = fleet.driver.create(fleet.host(f"t{thread}n{number}"))
                fleet.driver.replace(host)
            fleet.driver.delete(Host, host.id)

        outcomes = in_parallel(*(lambda t=thread: write(t) for thread in range(6)))
        assert outcomes == [None] * 6
        expected = {f"t{thread}n{number}" for thread in range(6) for number in range(3)}
        assert fleet.names() == expected

    @clause("LIFE-5")
    def test_life_5_a_scan_may_be_closed_by_another_thread(self, fleet: Fleet) -> None:
        fleet.given_all(fleet.host(name) for name in "abc")
        scan = fleet.driver.scan(Host)
        next(scan)
        assert in_parallel(scan.close) == [None]
        assert fleet.names() == {"a", "b", "c"}
