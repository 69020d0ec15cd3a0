"""The OpenAPI 3.1 document, made of the table of routes and the descriptions of fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Final

import craton
from craton.api.components import SECURITY, components, headers
from craton.api.event_stream import MEDIA_TYPE as STREAM
from craton.api.naming import SHOWN_KINDS, collection_name, kind_name
from craton.api.parameters import Parameter
from craton.api.routes import WEB, Route
from craton.api.schema import Schema, schema_of
from craton.fields import ID

_VARIABLE_PART = re.compile(r"{(\w+)}")

#: Routes that tell of the service, and neither read the inventory nor change it.
_SERVICE: Final = "service"

#: What is told to everybody, whoever they are.
_OPEN: Final = frozenset({"/", "/v1", "/v1/openapi.json", "/healthcheck"})

#: What any request may end in.
_ANYWHERE: Final = (400, 406, 429, 500, 503)

_NAME: Final[Schema] = {"type": "string", "description": "The name of a variable."}


def openapi(
    routes: Iterable[Route], *, auth_strategy: str = "noauth", require_if_match: bool = False
) -> Schema:
    """Return the document of these routes.

    Args:
        routes: The routes; those of pages for people are left out.
        auth_strategy: How callers prove who they are.
        require_if_match: Whether writes must carry If-Match.
    """
    known = [route for route in routes if not route.path.startswith(WEB)]
    paths: dict[str, dict[str, Schema]] = {}
    for route in known:
        operation = _operation(route, known, auth_strategy, require_if_match)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    document: Schema = {
        "openapi": "3.1.0",
        "info": {
            "title": "Craton",
            "version": craton.__version__,
            "description": "A fleet inventory for Ansible. Every GET answers HEAD, too.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(_tag(route.path) for route in known)],
        "paths": paths,
        "components": components(auth_strategy),
    }
    if auth_strategy in SECURITY:
        document["security"] = [{SECURITY[auth_strategy][0]: []}]
    return document


def operation_id(route: Route) -> str:
    """Return the name of an operation, which stays while its method and path do."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", route.path.removeprefix("/v1")).strip("_")
    return f"{route.method.lower()}_{words or 'versions'}{'_v1' if route.path == '/v1' else ''}"


def _operation(
    route: Route, known: list[Route], auth_strategy: str, require_if_match: bool
) -> Schema:
    needed = require_if_match and route.method in {"PUT", "PATCH", "DELETE"}
    operation: Schema = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [_tag(route.path)],
        "parameters": [
            *(_in_path(name) for name in _VARIABLE_PART.findall(route.path)),
            *(_in_query(parameter) for parameter in route.parameters),
            *_in_header(route, needed),
        ],
        "responses": {
            **_successes(route, known),
            **{str(status): _problem(status) for status in problems(route, auth_strategy, needed)},
        },
    }
    if route.path in _OPEN:
        operation["security"] = []
    if route.body is not None:
        content = {name: {"schema": route.body.schema} for name in route.body.media_types}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _tag(path: str) -> str:
    """Return the part of the API that a path belongs to: its collection, if it has one."""
    return path.split("/")[2] if "{" in path or path == "/v1/tenants" else _SERVICE


def _in_path(name: str) -> Schema:
    schema: Schema = _NAME if name == "name" else schema_of(ID)
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(parameter: Parameter) -> Schema:
    schema: object = parameter.schema
    if parameter.repeatable:
        schema = {"type": "array", "items": schema}
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.help,
        "schema": schema,
    }


def _in_header(route: Route, needed: bool) -> Iterator[Schema]:
    if route.conditional:
        name = "RequiredIfMatch" if needed else "IfMatch"
        yield {"$ref": f"#/components/parameters/{name}"}
        yield {"$ref": "#/components/parameters/IfNoneMatch"}
    if route.creates:
        yield {"$ref": "#/components/parameters/IdempotencyKey"}
    if STREAM in route.media_types:
        yield {"$ref": "#/components/parameters/LastEventID"}
    if route.method == "GET" and _tag(route.path) != _SERVICE:
        yield {"$ref": "#/components/parameters/CacheControl"}


def problems(route: Route, auth_strategy: str, needs_if_match: bool) -> list[int]:
    """Return the statuses of the problems that a route may end in."""
    found = {*_ANYWHERE}
    if auth_strategy in SECURITY and route.path not in _OPEN:
        found |= {401, 403}
    if _tag(route.path) != _SERVICE:
        # Whether a driver can do it, and whether another system must be asked, is not known here.
        found |= {404, 501, 502}
        found |= {409} if route.method != "GET" else set()
    if route.body is not None:
        found |= {408, 413, 415}
    if route.conditional:
        found |= {412, 428} if needs_if_match else {412}
    if route.creates:
        found |= {422}
    return sorted(found)


def _problem(status: int) -> Schema:
    return {"$ref": f"#/components/responses/{HTTPStatus(status).name}"}


def _successes(route: Route, known: list[Route]) -> Schema:
    answers: Schema = {}
    for status in (route.status, *route.others):
        answer: Schema = {"description": route.summary, "headers": _headers(route, status)}
        if status != HTTPStatus.NO_CONTENT:
            answer["content"] = {
                name: {} if route.schema is None or name == STREAM else {"schema": route.schema}
                for name in route.media_types
            }
        if route.creates and (links := _links(route, known)):
            answer["links"] = links
        answers[str(status.value)] = answer
    if route.conditional and route.method == "GET":
        answers["304"] = {
            "description": "The client has it already.",
            "headers": headers("ETag", *(["Age"] if _tag(route.path) != _SERVICE else [])),
        }
    return answers


def _headers(route: Route, status: HTTPStatus) -> dict[str, Schema]:
    names = []
    if route.conditional or route.creates:
        names.append("ETag")
    if route.creates:
        names.append("Location")
    if route.method == "GET" and _tag(route.path) != _SERVICE:
        names.append("Age")
    return headers(*names)


def _links(route: Route, known: list[Route]) -> Schema:
    """Return where to go on from what was created: to itself, and to what can be made below it."""
    collection = route.path.split("/")[2]
    kinds = {kind_name(kind) for kind in SHOWN_KINDS if collection_name(kind) == collection}
    parent = {name: f"$request.path.{name}" for name in _VARIABLE_PART.findall(route.path)}
    links: Schema = {}
    for other in known:
        names = _VARIABLE_PART.findall(other.path)
        if names == [*parent, "id"] and other.path.startswith(f"{route.path}/{{id}}"):
            values = {**parent, "id": "$response.body#/id"}
        elif len(names) == 1 and names[0].removesuffix("_id") in kinds:
            values = {names[0]: "$response.body#/id"}
        else:
            continue
        name = operation_id(other)
        links[name] = {"operationId": name, "parameters": values}
    return links
