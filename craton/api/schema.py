"""JSON schemas (draft 2020-12, as in OpenAPI 3.1) of what the descriptions of fields describe."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from craton import fields, names
from craton.api.naming import collection_name, field_name, parent_name, schema_name
from craton.api.representation import field_order
from craton.api.specs import Anything, ListOf, ObjectOf, OneOf, Printed
from craton.fields import Flag, Integer, Links, Moment, Names, Spec, Text, VariableMap
from craton.models import Entity, specs

Schema: TypeAlias = "dict[str, object]"

#: What no text holds, and what no text for people and no id does, in a character class.
_NO_NUL: Final = r"^[^\u0000]*$"
_CONTROL: Final = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"

#: What a rule of :mod:`craton.names` and :mod:`craton.fields` lets through, as far as a pattern can
#: tell that every client can read; the rest is in the rule alone.
_PATTERNS: Final[dict[Callable[[str, str], None] | None, str]] = {
    names.check_free_text: f"^[^{_CONTROL}]*$",
    names.check_inventory_name: rf"^[^{_CONTROL}/\\,\[\]$]+$",
    names.check_variable_name: "^[A-Za-z_][A-Za-z0-9_]*$",
    fields.check_sha256: "^[0-9a-f]{64}$",
    fields.ID.rule: f"^[^{_CONTROL}/]+$",
}


def schema_of(spec: Spec) -> Schema:
    """Return the schema of one field."""
    match spec:
        case Text():
            schema: Schema = {"type": "string", "maxLength": spec.max_length}
            if spec.min_length:
                schema["minLength"] = spec.min_length
            schema["pattern"] = _PATTERNS.get(spec.rule, _NO_NUL)
        case Integer():
            schema = {"type": "integer", "minimum": spec.minimum, "maximum": spec.maximum}
        case Flag():
            schema = {"type": "boolean"}
        case Moment():
            schema = {"type": "string", "format": "date-time"}
        case Links() | Names():
            schema = array({"type": "string"})
        case VariableMap():
            schema = reference("Variables")
        case OneOf():
            schema = {"type": "string", "enum": list(spec.words)}
        case Printed():
            schema = {"type": "string"}
        case ListOf():
            schema = {**array(schema_of(spec.items)), "maxItems": spec.most}
        case ObjectOf():
            schema = {"type": "object"}
        case Anything():
            return {}
        case _:
            raise TypeError(f"no schema for {type(spec).__name__}")
    if spec.optional:
        schema["type"] = [schema["type"], "null"]
        if isinstance(spec, OneOf):
            schema["enum"] = [*spec.words, None]
    return schema


def schema_of_entity(kind: type[Entity]) -> Schema:
    """Return the schema of an entity as it is read; lists leave out variables unless asked for."""
    properties = {
        name: {**schema_of(spec), "description": spec.help} for name, spec in _fields(kind)
    }
    required = [name for name in properties if name != "variables"]
    return _schema(kind, properties, required)


def schema_of_body(kind: type[Entity]) -> Schema:
    """Return the schema of an entity as it is written, whole."""
    defaults = {
        field_name(kind, field.name): field.default
        for field in dataclasses.fields(kind)
        if isinstance(field.default, str | int | None)
    }
    properties = _writable(kind)
    for name in defaults.keys() & properties.keys():
        if "readOnly" not in properties[name]:
            properties[name]["default"] = defaults[name]
    required = {
        field_name(kind, field.name)
        for field in dataclasses.fields(kind)
        if field.default is field.default_factory is dataclasses.MISSING
    }
    names = [name for name in properties if name in required and name != parent_name(kind)]
    return _schema(kind, properties, names)


def schema_of_patch(kind: type[Entity]) -> Schema:
    """Return the schema of a JSON merge patch (RFC 7396) of an entity."""
    properties = _writable(kind)
    for name, schema in properties.items():
        if isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
        elif "$ref" in schema:
            properties[name] = {"description": schema["description"], **reference("MergePatch")}
    return _schema(kind, properties, [])


def schema_of_list(kind: type[Entity]) -> Schema:
    """Return the schema of one page of a list."""
    return record(
        **{collection_name(kind): array(reference(schema_name(kind)))},
        links={
            **array(
                record(rel={"const": "next"}, href={"type": "string", "format": "uri-reference"})
            ),
            "maxItems": 1,
            "description": "To the next page, if there is more.",
        },
    )


def _fields(kind: type[Entity]) -> Iterator[tuple[str, Spec]]:
    declared = {field_name(kind, name): spec for name, spec in specs(kind).items()}
    for name in field_order(kind):
        yield name, declared[name]


def _writable(kind: type[Entity]) -> dict[str, Schema]:
    """Return the schemas of the fields in a body; what is not the client's is taken and ignored."""
    fixed = {"id", parent_name(kind)}
    properties = {}
    for name, spec in _fields(kind):
        if name in fixed:
            properties[name] = {
                "type": "string",
                "readOnly": True,
                "description": f"{spec.help} As in the path, or left out.",
            }
        elif spec.read_only:
            properties[name] = {"readOnly": True, "description": f"{spec.help} It is ignored."}
        else:
            properties[name] = {**schema_of(spec), "description": spec.help}
    return properties


def _schema(kind: type[Entity], properties: dict[str, Schema], required: list[str]) -> Schema:
    return {
        "type": "object",
        "description": (kind.__doc__ or "").partition("\n")[0],
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def record(**properties: Schema) -> Schema:
    """Return the schema of an object with exactly these members."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def array(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def reference(name: str) -> Schema:
    """Return a reference to a schema among the components of the document."""
    return {"$ref": f"#/components/schemas/{name}"}
