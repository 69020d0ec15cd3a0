"""Moves a store between the versions of its schema, one program at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final

import pymongo
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from craton.backends.mongo.errors import translated
from craton.backends.mongo.history import BUILD_TIMEOUT, VERSIONS, Version
from craton.backends.mongo.schema import SCHEMA
from craton.driver import Migrations, new_revision
from craton.errors import InvalidValue, SchemaOutdated, Unavailable

#: What the contract calls the empty store.
_BASE: Final = "base"

#: After how many seconds without a sign a program that moves the schema counts as gone.
LEASE: Final = 30

#: How long to wait for another program that moves the schema, and between two looks, in seconds.
_PATIENCE: Final = 120
_PAUSE: Final = 0.2

_ID: Final = {"_id": "schema"}

Lend = Callable[[], AbstractContextManager[Database[dict[str, Any]]]]


class SchemaVersions(Migrations):
    """Moves a store between versions.

    The document of the schema has the version, and who is about to change it. Each step can be made
    twice, so what a program that was killed has begun, the next one ends.

    Args:
        lend: Lends the database.
    """

    def __init__(self, lend: Lend) -> None:
        self._lend = lend

    def current(self) -> str | None:
        with translated(), self._lend() as database:
            return _version(database)

    def check(self) -> None:
        """Check that programs of this version can work on the store.

        That is the latest version, and a newer one that says so, for the time in which programs are
        replaced one after the other.

        Raises:
            SchemaOutdated: They cannot.
        """
        with translated(), self._lend() as database:
            found = database[SCHEMA].find_one(_ID) or {}
        current, latest = found.get("version"), self.latest()
        serves = found.get("serves")
        if current != latest and not (current and serves and serves <= latest < current):
            raise SchemaOutdated(
                f"the database is at version {current or 'none'}, this program needs {latest}; "
                "run: craton-manage db upgrade, with the newest program that uses the database",
                current=current,
                latest=latest,
            )

    def latest(self) -> str:
        return VERSIONS[-1].name

    def history(self) -> Sequence[tuple[str, str]]:
        return [(version.name, version.summary) for version in VERSIONS]

    def upgrade(self, version: str | None = None) -> None:
        wanted = _position(self.latest() if version is None else version)
        with translated(), self._lend() as database, _Turn(database) as turn:
            for step in range(_present(database) + 1, wanted + 1):
                turn.prolong()
                with pymongo.timeout(BUILD_TIMEOUT):
                    VERSIONS[step].up(database)
                turn.set_version(VERSIONS[step])

    def downgrade(self, version: str) -> None:
        wanted = -1 if version == _BASE else _position(version)
        with translated(), self._lend() as database, _Turn(database) as turn:
            for step in range(_present(database), wanted, -1):
                turn.set_version(VERSIONS[step - 1] if step else None)
                VERSIONS[step].down(database)
            if wanted == -1:
                database.drop_collection(SCHEMA)


class _Turn:
    """The time in which nobody else moves the schema.

    Args:
        database: The database.
    """

    def __init__(self, database: Database[dict[str, Any]]) -> None:
        self._schema: Collection[dict[str, Any]] = database[SCHEMA]
        self._mine = {**_ID, "mover": new_revision()}

    def __enter__(self) -> _Turn:
        deadline = time.monotonic() + _PATIENCE
        while not self._taken():
            if time.monotonic() > deadline:
                raise Unavailable("another program moves the schema now; try again")
            time.sleep(_PAUSE)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._schema.update_one(self._mine, {"$unset": {"mover": "", "seen_at": ""}})

    def prolong(self) -> None:
        """Show that this program is still there.

        Raises:
            Unavailable: Another one took over meanwhile.
        """
        self._update({"seen_at": self._now()})

    def set_version(self, version: Version | None) -> None:
        """Store the version of the schema; ``None`` is the one before the first.

        Raises:
            Unavailable: As for :meth:`prolong`.
        """
        values = {"version": version and version.name, "serves": version and version.serves}
        self._update({**values, "seen_at": self._now()})

    def _update(self, values: dict[str, Any]) -> None:
        if self._schema.update_one(self._mine, {"$set": values}).matched_count != 1:
            raise Unavailable("another program has begun to move the schema; look, and try again")

    def _taken(self) -> bool:
        """Take the turn if nobody has it."""
        now = self._now()
        expired = {"seen_at": {"$lt": now - timedelta(seconds=LEASE)}}
        free = {**_ID, "$or": [{"mover": None}, expired]}
        taken = {"mover": self._mine["mover"], "seen_at": now}
        try:
            self._schema.update_one(free, {"$set": taken}, upsert=True)
        except DuplicateKeyError:
            return False  # the document is there, and somebody has it
        return self._schema.find_one(self._mine) is not None

    def _now(self) -> datetime:
        """Return the time by the server's clock, which all programs share."""
        hello: dict[str, datetime] = self._schema.database.client.admin.command("hello")
        return hello["localTime"]


def _version(database: Database[dict[str, Any]]) -> str | None:
    found = database[SCHEMA].find_one(_ID)
    return None if found is None else found.get("version")


def _present(database: Database[dict[str, Any]]) -> int:
    """Return the position of the version that the store is at, -1 before the first.

    Raises:
        SchemaOutdated: It is one that this program does not know.
    """
    version = _version(database)
    names = [known.name for known in VERSIONS]
    if version is not None and version not in names:
        raise SchemaOutdated(
            f"the database is at version {version}, which this program does not know; "
            "use the newer one that brought it there",
            current=version,
            latest=names[-1],
        )
    return -1 if version is None else names.index(version)


def _position(version: str) -> int:
    names = [known.name for known in VERSIONS]
    if version not in names:
        raise InvalidValue("version", f"must be one of {', '.join(names)}, not {version!r}")
    return names.index(version)
