"""A MongoDB of the tests' own, or the one that CRATON_TEST_MONGO_URI names.

The own one is SecantusDB, a server that speaks MongoDB's protocol and comes from PyPI.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.services.process import Process, free_port

#: Names a server to use instead of an own one, where a test does not stop or kill it.
VARIABLE = "CRATON_TEST_MONGO_URI"

_PROGRAM = Path(sys.executable).with_name("secantusd-py")


@dataclass(frozen=True)
class Mongo:
    """A server.

    Attributes:
        uri: How to reach it.
        process: The server itself, to pause, kill and start again; none if it is not ours.
    """

    uri: str
    process: Process | None = None

    @property
    def own(self) -> Process:
        """The server, of which it is known that it is ours."""
        assert self.process is not None
        return self.process

    @contextmanager
    def database(self) -> Iterator[str]:
        """Lend the name of a database that does not exist; from a lasting server it is removed."""
        name = f"craton_{uuid.uuid4().hex}"
        try:
            yield name
        finally:
            if self.process is None:
                with client(self.uri) as connection:
                    connection.drop_database(name)

    def empty(self, name: str) -> None:
        """Remove all documents of a database but the version of its schema."""
        with client(self.uri) as connection:
            # Of a process that was killed, a transaction may be left.
            connection.admin.command("killAllSessions", [])
            database = connection[name]
            for collection in database.list_collection_names():
                if collection != "schema":
                    database[collection].delete_many({})


class Databases:
    """Databases at the newest schema on one server, each used again and again.

    Args:
        server: The server.
        prepare: Brings the database of this name to the newest schema.
    """

    def __init__(self, server: Mongo, prepare: Callable[[str], None]) -> None:
        self.server = server
        self._prepare = prepare
        self._free: list[str] = []
        self._names = ExitStack()

    def __enter__(self) -> Databases:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._names.close()

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Lend the name of an empty one."""
        if not self._free:
            name = self._names.enter_context(self.server.database())
            self._prepare(name)
            self._free.append(name)
        name = self._free.pop()
        yield name
        self.server.empty(name)
        self._free.append(name)


def client(uri: str) -> MongoClient[dict[str, Any]]:
    """Make a client for what tests look at behind a driver's back."""
    return MongoClient(uri, timeoutMS=60_000, serverSelectionTimeoutMS=60_000)


@contextmanager
def started(directory: Path, options: Sequence[str] = ()) -> Iterator[Mongo]:
    """Start a server of the tests' own in a directory; it ends with the block.

    Args:
        directory: Made if missing; log and data go there, and data that is there is served.
        options: More options of the server, such as ``--sync-on-commit``.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    uri = f"mongodb://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            probe: MongoClient[dict[str, Any]]
            with MongoClient(uri, timeoutMS=500, serverSelectionTimeoutMS=500) as probe:
                probe.admin.command("ping")
        except PyMongoError:
            return False
        return True

    process = Process(
        "secantusd-py",
        [
            str(_PROGRAM),
            *(
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "--storage-path",
                str(directory / "data"),
            ),
            *options,
        ],
        log=directory / "mongo.log",
        answers=answers,
    )
    process.start()
    try:
        yield Mongo(uri, process)
    finally:
        process.kill()


@contextmanager
def given(directory: Path, options: Sequence[str] = ()) -> Iterator[Mongo]:
    """Lend the server that the environment names, else an own one with these options."""
    uri = os.environ.get(VARIABLE)
    if uri is not None:
        yield Mongo(uri)
        return
    with started(directory, options) as mongo:
        yield mongo
