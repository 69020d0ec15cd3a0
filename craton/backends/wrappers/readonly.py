"""A driver that cannot write, whatever the one inside can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from craton.backends.wrappers.delegation import WrappedReader, Wrapper
from craton.capabilities import Capabilities, Capability
from craton.driver import Change, InventoryReader
from craton.errors import Unsupported

#: What changes the store; moving its schema does, too, and following the owner of a mirror.
_WRITING: Final = frozenset(
    {
        Capability.WRITE,
        Capability.CAS,
        Capability.ATOMIC_BATCH,
        Capability.MIGRATIONS,
        Capability.MIRROR,
    }
)


class ReadOnlyDriver(Wrapper):
    """Reads only: every write is ``Unsupported``, and so is a change of the schema."""

    def _promised(self) -> Capabilities:
        return _narrowed(self.inner.capabilities)

    def _write(self, changes: Iterator[Change]) -> None:
        raise Unsupported(Capability.WRITE.value)

    def _wrapped(self, reader: InventoryReader) -> InventoryReader:
        # A driver may give itself as the reader of a snapshot.
        return _ReadOnlyReader(reader)


class _ReadOnlyReader(WrappedReader):
    def _promised(self) -> Capabilities:
        return _narrowed(self.inner.capabilities)


def _narrowed(capabilities: Capabilities) -> Capabilities:
    return Capabilities(supported=capabilities.supported - _WRITING, writable=frozenset())
