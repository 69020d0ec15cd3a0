"""Stores in memory, chunks that are small, and an observer that remembers."""

import pytest

from craton import config
from craton.backends.memory.driver import MemoryDriver
from craton.transfer import chunks
from tests.fleets import fill


class Silent:
    """An observer that adds up what it is told."""

    def __init__(self):
        self.stages, self.done = [], 0

    def begin(self, stage, total):
        self.stages.append((stage, total))
        self.done = 0

    def at(self, kind, place):
        pass

    def advance(self, count):
        self.done += count

    def end(self):
        assert self.stages[-1][1] in (None, self.done)


def store():
    driver = MemoryDriver(config.settings(files=[]))
    driver.open()
    return driver


@pytest.fixture
def source():
    driver = store()
    fill(driver)
    return driver


@pytest.fixture
def target():
    return store()


@pytest.fixture
def observer():
    return Silent()


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "SIZE", 7)
