"""The same changes have the same outcome as on the reference driver, whatever they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from craton.backends.mongo import store, writer
from craton.driver import InventoryDriver
from craton.models import Group, Host
from tests import backends
from tests.functional.sql.test_like_memory import (
    Step,
    empty,
    group,
    host,
    outcome,
    test_changes_end_as_in_memory,
)

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("mongo")]

__all__ = ["test_changes_end_as_in_memory"]


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[InventoryDriver, InventoryDriver]]:
    state = tmp_path_factory.mktemp("pair")
    with (
        backends.opened("memory", state / "memory") as memory,
        backends.opened("mongo", state / "mongo") as mongo,
    ):
        yield memory, mongo


@pytest.mark.parametrize("size", [1, 2])
def test_the_size_of_a_portion_changes_nothing(
    pair: tuple[InventoryDriver, InventoryDriver], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PORTION", size)
    monkeypatch.setattr(store, "PORTION", size)
    monkeypatch.setattr(store, "VALUES", size)
    batch: list[Step] = [
        group("1", "r1"),
        group("2", "r1", "1"),
        host("1", "r1", "2", "4"),
        host("2", "r1", "1"),
        host("3", "r1", "1", "2"),
        group("4", "r1"),
        ("delete", Group, "1", None, False),
        ("replace", Host(id="3", region_id="r1", name="h2"), None),
    ]
    for count in range(1, len(batch) + 1):
        for driver in pair:
            empty(driver)
        expected, found = (outcome(driver, batch[:count]) for driver in pair)
        assert found == expected
