"""Reads the mirror as if it were the inventory itself, without what the driver remembers."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final

from craton.backends.cmdb.entries import PREFIX
from craton.capabilities import Capabilities
from craton.driver import InventoryReader
from craton.models import E, Entity, Record
from craton.query import AllOf, Not, Predicate, Prefix, Selection

_NOT_OURS: Final = Not(Prefix(("name",), PREFIX))


class MirrorReader(InventoryReader):
    """Reads from the store's reader, whose every row is passed on as it is.

    Args:
        store: Reads the store.
        capabilities: What is promised.
        check: Called before each read; it raises while there is nothing to be read.
    """

    def __init__(
        self, store: InventoryReader, capabilities: Capabilities, check: Callable[[], None]
    ) -> None:
        self._reader = store
        self.capabilities = capabilities
        self._check_read = check

    def _get(self, kind: type[E], id: str) -> E | None:
        self._check_read()
        found = self._reader._get(kind, id)
        if isinstance(found, Record) and found.name.startswith(PREFIX):
            return None
        return found

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        self._check_read()
        return self._reader._select(kind, selection)

    def _pushdown(self, kind: type[E], where: Predicate) -> tuple[Predicate, Predicate]:
        return self._reader._pushdown(kind, _visible(kind, where))

    def _count(self, kind: type[Entity], where: Predicate) -> int:
        self._check_read()
        return self._reader._count(kind, _visible(kind, where))

    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        self._check_read()
        return self._reader._digest(kind, _visible(kind, where))


def _visible(kind: type[Entity], where: Predicate) -> Predicate:
    return AllOf(where, _NOT_OURS) if kind is Record else where
