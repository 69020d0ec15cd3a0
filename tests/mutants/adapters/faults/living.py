"""Faults in making, opening and closing an adapter, and in what it writes."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

from oslo_config import cfg

from craton.cmdb import Item
from craton.errors import BackendFault, ReadOnly
from craton.models import Entity
from tests.mutants.adapters.reference import ReferenceAdapter, WritingAdapter
from tests.mutants.adapters.registry import fault
from tests.mutants.adapters.store import Row


@fault("Making an adapter opens a file.", "ADAPTER-1")
class MakingReadsAFile(ReferenceAdapter):
    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(settings)
        Path(os.devnull).read_bytes()


@fault("open connects.", "ADAPTER-1")
class OpenConnects(ReferenceAdapter):
    def _open(self) -> None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(os.devnull)


@fault("open asks whether the CMDB is there.", "ADAPTER-1")
class OpenAsks(ReferenceAdapter):
    def _open(self) -> None:
        self.ask("state")


@fault("A second close is an error.", "ADAPTER-1")
class SecondCloseFails(ReferenceAdapter):
    closed = False

    def _close(self) -> None:
        if self.closed:
            raise BackendFault("the adapter is closed")
        self.closed = True


@fault("An adapter that was never open cannot be closed.", "ADAPTER-1")
class CloseNeedsOpen(ReferenceAdapter):
    def _open(self) -> None:
        self.connection = "open"

    def _close(self) -> None:
        assert self.connection


@fault("close leaves a connection open.", "ADAPTER-1")
class ConnectionKept(ReferenceAdapter):
    def _open(self) -> None:
        os.open(os.devnull, os.O_RDONLY)


@fault("close leaves a thread.", "ADAPTER-1")
class ThreadKept(ReferenceAdapter):
    def _open(self) -> None:
        threading.Thread(target=threading.Event().wait, daemon=True).start()


@fault("A stream that is closed early leaves its connection open.", "ADAPTER-1")
class StreamKeepsItsConnection(ReferenceAdapter):
    def _changes(self, since: str | None) -> Generator[Item, None, None]:
        connection = os.open(os.devnull, os.O_RDONLY)
        yield from super()._changes(since)
        os.close(connection)


@fault("Streams of one adapter share a cursor.", "ADAPTER-14")
class StreamsShareACursor(ReferenceAdapter):
    def rows(self) -> Iterator[Row]:
        self.cursor = super().rows()
        while (row := next(self.cursor, None)) is not None:
            yield row


@fault("Only one stream runs at a time, and another one waits for it.", "ADAPTER-14")
class OneStreamAtATime(ReferenceAdapter):
    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(settings)
        self.alone = threading.Lock()

    def _changes(self, since: str | None) -> Generator[Item, None, None]:
        with self.alone:
            yield from super()._changes(since)


@fault("An adapter serves the thread that opened it alone.", "ADAPTER-14")
class OneThreadServed(ReferenceAdapter):
    def _open(self) -> None:
        self.thread = threading.get_ident()

    def _changes(self, since: str | None) -> Generator[Item, None, None]:
        if threading.get_ident() != self.thread:
            raise BackendFault("the connection belongs to another thread")
        return super()._changes(since)


@fault("A change that cannot be written is dropped.", "ADAPTER-16")
class WriteDropped(ReferenceAdapter):
    def write(self, before: Entity | None, after: Entity | None) -> None:
        pass


@fault("The refusal names no owner.", "ADAPTER-16")
class NobodyOwnsIt(ReferenceAdapter):
    def write(self, before: Entity | None, after: Entity | None) -> None:
        raise ReadOnly("")


@fault("What is written does not reach the CMDB.", "ADAPTER-16")
class WriteNotMade(WritingAdapter):
    def _write(self, before: Entity | None, after: Entity | None) -> None:
        pass


@fault("What is written is in no stream.", "ADAPTER-16")
class WriteNotLogged(WritingAdapter):
    def _write(self, before: Entity | None, after: Entity | None) -> None:
        super()._write(before, after)
        self.store.log.pop()
        self.store.serial -= 1
