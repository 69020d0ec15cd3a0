"""What the API calls kinds and fields, where that is not what the entities are called.

References of regions and of groups are two kinds to a store and one to a reader: ``references``,
whose ``owner_id`` is the id of either.
"""

from __future__ import annotations

from typing import Final

from craton.models import (
    INVENTORY_KINDS,
    ChangeRecord,
    Entity,
    GroupReference,
    RegionReference,
    Secret,
    parent_field,
)

#: The kinds of a reference, by the owner.
REFERENCE_KINDS: Final = (RegionReference, GroupReference)

#: Every kind that the API shows and lets clients change.
SHOWN_KINDS: Final[tuple[type[Entity], ...]] = (*INVENTORY_KINDS, *REFERENCE_KINDS, Secret)

#: Every kind that the API shows.
READ_KINDS: Final[tuple[type[Entity], ...]] = (*SHOWN_KINDS, ChangeRecord)

#: Of what Craton itself writes once and for all, nobody needs what tells two states apart.
_UNSHOWN: Final = frozenset({"name", "revision", "updated_at"})


def kind_name(kind: type[Entity]) -> str:
    """Return what one of a kind is called."""
    return "reference" if kind in REFERENCE_KINDS else kind.kind


def collection_name(kind: type[Entity]) -> str:
    """Return what many of a kind are called, in paths and in lists."""
    return "references" if kind in REFERENCE_KINDS else kind.collection


def schema_name(kind: type[Entity]) -> str:
    """Return the name of a kind's schema in the OpenAPI document."""
    return "Reference" if kind in REFERENCE_KINDS else kind.__name__


def parent_name(kind: type[Entity]) -> str | None:
    """Return what the id of the parent is called, in paths and in bodies; ``None`` for a root."""
    return "owner_id" if kind in REFERENCE_KINDS else parent_field(kind)


def is_shown(kind: type[Entity], field: str) -> bool:
    """Tell whether a field is in bodies: a reader of references needs the owner, no region."""
    if kind is ChangeRecord:
        return field not in _UNSHOWN
    return kind is not GroupReference or field != "region_id"


def field_name(kind: type[Entity], field: str) -> str:
    """Return what a field is called in bodies."""
    return str(parent_name(kind)) if field == parent_field(kind) else field
