"""Takes an entity to another parent, with everything that hangs on it.

A parent never changes, so the entity goes and comes again within one batch. What hangs on it (the
secrets of a host) keeps its revision and its times. Each part is removed at the revision at which
it was read, so nothing is lost that somebody writes meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from craton.backends.cmdb.books import chosen
from craton.driver import Change, Create, Delete, InventoryReader
from craton.models import Entity, children, parent_field


@dataclass(frozen=True, kw_only=True)
class Carried:
    """An entity that moves.

    Attributes:
        before: As it is.
        after: As it will be, below another parent.
        hanging: What hangs on it, parents first.
    """

    before: Entity
    after: Entity
    hanging: tuple[Entity, ...]

    def removals(self) -> Iterator[Change]:
        """Yield the changes that take it away."""
        for entity in (*reversed(self.hanging), self.before):
            yield Delete(kind=type(entity), id=entity.id, if_revision=entity.revision)

    def additions(self) -> Iterator[Change]:
        """Yield the changes that bring back what hangs on it, once it is there."""
        for entity in self.hanging:
            yield Create(entity=entity, verbatim=True)


def carried(reader: InventoryReader, before: Entity, after: Entity) -> Carried:
    """Read what has to move along with an entity."""
    return Carried(before=before, after=after, hanging=tuple(_below(reader, [before])))


def _below(reader: InventoryReader, parents: list[Entity]) -> Iterator[Entity]:
    for kind in children(type(parents[0])) if parents else ():
        ids = [parent.id for parent in parents]
        found = list(chosen(reader, kind, str(parent_field(kind)), ids))
        yield from found
        yield from _below(reader, found)
