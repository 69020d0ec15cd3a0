"""The world of the tests about access, made once."""

from __future__ import annotations

import pytest

from tests.functional.access.worlds import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two projects on one service; each request leaves the store as it was."""
    return World(tmp_path_factory.mktemp("access"))
