"""What keeps projects apart on the memory driver does so on the others, in the same words.

Paths are looked up by the API; that an id in a body is of the region is the drivers' affair.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from craton.driver import InventoryDriver
from tests import backends
from tests.functional.access import matrix, probes
from tests.functional.access.worlds import World

#: Who may use most routes, and so gets furthest.
ADMIN = "admin of p-own"


@pytest.mark.parametrize(
    "backend", [name for name in backends.BACKENDS if name != "memory"], indirect=True
)
def test_nothing_is_given_away(driver: InventoryDriver, tmp_path: Path) -> None:
    world = World(tmp_path, driver)
    assert list(matrix.sight(world, matrix.ALL_EXAMPLES, [ADMIN])) == []
    assert list(probes.leaks(world, names=[ADMIN])) == []
