from __future__ import annotations

import pytest

from tests.unit.bundles.fleets import Fleet


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()
