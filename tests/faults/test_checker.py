"""The checker finds what it is there to find, and nothing in a driver that is right."""

from __future__ import annotations

import re
import time

import pytest

from craton import config
from craton.backends.memory.driver import MemoryDriver
from craton.models import Host, Region, Tenant
from tests.faults.chains import Log, Outcome, Read, Write, violations
from tests.faults.load import Results, replacing, running
from tests.faults.planted import Forgetful, Lagging, ReadThenWrite, Resurrecting
from tests.faults.stores import DriverStore


def found_in(driver_class: type[MemoryDriver]) -> list[str]:
    """Put a driver under load, and return what the checker finds."""
    with driver_class(config.settings(files=[])) as driver:
        tenant = driver.create(Tenant(name="t"))
        region = driver.create(Region(tenant_id=tenant.id, name="r"))
        made = [driver.create(Host(region_id=region.id, name=f"h{n}")) for n in range(2)]
        hosts, results = {host.id: host.revision for host in made}, Results()
        jobs = [
            replacing(lambda number: DriverStore(driver, region.id), number, list(hosts), results)
            for number in range(8)
        ]
        with running(jobs):
            time.sleep(1)
        assert results.answers["acknowledged"] > 100
        return results.violations(DriverStore(driver, region.id), hosts)


def test_a_driver_that_is_right_passes() -> None:
    assert found_in(MemoryDriver) == []


@pytest.mark.parametrize(
    ("driver_class", "words"),
    [
        (ReadThenWrite, "acknowledged writes replaced"),
        (Forgetful, "no known write|is lost|later write had been"),
        (Resurrecting, "no known write|is lost|later write had been"),
        (Lagging, "later write had been"),
    ],
)
def test_a_planted_fault_is_found(driver_class: type[MemoryDriver], words: str) -> None:
    assert re.search(words, "\n".join(found_in(driver_class)))


def acknowledged(parent: str, revision: str, ended: float = 0.0) -> Write:
    return Write("h", parent, f"w-{revision}", Outcome.ACKNOWLEDGED, revision, ended)


def refused(parent: str, word: str) -> Write:
    return Write("h", parent, word, Outcome.REFUSED)


def unknown(parent: str, word: str) -> Write:
    return Write("h", parent, word, Outcome.UNKNOWN)


def read(revision: str, word: str = "", began: float = 9.0) -> Read:
    return Read("h", revision, word, began)


@pytest.mark.parametrize(
    ("events", "last", "words"),
    [
        ([], read("0"), ""),
        ([acknowledged("0", "1"), acknowledged("1", "2")], read("2"), ""),
        # A write without an answer may be there or not.
        ([unknown("0", "u")], read("0"), ""),
        ([unknown("0", "u")], read("1", "u"), ""),
        ([unknown("0", "u"), read("1", "u", 0.0), acknowledged("1", "2", 1.0)], read("2"), ""),
        ([acknowledged("0", "1"), acknowledged("0", "2")], read("2"), "2 acknowledged writes"),
        ([acknowledged("0", "1")], read("0"), "is lost"),
        ([acknowledged("0", "1"), acknowledged("1", "2")], read("1"), "is lost"),
        ([refused("0", "r")], read("1", "r"), "was refused, and is there"),
        ([acknowledged("0", "1")], read("7"), "no known write leads to it"),
        (
            [acknowledged("0", "1", ended=1.0), read("0", began=2.0)],
            read("1"),
            "after a later write",
        ),
        ([acknowledged("0", "1", ended=2.0), read("0", began=1.0)], read("1"), ""),
    ],
)
def test_a_history_is_judged(events: list[Write | Read], last: Read, words: str) -> None:
    log = Log()
    for event in events:
        log.add(event)
    found = violations(log, {"h": "0"}, {"h": last})
    assert any(words in line for line in found) if words else found == []
