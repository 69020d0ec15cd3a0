"""Everything that a wrapper does not change: it hands each hook to the driver inside.

Hooks and not public methods, because then checks, stamps and pages are made once, by the outermost
driver: what it writes has its id and its revision already, and a stream is the store's own.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import contextmanager

from craton.capabilities import Capabilities
from craton.driver import Change, InventoryDriver, InventoryReader, Migrations
from craton.mirror import MirrorStatus, Origin, SyncReport
from craton.models import E, Entity
from craton.query import Predicate, Selection


class WrappedReader(InventoryReader):
    """Reads what another reader reads.

    Args:
        inner: The other reader.
    """

    def __init__(self, inner: InventoryReader) -> None:
        self.inner = inner
        self.capabilities = self._promised()

    def _promised(self) -> Capabilities:
        """Return what is promised, given what the inner reader promises."""
        return self.inner.capabilities

    def _get(self, kind: type[E], id: str) -> E | None:
        return self.inner._get(kind, id)

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        return self.inner._select(kind, selection)

    def _pushdown(self, kind: type[E], where: Predicate) -> tuple[Predicate, Predicate]:
        return self.inner._pushdown(kind, where)

    def _count(self, kind: type[Entity], where: Predicate) -> int:
        return self.inner._count(kind, where)

    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        return self.inner._digest(kind, where)


class Wrapper(WrappedReader, InventoryDriver):
    """A driver around a driver, which it opens and closes with itself.

    Args:
        inner: The driver inside; its options and its configuration are its own affair.
    """

    inner: InventoryDriver

    def __init__(self, inner: InventoryDriver) -> None:
        InventoryDriver.__init__(self, inner.settings)
        WrappedReader.__init__(self, inner)

    def _open(self) -> None:
        self.inner.open()
        # Opening may have narrowed what the driver promises.
        self.capabilities = self._promised()

    def _close(self) -> None:
        self.inner.close()

    def _ping(self) -> None:
        self.inner.ping()

    def _write(self, changes: Iterator[Change]) -> None:
        self.inner._write(changes)

    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        with self.inner._snapshot() as reader:
            yield self._wrapped(reader)

    def _wrapped(self, reader: InventoryReader) -> InventoryReader:
        """Return a reader that does to the reader of a snapshot what this driver does to all."""
        return reader

    def _migrations(self) -> Migrations:
        return self.inner._migrations()

    def _sync(self, everything: bool, confirm: bool, max_age: float, patience: float) -> SyncReport:
        return self.inner._sync(everything, confirm, max_age, patience)

    def _mirror_status(self, rejected: int) -> MirrorStatus:
        return self.inner._mirror_status(rejected)

    def _origins(self, kind: type[Entity], ids: Collection[str]) -> Mapping[str, Origin]:
        return self.inner._origins(kind, ids)
