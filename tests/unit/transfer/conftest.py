"""Stores in memory, chunks that are small, and an observer that remembers."""

from __future__ import annotations

import pytest

from craton import config
from craton.backends.memory.driver import MemoryDriver
from craton.models import Entity
from craton.transfer import Place, chunks
from tests.fleets import fill


class Silent:
    """An observer that adds up what it is told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int | None]] = []
        self.done = 0

    def begin(self, stage: str, total: int | None) -> None:
        self.stages.append((stage, total))
        self.done = 0

    def at(self, kind: type[Entity], place: Place) -> None:
        pass

    def advance(self, count: int) -> None:
        self.done += count

    def end(self) -> None:
        assert self.stages[-1][1] in (None, self.done)


def store() -> MemoryDriver:
    driver = MemoryDriver(config.settings(files=[]))
    driver.open()
    return driver


@pytest.fixture
def source() -> MemoryDriver:
    driver = store()
    fill(driver)
    return driver


@pytest.fixture
def target() -> MemoryDriver:
    return store()


@pytest.fixture
def observer() -> Silent:
    return Silent()


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "SIZE", 7)
