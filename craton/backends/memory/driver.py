"""The memory driver: entities by id in one dict a kind, nothing kept when the process ends."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from oslo_config import cfg

from craton.backends.memory.state import State
from craton.capabilities import EVERY_CAPABILITY, Capabilities, Capability
from craton.driver import Change, Create, Delete, InventoryDriver, InventoryReader, Replace, at
from craton.models import E
from craton.query import EVERYTHING, Position, Predicate, Selection, position

_CAPABILITIES = Capabilities(supported=EVERY_CAPABILITY - {Capability.MIGRATIONS})


class MemoryReader(InventoryReader):
    """Reads one state, which nobody changes any more."""

    capabilities = _CAPABILITIES

    def __init__(self, state: State) -> None:
        self.state = state

    def _get(self, kind: type[E], id: str) -> E | None:
        return self.state.get(kind, id)

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        order = selection.order
        entities = sorted(
            (entity for entity in self.state.all(kind) if selection.where.matches(entity)),
            key=lambda entity: position(entity, order),
            reverse=order.descending,
        )
        for entity in entities:
            if selection.after is None or _is_behind(
                position(entity, order), selection.after, order.descending
            ):
                yield entity

    def _pushdown(self, kind: type[E], where: Predicate) -> tuple[Predicate, Predicate]:
        return where, EVERYTHING


class MemoryDriver(MemoryReader, InventoryDriver):
    """A state that is replaced as a whole, so that a reader never sees half of a write."""

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        InventoryDriver.__init__(self, settings)
        MemoryReader.__init__(self, State())
        self._writing = threading.Lock()

    def _write(self, changes: Iterator[Change]) -> None:
        with self._writing:
            state = self.state.copy()
            for index, change in enumerate(changes):
                with at(index):
                    _make(change, state, index)
            state.check_links()
            self.state = state

    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        yield MemoryReader(self.state)


def _make(change: Change, state: State, index: int) -> None:
    match change:
        case Create(entity=entity):
            state.add(entity, index)
        case Replace(entity=entity, if_revision=if_revision):
            state.put(entity, if_revision, index)
        case Delete(kind=kind, id=id, if_revision=if_revision, cascade=cascade):
            state.remove(kind, id, if_revision, cascade)


def _is_behind(found: Position, after: Position, descending: bool) -> bool:
    return found < after if descending else found > after
