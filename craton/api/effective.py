"""Effective variables of any entity as JSON, plain or explained."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from craton import jsontext
from craton.bundles import Explanation, Precedence, effective_of_tenant, explain_tenant
from craton.driver import InventoryReader
from craton.jsontext import JsonValue
from craton.models import Entity, Group, Host, Region, Tenant
from craton.variables import Variables


def effective(reader: InventoryReader, entity: Entity) -> bytes:
    """Return what Ansible sees of an entity's variables, as a JSON object.

    Raises:
        NotFound, Unavailable: The region was changed while it was read.
    """
    return Variables(_values(reader, entity)).text.encode()


def explained(reader: InventoryReader, entity: Entity) -> bytes:
    """Return, by name, the value that Ansible sees, its source, and those that it overrides.

    Raises:
        NotFound, Unavailable: The region was changed while it was read.
    """
    return orjson.dumps(
        {
            name: explanation.document()
            | {"value": orjson.Fragment(jsontext.encode(explanation.value))}
            for name, explanation in _explanations(reader, entity).items()
        }
    )


def _values(reader: InventoryReader, entity: Entity) -> Mapping[str, JsonValue]:
    match entity:
        case Tenant():
            return effective_of_tenant(entity)
        case Region():
            return Precedence.load(reader, entity).effective_of_region()
        case Group():
            return _precedence(reader, entity).effective_of_group(entity)
        case Host():
            return _precedence(reader, entity).effective(entity)
    raise TypeError(f"a {entity.kind} has no effective variables")


def _explanations(reader: InventoryReader, entity: Entity) -> Mapping[str, Explanation]:
    match entity:
        case Tenant():
            return explain_tenant(entity)
        case Region():
            return Precedence.load(reader, entity).explain_region()
        case Group():
            return _precedence(reader, entity).explain_group(entity)
        case Host():
            return _precedence(reader, entity).explain(entity)
    raise TypeError(f"a {entity.kind} has no effective variables")


def _precedence(reader: InventoryReader, entity: Group | Host) -> Precedence:
    return Precedence.load(reader, reader.get(Region, entity.region_id))
