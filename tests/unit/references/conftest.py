"""References that nobody has configured anything for."""

from __future__ import annotations

import pytest

from craton import config
from craton.references import References


@pytest.fixture(scope="session")
def references(tmp_path_factory: pytest.TempPathFactory) -> References:
    return References(config.settings(files=[], state_path=str(tmp_path_factory.mktemp("state"))))
