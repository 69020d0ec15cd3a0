"""Entities as JSON, written straight from their fields.

A page of a thousand hosts is the common case, so nothing stands between an entity and orjson, and
variables pass through as the text that they are kept in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

import orjson

from craton.fields import Moment, Spec, VariableMap
from craton.models import KINDS, Entity, specs
from craton.variables import Variables

_Writer: TypeAlias = "Callable[[Any], object] | None"


def document(entity: Entity, variables: bool = True) -> dict[str, object]:
    """Return what stands for an entity, ready for orjson.

    Args:
        entity: The entity.
        variables: Whether its variables are in it.
    """
    found: dict[str, object] = {}
    for name, write in _PLANS[type(entity), variables]:
        value = getattr(entity, name)
        found[name] = value if write is None else write(value)
    return found


def encode(entity: Entity) -> bytes:
    """Return an entity as JSON."""
    return orjson.dumps(document(entity))


def encode_page(
    collection: str, entities: Iterable[Entity], links: list[dict[str, str]], variables: bool
) -> bytes:
    """Return one page of a list as JSON, under the collection's name."""
    return orjson.dumps(
        {collection: [document(entity, variables) for entity in entities], "links": links}
    )


def field_order(kind: type[Entity]) -> tuple[str, ...]:
    """Return the fields of a kind as readers see them: id, own fields, what Craton sets."""
    return tuple(name for name, _ in _PLANS[kind, True])


@lru_cache(maxsize=1024)
def moment_text(moment: datetime) -> str:
    """Write a time as ``2026-11-22T10:00:00.000Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plan(kind: type[Entity], variables: bool) -> tuple[tuple[str, _Writer], ...]:
    names = {
        name: spec
        for name, spec in specs(kind).items()
        if variables or not isinstance(spec, VariableMap)
    }
    last = [name for name, spec in names.items() if spec.read_only and name != "id"]
    first = [name for name in names if name not in last and name != "id"]
    return tuple((name, _writer(names[name])) for name in ("id", *first, *last))


def _writer(spec: Spec) -> _Writer:
    match spec:
        case Moment():
            return moment_text
        case VariableMap():
            return _fragment
        case _:
            return None


def _fragment(variables: Variables) -> orjson.Fragment:
    return orjson.Fragment(variables.text)


_PLANS = {
    (kind, variables): _plan(kind, variables) for kind in KINDS for variables in (True, False)
}
