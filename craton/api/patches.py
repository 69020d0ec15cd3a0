"""JSON merge patches (RFC 7396), on entities and on variables."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from craton.api.naming import field_name
from craton.api.types import entity_from
from craton.driver import parent_of
from craton.errors import InvalidValue
from craton.fields import VariableMap, VariableNames
from craton.jsontext import MAX_DEPTH, JsonValue
from craton.models import E, Entity, specs
from craton.variables import EMPTY, Variables


def merged(target: JsonValue, patch: JsonValue, depth: int = 1) -> JsonValue:
    """Return what a merge patch makes of a value.

    Raises:
        InvalidValue: The patch nests deeper than any value may.
    """
    if not isinstance(patch, dict):
        return patch
    if depth > MAX_DEPTH:
        raise InvalidValue("body", f"must not nest deeper than {MAX_DEPTH} levels")
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value, depth + 1)
    return result


def merged_variables(variables: Variables, patch: Mapping[str, JsonValue]) -> Variables:
    """Return what a merge patch makes of variables; those that it does not name stay unread.

    Raises:
        InvalidValue: A name or a value cannot be a variable's.
    """
    removed = (name for name, value in patch.items() if value is None)
    values = {
        name: merged(variables.get(name), value)
        for name, value in patch.items()
        if value is not None
    }
    return variables.without(*removed).merged(values)


def with_variables(entity: E, variables: Variables) -> E:
    """Return an entity with other variables; flags go with the variables that go."""
    changes: dict[str, Any] = {}
    for name, spec in specs(type(entity)).items():
        if isinstance(spec, VariableMap):
            changes[name] = variables
        elif isinstance(spec, VariableNames):
            flags: tuple[str, ...] = getattr(entity, name)
            changes[name] = tuple(flag for flag in flags if flag in variables)
    return dataclasses.replace(entity, **changes)


def patched(entity: E, patch: Mapping[str, JsonValue]) -> E:
    """Return what a merge patch makes of an entity.

    A null brings a field back to its default. What a caller cannot set is ignored.

    Raises:
        InvalidValue: The result is no entity; the error names the field.
    """
    maps = {
        name
        for name, spec in specs(type(entity)).items()
        if isinstance(spec, VariableMap) and not spec.read_only
    }
    for name in maps & patch.keys():
        entity = with_variables(entity, _patched_map(getattr(entity, name), patch[name], name))
    fields = {name: value for name, value in patch.items() if name not in maps}
    values = entity_from(
        type(entity),
        merged(_representation(entity), fields),
        id=entity.id,
        parent=parent_of(entity),
    )
    return dataclasses.replace(
        completed(values, entity), **{name: getattr(entity, name) for name in maps}
    )


def completed(entity: E, before: E) -> E:
    """Return an entity that a caller wrote with what Craton set in its state before."""
    kept = {name: getattr(before, name) for name in _set_by_craton(before)}
    return dataclasses.replace(entity, **kept)


def _patched_map(variables: Variables, patch: JsonValue, field: str) -> Variables:
    if patch is None:
        return EMPTY
    if not isinstance(patch, dict):
        raise InvalidValue(field, "must be an object of variables by name")
    return merged_variables(variables, patch)


def _representation(entity: Entity) -> JsonValue:
    """Return the fields that a caller can set, as JSON; variables apart."""
    found: dict[str, JsonValue] = {}
    for name, spec in specs(type(entity)).items():
        if not spec.read_only and not isinstance(spec, VariableMap):
            value = getattr(entity, name)
            value = list(value) if isinstance(value, tuple) else value
            found[field_name(type(entity), name)] = value
    return found


def _set_by_craton(entity: Entity) -> list[str]:
    return [name for name, spec in specs(type(entity)).items() if spec.read_only]
