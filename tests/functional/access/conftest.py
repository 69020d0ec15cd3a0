"""The world of the tests about access, made once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from craton.api.auth import policy
from tests.functional.access.worlds import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two projects on one service; each request leaves the store as it was."""
    with pytest.MonkeyPatch.context() as patch:
        # A rule that a test changes holds for the next request.
        patch.setattr(policy, "_REST", -1.0)
        yield World(tmp_path_factory.mktemp("access"))
