"""An order in which entities can be written chunk by chunk."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from graphlib import CycleError, TopologicalSorter

from craton.driver import InventoryReader
from craton.errors import BackendFault
from craton.models import E
from craton.transfer.chunks import chunked, portions
from craton.transfer.places import Place, by_id, entities, links_to_itself


def writable_chunks(
    reader: InventoryReader, kind: type[E], place: Place
) -> Generator[list[E], None, None]:
    """Yield the entities of a kind in one place, so that no link names one of a later chunk.

    Where the kind has links to itself, as groups have, none names a later one of its chunk either.
    Then the ids of one region are in memory, with their links; the entities themselves never are.

    Raises:
        BackendFault: The links form a cycle, which no store should have let in.
    """
    fields = links_to_itself(kind)
    if fields:
        return _parents_first(reader, kind, place, fields)
    return _as_read(reader, kind, place)


def _as_read(
    reader: InventoryReader, kind: type[E], place: Place
) -> Generator[list[E], None, None]:
    with closing(entities(reader, kind, place)) as found:
        yield from portions(found)


def _parents_first(
    reader: InventoryReader, kind: type[E], place: Place, fields: list[str]
) -> Generator[list[E], None, None]:
    with closing(entities(reader, kind, place)) as found:
        graph = {
            entity.id: [id for field in fields for id in getattr(entity, field)] for entity in found
        }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise BackendFault(f"{kind.collection}{place} form a cycle") from error
    for ids in chunked(order):
        chunk = by_id(reader, kind, tuple(ids))
        yield from portions(chunk[id] for id in ids if id in chunk)
