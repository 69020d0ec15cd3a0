"""The mongo driver keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from oslo_config import cfg

from craton import config, loader
from craton.testing import DriverSuite, Harness
from tests.services import mongo
from tests.services.mongo import Mongo
from tests.services.process import Process


class MongoHarness(Harness):
    """A database of its own, mostly on a server that can be paused."""

    no_outage = "the server is not ours"

    def __init__(self, directory: Path, server: Mongo, database: str) -> None:
        self.server, self.database = server, database
        self.file = directory / "craton.conf"
        self.file.write_text(
            "[inventory]\ndriver = mongo\n"
            # Longer than in production: a batch of a thousand changes is one round trip.
            f"[mongo]\nuri = {server.uri}\ndatabase = {database}\ntimeout = 8\n"
        )

    def settings(self) -> cfg.ConfigOpts:
        return config.settings(files=[str(self.file)])

    def reset(self) -> None:
        loader.load(self.settings()).migrations().upgrade()
        self.server.empty(self.database)

    def outage(self) -> AbstractContextManager[None] | None:
        """Let the server stand still: it takes connections, and never answers."""
        return None if self.server.process is None else self._paused(self.server.process)

    @contextmanager
    def _paused(self, process: Process) -> Iterator[None]:
        process.pause()
        try:
            yield
        finally:
            process.resume()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongo]:
    with mongo.given(tmp_path_factory.mktemp("mongo")) as server:
        yield server


@pytest.fixture(scope="module")
def database(server: Mongo) -> Iterator[str]:
    with server.database() as name:
        yield name


@pytest.mark.service
@pytest.mark.xdist_group("mongo-kit")
class TestMongo(DriverSuite):
    @pytest.fixture
    def harness(self, tmp_path: Path, server: Mongo, database: str) -> Harness:
        return MongoHarness(tmp_path, server, database)
