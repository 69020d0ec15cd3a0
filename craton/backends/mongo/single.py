"""Writes of one entity that break no rule between entities, and so need no transaction.

MongoDB compares and writes one document in one step. What is compared here is all on which a rule
depends, so the step is made only if no rule is touched; else the caller takes the long way, which
says what is wrong if anything is.
"""

from __future__ import annotations

from typing import Any

from craton.backends.mongo.documents import document_of, encoded, settable
from craton.backends.mongo.errors import single_write
from craton.backends.mongo.links import LINKING
from craton.backends.mongo.store import Store
from craton.driver import Change, Delete, Replace, at
from craton.models import children, links, parent_field


def written(store: Store, change: Change) -> bool:
    """Make a change if it can be made in one step, and tell whether it was.

    Raises:
        InvalidValue: The entity is too large.
        WriteLostError: Nobody can tell whether the change was made.
    """
    if isinstance(change, Replace):
        return _replaced(store, change)
    return isinstance(change, Delete) and _deleted(store, change)


def _replaced(store: Store, change: Replace) -> bool:
    """Store another state under the same name and with the same links."""
    entity, kind = change.entity, type(change.entity)
    document = document_of(entity)
    with at(0):
        encoded(document, kind)
    same = [parent_field(kind), "name", *(field for field, _ in links(kind))]
    where = _as_expected(entity.id, change.if_revision)
    where |= {field: document[field] for field in same if field}
    update = {"$set": settable(document, kind)}
    with single_write():
        return store.of(kind).update_one(where, update).matched_count == 1


def _deleted(store: Store, change: Delete) -> bool:
    """Remove what cannot have children, and what no link can name."""
    if children(change.kind) or LINKING[change.kind]:
        return False
    where = _as_expected(change.id, change.if_revision)
    with single_write():
        return store.of(change.kind).delete_one(where).deleted_count == 1


def _as_expected(id: str, if_revision: str | None) -> dict[str, Any]:
    return {"_id": id} if if_revision is None else {"_id": id, "revision": if_revision}
