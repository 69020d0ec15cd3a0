"""Faults in making, opening, migrating and closing a driver, and in many threads."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

from oslo_config import cfg

from craton.backends.memory.driver import MemoryDriver, _make
from craton.capabilities import EVERY_CAPABILITY, Capabilities, Capability
from craton.driver import Change, Migrations, at
from craton.errors import BackendFault
from craton.models import E
from craton.query import Selection
from tests.mutants.registry import fault
from tests.mutants.remote import RemoteDriver, Versions


@fault("Making a driver opens a file.", "LIFE-1")
class MakingReadsAFile(MemoryDriver):
    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(settings)
        Path(os.devnull).read_bytes()


@fault("Making a driver starts a thread.", "LIFE-1")
class MakingStartsAThread(MemoryDriver):
    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(settings)
        self.done = threading.Event()
        threading.Thread(target=self.done.wait, daemon=True).start()

    def _close(self) -> None:
        self.done.set()


@fault("open claims more than was claimed before.", "LIFE-1")
class OpenClaimsMore(MemoryDriver):
    capabilities = Capabilities(
        supported=EVERY_CAPABILITY - {Capability.MIGRATIONS, Capability.SORT}
    )

    def _open(self) -> None:
        self.capabilities = MemoryDriver.capabilities


@fault("A claim is taken back while the driver is open.", "LIFE-1")
class ClaimTakenBack(MemoryDriver):
    def _ping(self) -> None:
        self.capabilities = Capabilities(
            supported=EVERY_CAPABILITY - {Capability.MIGRATIONS, Capability.SORT}
        )


@fault("A second close is an error.", "LIFE-2")
class SecondCloseFails(MemoryDriver):
    closed = False

    def _close(self) -> None:
        if self.closed:
            raise BackendFault("the driver is closed")
        self.closed = True


@fault("A driver that was never open cannot be closed.", "LIFE-2")
class CloseNeedsOpen(MemoryDriver):
    def _open(self) -> None:
        self.connection = "open"

    def _close(self) -> None:
        assert self.connection


@fault("close leaves a connection open.", "LIFE-2")
class ConnectionKept(MemoryDriver):
    def _open(self) -> None:
        os.open(os.devnull, os.O_RDONLY)


@fault("close leaves a thread.", "LIFE-2")
class ThreadKept(MemoryDriver):
    def _open(self) -> None:
        threading.Thread(target=threading.Event().wait, daemon=True).start()


@fault("open brings the schema to the newest version by itself.", "LIFE-3")
class OpenMigrates(RemoteDriver):
    def _open(self) -> None:
        self.migrations().upgrade()


@fault("open takes any schema.", "LIFE-3")
class AnySchemaTaken(RemoteDriver):
    def _open(self) -> None:
        pass


class Migrating(RemoteDriver):
    """Base of the faults in the versions of the schema."""

    versions: type[Versions]

    def _migrations(self) -> Migrations:
        return self.versions(self.store)


class EmptyingVersions(Versions):
    def upgrade(self, version: str | None = None) -> None:
        super().upgrade(version)
        self.store.state = type(self.store.state)()


@fault("Migrating again empties the store.", "LIFE-3")
class MigratingAgainEmpties(Migrating):
    versions = EmptyingVersions


class UnknownVersions(Versions):
    def known(self, version: str) -> str:
        return version


@fault("A version that does not exist is taken.", "LIFE-3")
class UnknownVersionTaken(Migrating):
    versions = UnknownVersions


class NothingMigrated(Versions):
    def upgrade(self, version: str | None = None) -> None:
        self.known(version or self.latest())


@fault("upgrade does nothing.", "LIFE-3")
class UpgradeDoesNothing(Migrating):
    versions = NothingMigrated


@fault("Writers do not wait for each other, and one write is lost.", "LIFE-5", "REPLACE-6")
class WritersDoNotWait(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        state = self.state.copy()
        for index, change in enumerate(changes):
            with at(index):
                _make(change, state, index)
        state.check_links()
        time.sleep(0.0005)
        self.state = state


@fault("Readers of several threads share a cursor.", "LIFE-5", "SCAN-2")
class ReadersShareACursor(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        self.row = 0
        found = list(super()._select(kind, selection))
        while self.row < len(found):
            self.row += 1
            yield found[self.row - 1]
            time.sleep(0)


@fault("A driver serves the thread that opened it alone.", "LIFE-5")
class OneThreadServed(MemoryDriver):
    def _open(self) -> None:
        self.thread = threading.get_ident()

    def _get(self, kind: type[E], id: str) -> E | None:
        if threading.get_ident() != getattr(self, "thread", threading.get_ident()):
            raise BackendFault("the connection belongs to another thread")
        return super()._get(kind, id)
