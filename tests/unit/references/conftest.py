"""References that nobody has configured anything for."""

from __future__ import annotations

from pathlib import Path

import pytest

from craton import config
from craton.references import References


@pytest.fixture
def references(tmp_path: Path) -> References:
    return References(config.settings(files=[], state_path=str(tmp_path)))
