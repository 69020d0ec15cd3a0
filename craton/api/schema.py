"""JSON schemas (draft 2020-12, as in OpenAPI 3.1) of what the descriptions of fields describe."""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

from craton.api.naming import collection_name, field_name, parent_name, schema_name
from craton.api.representation import field_order
from craton.api.specs import Anything, OneOf
from craton.fields import Flag, Integer, Links, Moment, Names, Spec, Text, VariableMap
from craton.models import Entity, specs

Schema: TypeAlias = "dict[str, object]"


def schema_of(spec: Spec) -> Schema:
    """Return the schema of one field."""
    match spec:
        case Text():
            schema: Schema = {"type": "string", "maxLength": spec.max_length}
            if spec.min_length:
                schema["minLength"] = spec.min_length
        case Integer():
            schema = {"type": "integer", "minimum": spec.minimum, "maximum": spec.maximum}
        case Flag():
            schema = {"type": "boolean"}
        case Moment():
            schema = {"type": "string", "format": "date-time"}
        case Links() | Names():
            schema = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
        case VariableMap():
            schema = reference("Variables")
        case OneOf():
            schema = {"type": "string", "enum": list(spec.words)}
        case Anything():
            return {}
        case _:
            raise TypeError(f"no schema for {type(spec).__name__}")
    if spec.optional:
        schema["type"] = [schema["type"], "null"]
    return schema


def schema_of_entity(kind: type[Entity]) -> Schema:
    """Return the schema of an entity as it is read and written."""
    fields = {field_name(kind, field.name): field for field in dataclasses.fields(kind)}
    properties: dict[str, Schema] = {}
    required = []
    for name in field_order(kind):
        field = fields[name]
        spec = specs(kind)[field.name]
        properties[name] = {**schema_of(spec), "description": spec.help}
        if spec.read_only:
            properties[name]["readOnly"] = True
        elif field.default is dataclasses.MISSING:
            if name != parent_name(kind):
                required.append(name)
        elif isinstance(field.default, str | int | None):
            properties[name]["default"] = field.default
    return {
        "type": "object",
        "description": (kind.__doc__ or "").partition("\n")[0],
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def schema_of_list(kind: type[Entity]) -> Schema:
    """Return the schema of one page of a list."""
    link = {
        "type": "object",
        "properties": {"rel": {"type": "string"}, "href": {"type": "string"}},
        "required": ["rel", "href"],
    }
    return {
        "type": "object",
        "properties": {
            collection_name(kind): {"type": "array", "items": reference(schema_name(kind))},
            "links": {"type": "array", "items": link, "description": "`next`, if there is more."},
        },
        "required": [collection_name(kind), "links"],
    }


def reference(name: str) -> Schema:
    """Return a reference to a schema among the components of the document."""
    return {"$ref": f"#/components/schemas/{name}"}
