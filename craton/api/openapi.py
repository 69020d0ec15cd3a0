"""The OpenAPI 3.1 document, made of the table of routes and the descriptions of fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Final

import craton
from craton.api.batches import MEMBERS
from craton.api.naming import SHOWN_KINDS, schema_name
from craton.api.parameters import Parameter
from craton.api.problems import MEDIA_TYPE
from craton.api.routes import WEB, Route
from craton.api.schema import Schema, reference, schema_of, schema_of_entity, schema_of_list

_VARIABLE_PART = re.compile(r"{(\w+)}")

_STRING: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer"}

_IDEMPOTENCY_KEY: Final[Schema] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A string in quotes, new for each request. Who sends a request again with the "
    "same key and body gets the first answer, and nothing is created again.",
    "schema": _STRING,
}


def openapi(routes: Iterable[Route]) -> Schema:
    """Return the document of these routes."""
    paths: dict[str, dict[str, Schema]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Craton",
            "version": craton.__version__,
            "description": "A fleet inventory for Ansible. Every GET answers HEAD, too.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": _schemas()},
    }


def _operation(route: Route) -> Schema:
    variable = _VARIABLE_PART.findall(route.path)
    operation: Schema = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [_tag(route.path)],
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": _STRING}
                for name in variable
            ),
            *(_parameter(parameter) for parameter in route.parameters),
            *(_conditions() if route.conditional else ()),
            *([_IDEMPOTENCY_KEY] if route.creates else ()),
        ],
        "responses": _responses(route),
    }
    if route.body is not None:
        content = {name: {"schema": route.body.schema} for name in route.body.media_types}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _tag(path: str) -> str:
    """Return the part of the API that a path belongs to: its collection, if it has one."""
    if path.startswith(WEB):
        return "web"
    return path.split("/")[2] if "{" in path or path == "/v1/tenants" else "service"


def _operation_id(route: Route) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "_", route.path.removeprefix("/v1")).strip("_")
    if route.path == f"{WEB}/":
        words = "ui_page"
    return f"{route.method.lower()}_{words or 'versions'}{'_v1' if route.path == '/v1' else ''}"


def _parameter(parameter: Parameter) -> Schema:
    schema: object = parameter.schema
    if parameter.repeatable:
        schema = {"type": "array", "items": schema}
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.help,
        "schema": schema,
    }


def _conditions() -> Iterator[Schema]:
    for name in ("If-Match", "If-None-Match"):
        yield {
            "name": name,
            "in": "header",
            "description": "Entity tags, as ETag gave them, or `*`.",
            "schema": _STRING,
        }


def _responses(route: Route) -> Schema:
    answer: Schema = {"description": route.summary}
    if route.status != HTTPStatus.NO_CONTENT:
        answer["content"] = {
            name: {} if route.schema is None else {"schema": route.schema}
            for name in route.media_types
        }
    if route.conditional or route.status == HTTPStatus.CREATED:
        answer["headers"] = {"ETag": {"schema": _STRING}}
    responses: Schema = {str(status.value): answer for status in (route.status, *route.others)}
    if route.conditional and route.method == "GET":
        responses["304"] = {"description": "The client has it already."}
    responses["default"] = {
        "description": "A problem (RFC 9457).",
        "content": {MEDIA_TYPE: {"schema": reference("Problem")}},
    }
    return responses


def _schemas() -> Schema:
    entities: Schema = {}
    for kind in SHOWN_KINDS:
        entities[schema_name(kind)] = schema_of_entity(kind)
        entities[f"{schema_name(kind)}List"] = schema_of_list(kind)
    tally = _object(groups=_COUNT, hosts=_COUNT)
    link = _object(rel=_STRING, href=_STRING)
    stamp = _object(id=_STRING, revision={"type": ["string", "null"]})
    return {
        **entities,
        "Variables": {"type": "object", "description": "Any JSON value by name."},
        "MergePatch": {"type": "object", "description": "RFC 7396; null removes."},
        "Batch": _object(changes=_list(_change())),
        "BatchResult": _object(changes=_list(stamp)),
        "ImportReport": _object(created=tally, updated=tally, deleted=tally, unchanged=tally),
        "Fetched": _object(
            url=_STRING,
            sha256=_STRING,
            size=_COUNT,
            commit={"type": ["string", "null"]},
            stale={"type": "boolean"},
            fetched_at={"type": "string", "format": "date-time"},
        ),
        "Versions": _object(versions=_list(_object(id=_STRING, status=_STRING, links=_list(link)))),
        "Health": _object(status=_STRING, driver=_STRING),
        "Capabilities": _object(
            contract=_COUNT,
            driver=_STRING,
            capabilities=_list(_STRING),
            writable=_list(_STRING),
            amendable=_list(_STRING),
            limits={"type": "object"},
            sync={"type": ["object", "null"]},
        ),
        "Problem": _object(
            type=_STRING,
            title=_STRING,
            status=_COUNT,
            detail=_STRING,
            code=_STRING,
            request_id=_STRING,
        ),
    }


def _change() -> Schema:
    members = {
        name: {**schema_of(spec), "description": spec.help} for name, spec in MEMBERS.items()
    }
    return {"type": "object", "properties": members, "required": ["op", "kind"]}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}
