"""Reading and changing the entity that a path names, under the conditions of the request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from craton.api.conditions import Conditions
from craton.capabilities import Capability
from craton.driver import InventoryDriver, InventoryReader, parent_of
from craton.errors import InvalidValue, NotFound
from craton.fields import ID
from craton.models import E


def stored(reader: InventoryReader, kind: type[E], id: str, parent: str | None) -> E:
    """Return the entity of this id under this parent.

    Raises:
        NotFound: There is none; an id under another parent than its own is no other case.
    """
    return belonging(reader.get(kind, checked_id(kind, id)), parent)


def belonging(entity: E, parent: str | None) -> E:
    """Return an entity if this is its parent.

    Raises:
        NotFound: It is not.
    """
    if parent_of(entity) != parent:
        raise NotFound(entity.kind, entity.id)
    return entity


def checked_id(kind: type[E], id: str) -> str:
    """Return a text from a path or a body if it can be an id at all; stores need not see others.

    Raises:
        NotFound: It cannot.
    """
    try:
        ID.check(id, "id")
    except InvalidValue as error:
        raise NotFound(kind.kind, id) from error
    return id


def changed(
    driver: InventoryDriver,
    kind: type[E],
    id: str,
    parent: str | None,
    conditions: Conditions,
    change: Callable[[E], E],
) -> E:
    """Change the entity of this id under this parent, as one compare-and-set.

    Args:
        driver: Where it is.
        kind: Its kind.
        id: Its id.
        parent: The id of its parent, ``None`` for a root.
        conditions: What the client insists on.
        change: Computes the new state. It may be called several times. When it returns an equal
            entity, nothing is written.

    Returns:
        The entity as it is stored now.

    Raises:
        NotFound: There is no such entity under this parent.
        PreconditionFailed, RevisionConflict: It is not in the state that the client insists on.
        CratonError: As :meth:`craton.driver.InventoryDriver.replace`.
    """

    def checked_change(before: E) -> E:
        conditions.for_write(belonging(before, parent).revision)
        return change(before)

    if conditions.writes_any:
        return driver.update(kind, checked_id(kind, id), checked_change)
    before = stored(driver, kind, id, parent)
    after = checked_change(before)
    if after == before:
        return before
    return driver.replace(after, if_revision=before.revision)


def one_state(driver: InventoryDriver) -> AbstractContextManager[InventoryReader]:
    """Return a reader for reads that belong together: of one state, if the driver can."""
    if Capability.SNAPSHOT in driver.capabilities:
        return driver.snapshot()
    return nullcontext(driver)
