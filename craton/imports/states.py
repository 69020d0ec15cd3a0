"""What a stored entity becomes when a document has something to say about it.

A document says nothing about a host's ``asset_id`` and ``active``, nor about a region's name or
description: these stay in every mode.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from enum import Enum
from typing import Any, Final

from craton.imports.values import Entered
from craton.models import CONNECTION_VARIABLES, Group, Host, Region


class Mode(Enum):
    """What becomes of that which the document does not mention."""

    #: It stays.
    MERGE = "merge"
    #: It goes: the region becomes the document.
    REPLACE = "replace"


_UNSAID_OF_HOST: Final = dict.fromkeys(CONNECTION_VARIABLES)
_UNSAID_OF_GROUP: Final = {
    field.name: field.default for field in dataclasses.fields(Group) if field.name == "priority"
}


def region_after(stored: Region, entered: Entered, mode: Mode) -> Region:
    """Return a region with the variables of ``all``."""
    return dataclasses.replace(stored, **_variables(stored, entered, mode))


def group_after(stored: Group, entered: Entered, parents: Iterable[str], mode: Mode) -> Group:
    """Return a group with what the document says of it; ``parents`` are ids."""
    return dataclasses.replace(
        stored,
        parents=_links(stored.parents, parents, mode),
        **_fields(_UNSAID_OF_GROUP, entered, mode),
        **_variables(stored, entered, mode),
    )


def host_after(stored: Host, entered: Entered, groups: Iterable[str], mode: Mode) -> Host:
    """Return a host with what the document says of it; ``groups`` are ids."""
    return dataclasses.replace(
        stored,
        groups=_links(stored.groups, groups, mode),
        **_fields(_UNSAID_OF_HOST, entered, mode),
        **_variables(stored, entered, mode),
    )


def _links(stored: tuple[str, ...], said: Iterable[str], mode: Mode) -> tuple[str, ...]:
    kept = stored if mode is Mode.MERGE else ()
    return tuple(sorted({*kept, *said}))


def _fields(unsaid: dict[str, Any], entered: Entered, mode: Mode) -> dict[str, Any]:
    return entered.fields if mode is Mode.MERGE else {**unsaid, **entered.fields}


def _variables(stored: Region | Group | Host, entered: Entered, mode: Mode) -> dict[str, Any]:
    if mode is Mode.REPLACE:
        return {"variables": entered.variables, "templated": entered.templated}
    # A host's own variable would win over the field that now has the value.
    hidden = [CONNECTION_VARIABLES[name] for name in entered.fields if name in CONNECTION_VARIABLES]
    templated = {name for name in stored.templated if name not in entered.variables}
    return {
        "variables": stored.variables.without(*hidden).merged(entered.variables),
        "templated": tuple(sorted(templated.difference(hidden).union(entered.templated))),
    }
