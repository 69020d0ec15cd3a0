"""What must hold of one entity by itself, before any driver sees it."""

from __future__ import annotations

import dataclasses
from typing import Final

from craton.errors import InvalidValue
from craton.fields import Links, Names, VariableNames
from craton.models import E, Entity, specs

#: What a driver stamps an entity with.
_STAMP: Final = frozenset(field.name for field in dataclasses.fields(Entity))


def normalized(entity: E, *, verbatim: bool = False) -> E:
    """Check every field that a caller can set, and bring sets into their one order.

    Args:
        entity: The entity.
        verbatim: Whether it is to be stored as it was read from another store. Then it must bring
            what a driver stamps, too: id, revision and times.

    Raises:
        InvalidValue: A field holds what it cannot hold, or ``templated`` names no variable.
    """
    if verbatim and not entity.revision:
        raise InvalidValue("revision", "must be given for what is stored verbatim")
    changes: dict[str, tuple[str, ...]] = {}
    for name, spec in specs(type(entity)).items():
        value = getattr(entity, name)
        if spec.read_only and not (verbatim and name in _STAMP) and not (name == "id" and value):
            continue
        spec.check(value, name)
        if isinstance(spec, Links | Names) and value:
            changes[name] = tuple(sorted(set(value)))
        if isinstance(spec, VariableNames):
            _check_templated(value, entity.variables)  # type: ignore[attr-defined]
    return dataclasses.replace(entity, **changes) if changes else entity  # type: ignore[arg-type]


def _check_templated(templated: tuple[str, ...], variables: object) -> None:
    for name in templated:
        if name not in variables:  # type: ignore[operator]
            raise InvalidValue("templated", f"names {name!r}, which is not among the variables")
