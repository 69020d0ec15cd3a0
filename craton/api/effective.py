"""Effective variables of any entity as JSON, plain or explained."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from craton import jsontext
from craton.api.origins import Origins
from craton.bundles import Explanation, Precedence, effective_of_tenant, explain_tenant
from craton.bundles.references import ReferencedFiles
from craton.bundles.secrets import of_host
from craton.driver import InventoryDriver, InventoryReader
from craton.jsontext import JsonValue
from craton.models import Entity, Group, Host, Region, Tenant
from craton.variables import Variables


def effective(reader: InventoryReader, entity: Entity, files: ReferencedFiles) -> bytes:
    """Return what Ansible sees of an entity's variables, as a JSON object.

    Args:
        reader: Reads the entity's region.
        entity: The entity.
        files: The files that its region and the groups of that refer to.

    Raises:
        NotFound, Unavailable: The region was changed while it was read.
    """
    return Variables(_values(reader, entity, files)).text.encode()


def explained(
    driver: InventoryDriver, reader: InventoryReader, entity: Entity, files: ReferencedFiles
) -> bytes:
    """Return, by name, the value that Ansible sees, its source, and those that it overrides.

    Args:
        driver: Knows who owns entities.
        reader: Reads the entity's region.
        entity: The entity.
        files: The files that its region and the groups of that refer to.

    Raises:
        NotFound, Unavailable: The region was changed while it was read.
    """
    explanations = _explanations(reader, entity, files)
    origins = Origins(driver, {source for one in explanations.values() for source in one.sources})
    return orjson.dumps(
        {
            name: {
                "value": orjson.Fragment(jsontext.encode(explanation.value)),
                "source": origins.document(explanation.source, name),
                "overrides": [origins.document(one, name) for one in explanation.overrides],
            }
            for name, explanation in explanations.items()
        }
    )


def _values(
    reader: InventoryReader, entity: Entity, files: ReferencedFiles
) -> Mapping[str, JsonValue]:
    match entity:
        case Tenant():
            return effective_of_tenant(entity)
        case Region():
            return _precedence(reader, entity, files).effective_of_region()
        case Group():
            return _precedence(reader, _region(reader, entity), files).effective_of_group(entity)
        case Host():
            return _precedence(reader, _region(reader, entity), files).effective(
                entity, of_host(reader, entity)
            )
    raise TypeError(f"a {entity.kind} has no effective variables")


def _explanations(
    reader: InventoryReader, entity: Entity, files: ReferencedFiles
) -> Mapping[str, Explanation]:
    match entity:
        case Tenant():
            return explain_tenant(entity)
        case Region():
            return _precedence(reader, entity, files).explain_region()
        case Group():
            return _precedence(reader, _region(reader, entity), files).explain_group(entity)
        case Host():
            return _precedence(reader, _region(reader, entity), files).explain(
                entity, of_host(reader, entity)
            )
    raise TypeError(f"a {entity.kind} has no effective variables")


def _precedence(reader: InventoryReader, region: Region, files: ReferencedFiles) -> Precedence:
    files.check_current(reader, region.id)
    return Precedence.load(reader, region, files)


def _region(reader: InventoryReader, entity: Group | Host) -> Region:
    return reader.get(Region, entity.region_id)
