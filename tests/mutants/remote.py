"""A memory driver that lacks nothing: two nodes see its store, which has a schema and can be away.

It is right, and only the base of the faults that the plain memory driver has no room for.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from oslo_config import cfg

from craton.backends.memory.driver import MemoryDriver, MemoryReader
from craton.backends.memory.state import State
from craton.capabilities import EVERY_CAPABILITY, Capabilities
from craton.driver import Change, InventoryReader, Migrations
from craton.errors import InvalidValue, SchemaOutdated, Unavailable
from craton.models import E
from craton.query import Selection

_VERSIONS = ("first", "second")


class VendorError(Exception):
    """What the library of a vendor raises."""


@dataclass
class Store:
    """What several drivers share."""

    state: State = field(default_factory=State)
    version: str | None = _VERSIONS[-1]
    away: bool = False
    writing: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def outage(self) -> Iterator[None]:
        self.away = True
        try:
            yield
        finally:
            self.away = False


class Versions(Migrations):
    """The versions of the store's schema; on the way down it loses what it holds."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def current(self) -> str | None:
        return self.store.version

    def latest(self) -> str:
        return _VERSIONS[-1]

    def history(self) -> Sequence[tuple[str, str]]:
        return [(version, f"The {version} one.") for version in _VERSIONS]

    def upgrade(self, version: str | None = None) -> None:
        self.store.version = self.known(version or self.latest())

    def downgrade(self, version: str) -> None:
        self.store.version = None if version == "base" else self.known(version)
        self.store.state = State()

    def known(self, version: str) -> str:
        if version not in _VERSIONS:
            raise InvalidValue("version", f"must be one of {', '.join(_VERSIONS)}")
        return version


class RemoteDriver(MemoryDriver):
    """The memory driver on a store that is not its own."""

    capabilities = Capabilities(supported=EVERY_CAPABILITY)

    store: Store

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(settings)
        self._writing = self.store.writing

    @property
    def state(self) -> State:
        return self.store.state

    @state.setter
    def state(self, state: State) -> None:
        # The constructor of the reference brings an empty one.
        if hasattr(self, "_writing"):
            self.store.state = state

    def call(self) -> None:
        """Do what a vendor's library does when the store is away."""
        if self.store.away:
            raise VendorError("no route to host of user:password")

    def reach(self) -> None:
        """Ask whether the store is there, before each use of it."""
        try:
            self.call()
        except VendorError as error:
            raise Unavailable("the store does not answer") from error

    def _open(self) -> None:
        if self.store.version != _VERSIONS[-1]:
            raise SchemaOutdated("the schema is not the latest")

    def _get(self, kind: type[E], id: str) -> E | None:
        self.reach()
        return super()._get(kind, id)

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        for entity in super()._select(kind, selection):
            self.reach()
            yield entity
        self.reach()

    def _ping(self) -> None:
        self.reach()

    def _write(self, changes: Iterator[Change]) -> None:
        self.reach()
        super()._write(changes)

    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        self.reach()
        yield MemoryReader(self.state)

    def _migrations(self) -> Migrations:
        return Versions(self.store)
