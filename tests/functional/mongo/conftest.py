"""A MongoDB store of its own for each test, and servers that a test may stop, pause and kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from craton.backends.mongo.driver import MongoDriver
from tests import backends
from tests.services import mongo


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The directory that stands for the store."""
    return tmp_path / "state"


@pytest.fixture
def driver(state: Path) -> Iterator[MongoDriver]:
    """An open driver on an empty store."""
    with backends.opened("mongo", state) as driver:
        assert isinstance(driver, MongoDriver)
        yield driver


@pytest.fixture
def database(driver: MongoDriver) -> Iterator[Database[dict[str, Any]]]:
    """What is behind the driver."""
    options = driver.settings.mongo
    with mongo.client(options.uri) as client:
        yield client[options.database]
