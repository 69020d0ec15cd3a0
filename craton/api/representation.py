"""Entities as JSON, written straight from their fields.

A page of a thousand hosts is the common case, so nothing stands between an entity and orjson, and
variables pass through as the text that they are kept in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Self

import orjson

from craton.api.naming import READ_KINDS, field_name, is_shown
from craton.fields import Moment, Spec, VariableMap
from craton.models import Entity, specs
from craton.variables import Variables


@dataclass(frozen=True)
class Plan:
    """How an entity of one kind is written.

    Attributes:
        names: The fields in the order for readers: id, own fields, what Craton sets.
        read: Reads them all at once.
        writers: What becomes of the values that orjson does not know, by field.
    """

    names: tuple[str, ...]
    read: Callable[[Any], tuple[Any, ...]]
    writers: tuple[tuple[str, Callable[[Any], object]], ...]

    @classmethod
    def of(cls, kind: type[Entity], variables: bool) -> Self:
        """Make the plan for a kind, with variables or without."""
        specs_ = {
            name: spec
            for name, spec in specs(kind).items()
            if is_shown(kind, name) and (variables or name != "variables")
        }
        last = [name for name, spec in specs_.items() if spec.read_only and name != "id"]
        names = ("id", *(name for name in specs_ if name not in last and name != "id"), *last)
        writers = ((name, _WRITERS.get(type(specs_[name]))) for name in names)
        return cls(
            tuple(field_name(kind, name) for name in names),
            attrgetter(*names),
            tuple((name, write) for name, write in writers if write),
        )


def document(entity: Entity, variables: bool = True) -> dict[str, object]:
    """Return what stands for an entity, ready for orjson.

    Args:
        entity: The entity.
        variables: Whether its variables are in it.
    """
    plan = _PLANS[type(entity), variables]
    found = dict(zip(plan.names, plan.read(entity), strict=True))
    for name, write in plan.writers:
        found[name] = write(found[name])
    return found


def encode(entity: Entity) -> bytes:
    """Return an entity as JSON."""
    return orjson.dumps(document(entity))


def field_order(kind: type[Entity]) -> tuple[str, ...]:
    """Return the fields of a kind as readers see them: id, own fields, what Craton sets."""
    return _PLANS[kind, True].names


@lru_cache(maxsize=1024)
def moment_text(moment: datetime) -> str:
    """Write a time as ``2026-11-22T10:00:00.000Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fragment(variables: Variables) -> orjson.Fragment:
    return orjson.Fragment(variables.text)


_WRITERS: dict[type[Spec], Callable[[Any], object]] = {
    Moment: moment_text,
    VariableMap: _fragment,
}
_PLANS = {
    (kind, variables): Plan.of(kind, variables)
    for kind in READ_KINDS
    for variables in (True, False)
}
