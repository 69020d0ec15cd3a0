"""Where batches are carried out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.functional.runs.execution.playing import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """An empty stage."""
    return Stage(tmp_path)
