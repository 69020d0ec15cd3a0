"""An SQL store of its own for each test, made from a template."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from craton.backends.sql.driver import SqlDriver
from tests import backends


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The directory of the store."""
    return tmp_path / "state"


@pytest.fixture
def sql(state: Path, template_of: Callable[[str], Path]) -> Iterator[SqlDriver]:
    """An open driver on an empty store."""
    with backends.opened("sql", state, template_of("sql")) as driver:
        assert isinstance(driver, SqlDriver)
        yield driver
