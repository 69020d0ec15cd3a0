"""Changes that Craton passes on to the CMDB, where its adapter writes."""

from __future__ import annotations

from craton.backends.cmdb.books import Books
from craton.backends.cmdb.entries import key_of
from craton.backends.cmdb.ownership import cmdb_part, cmdb_part_after
from craton.cmdb import CmdbAdapter
from craton.driver import InventoryDriver, Replace, check_replaceable
from craton.errors import NotFound, ReadOnly
from craton.models import Entity, Group, links


def written_through(store: InventoryDriver, adapter: CmdbAdapter, change: Replace) -> None:
    """Let the CMDB make its part of a change.

    A CMDB compares no revisions, so the one that the change expects is compared just before.

    Args:
        store: Holds the mirror.
        adapter: Writes entities of this kind.
        change: The change.

    Raises:
        NotFound, RevisionConflict, InvalidValue: The change does not fit what is stored.
        ReadOnly, Conflict, Unavailable: As :meth:`craton.cmdb.CmdbAdapter.write`.
    """
    entity = change.entity
    stored = check_replaceable(store._get(type(entity), entity.id), entity, change.if_revision)
    books = Books(store)
    kept = books.entries([key_of(entity)]).get(key_of(entity))
    if kept is None or not kept.entry.live:
        raise NotFound(entity.kind, entity.id)
    named = {(Group, id) for one in (stored, entity) for id in _linked(one)}
    mirrored = {id for (_, id), found in books.entries(named).items() if found.entry.live}
    before = cmdb_part(stored, kept.entry, mirrored.__contains__)
    after = cmdb_part_after(stored, entity, kept.entry, mirrored.__contains__)
    try:
        adapter.write(before, after)
    except ReadOnly as error:
        raise ReadOnly(error.owner, error.url or kept.entry.url) from error


def _linked(entity: Entity) -> list[str]:
    return [id for name, _ in links(type(entity)) for id in getattr(entity, name)]
