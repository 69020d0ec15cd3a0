"""What many routes share in the OpenAPI document: schemas, problems, header fields, credentials."""

from __future__ import annotations

import dataclasses
from http import HTTPStatus
from typing import Any, Final

from craton.api.batches import MEMBERS
from craton.api.event_stream import ID_PATTERN, LAST_EVENT_ID
from craton.api.examples import BODIES
from craton.api.idempotency import HEADER
from craton.api.limits import Limits
from craton.api.naming import READ_KINDS, SHOWN_KINDS, schema_name
from craton.api.problems import MEDIA_TYPE
from craton.api.run_schemas import run_schemas
from craton.api.schema import (
    Schema,
    array,
    record,
    reference,
    schema_of,
    schema_of_body,
    schema_of_entity,
    schema_of_list,
    schema_of_patch,
)

_STRING: Final[Schema] = {"type": "string"}
_FLAG: Final[Schema] = {"type": "boolean"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_TAG: Final = r'(W/)?"[!#-~]*"'
_TAGS: Final = rf"^(\*|{_TAG}( *, *{_TAG})*)$"

#: How a caller proves who they are, by ``[api] auth_strategy``; without an entry nobody has to.
SECURITY: Final[dict[str, tuple[str, Schema]]] = {
    "http_basic": ("basic", {"type": "http", "scheme": "basic"}),
    "keystone": (
        "keystone",
        {
            "type": "apiKey",
            "in": "header",
            "name": "X-Auth-Token",
            "description": "A token of Keystone.",
        },
    ),
}

PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "Entity tags, as ETag gave them, or `*`: 412 if the entity has no such tag.",
        "schema": {"type": "string", "pattern": _TAGS},
    },
    "RequiredIfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": "Entity tags, as ETag gave them, or `*`: 412 if the entity has no such tag.",
        "schema": {"type": "string", "pattern": _TAGS},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "Entity tags, or `*`: 304 for a read, 412 for a write if it has one.",
        "schema": {"type": "string", "pattern": _TAGS},
    },
    "IdempotencyKey": {
        "name": HEADER,
        "in": "header",
        "description": "A string in quotes, new for each request. Who sends a request again with "
        "the same key and body gets the first answer, and nothing is created again.",
        "schema": {
            "type": "string",
            "maxLength": 255,
            "pattern": r'^("([ !#-\[\]-~]|\\["\\])+"|[!#-\[\]-~]+)$',
        },
    },
    "LastEventID": {
        "name": LAST_EVENT_ID,
        "in": "header",
        "description": "The `id` of the last event that a client has which comes back for more of "
        "the stream; it counts more than `after`.",
        "schema": {"type": "string", "pattern": f"^{ID_PATTERN}$"},
    },
    "CacheControl": {
        "name": "Cache-Control",
        "in": "header",
        "description": "`no-cache` brings the mirror of a CMDB up to date first.",
        "schema": _STRING,
        "example": "no-cache",
    },
}

HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Openstack-Request-Id": {
        "description": "What the log calls the request.",
        "required": True,
        "schema": {"type": "string", "pattern": "^req-[0-9a-f-]{36}$"},
    },
    "Cache-Control": {
        "description": "`no-store`, or for what has an ETag `private, no-cache`.",
        "required": True,
        "schema": _STRING,
    },
    "ETag": {
        "description": "Another one after each change.",
        "schema": {"type": "string", "pattern": '^"[!#-~]*"$'},
    },
    "Location": {
        "description": "Where it is.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Age": {
        "description": "How old the mirror of a CMDB is, in seconds, where there is one.",
        "schema": _COUNT,
    },
    "Retry-After": {
        "description": "Seconds after which another try is sensible.",
        "required": True,
        "schema": _COUNT,
    },
}

#: What each status of a problem means.
PROBLEMS: Final[dict[HTTPStatus, str]] = {
    HTTPStatus.BAD_REQUEST: "The request is malformed, or a value breaks a rule.",
    HTTPStatus.UNAUTHORIZED: "Nobody is known by these credentials, or there are none.",
    HTTPStatus.FORBIDDEN: "The caller may not.",
    HTTPStatus.NOT_FOUND: "There is no such entity, or not for this caller.",
    HTTPStatus.NOT_ACCEPTABLE: "The client does not accept what the path gives.",
    HTTPStatus.REQUEST_TIMEOUT: "The body did not come in time.",
    HTTPStatus.CONFLICT: "The request is right and the state is not: a name is taken, children "
    "stand in the way, another system owns it.",
    HTTPStatus.PRECONDITION_FAILED: "If-Match or If-None-Match does not hold.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Too many bytes, or too many changes.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is of a type that the path does not take.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The Idempotency-Key came before with another body.",
    HTTPStatus.PRECONDITION_REQUIRED: "If-Match is missing, and the service insists on it.",
    HTTPStatus.TOO_MANY_REQUESTS: "The caller asks more often than they may.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A fault of the service; its log has more.",
    HTTPStatus.NOT_IMPLEMENTED: "The inventory driver does not promise what is needed.",
    HTTPStatus.BAD_GATEWAY: "A referenced file cannot be had, or a CMDB could not be asked.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The store is away or the service is busy; come back later.",
}

_WITH_RETRY_AFTER: Final = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


def components(auth_strategy: str) -> Schema:
    """Return the components of the document.

    Args:
        auth_strategy: How callers prove who they are.
    """
    found: Schema = {
        "schemas": _schemas(),
        "parameters": PARAMETERS,
        "headers": HEADERS,
        "responses": {status.name: _problem(status) for status in PROBLEMS},
    }
    if auth_strategy in SECURITY:
        found["securitySchemes"] = dict([SECURITY[auth_strategy]])
    return found


def headers(*names: str) -> dict[str, Schema]:
    """Return references to header fields by their names; every answer has two more."""
    always = ("X-Openstack-Request-Id", "Cache-Control")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, *always)}


def _problem(status: HTTPStatus) -> Schema:
    example = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": PROBLEMS[status],
        "code": status.name.lower(),
        "request_id": "req-6b4f1c5e-2f0d-4a53-9d07-8f6a0d3c1b2a",
    }
    schema = {"allOf": [reference("Problem")], "properties": {"status": {"const": status.value}}}
    return {
        "description": PROBLEMS[status],
        "headers": headers(*(["Retry-After"] if status in _WITH_RETRY_AFTER else [])),
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }


def _schemas() -> Schema:
    entities: Schema = {}
    for kind in READ_KINDS:
        name = schema_name(kind)
        entities[name] = schema_of_entity(kind)
        entities[f"{name}List"] = schema_of_list(kind)
    for kind in SHOWN_KINDS:
        name = schema_name(kind)
        entities[f"{name}Body"] = {**schema_of_body(kind), "examples": [BODIES[name]]}
        entities[f"{name}Patch"] = schema_of_patch(kind)
    tally = record(groups=_COUNT, hosts=_COUNT)
    link = record(rel=_STRING, href={"type": "string", "format": "uri-reference"})
    version = record(id=_STRING, status=_STRING, links=array(link))
    stamp = record(id=_STRING, revision={"type": ["string", "null"]})
    change = record(
        **{name: {**schema_of(spec), "description": spec.help} for name, spec in MEMBERS.items()}
    )
    return {
        **entities,
        **run_schemas(),
        "Variables": {"type": "object", "description": "Any JSON value by name."},
        "VariablesBody": {
            "type": "object",
            "description": "Any JSON value by name.",
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": 250},
            "examples": [BODIES["Variables"]],
        },
        "MergePatch": {"type": "object", "description": "RFC 7396; null removes."},
        "Batch": {
            **record(changes=array({**change, "required": ["op", "kind"]})),
            "examples": [BODIES["Batch"]],
        },
        "BatchResult": record(changes=array(stamp)),
        "Inventory": {
            "type": "object",
            "description": "What `ansible-inventory --list --export` prints.",
            "examples": [BODIES["Inventory"]],
        },
        "ImportReport": record(created=tally, updated=tally, deleted=tally, unchanged=tally),
        "Fetched": record(
            url=_STRING,
            sha256=_STRING,
            size=_COUNT,
            commit={"type": ["string", "null"]},
            stale=_FLAG,
            fetched_at=_TIME,
        ),
        "Versions": record(versions=array(version)),
        "Health": record(
            status={"const": "ok"},
            driver=_STRING,
            runs={"type": "string", "enum": ["ok", "unavailable", "none"]},
        ),
        "Capabilities": record(
            contract=_COUNT,
            driver=_STRING,
            capabilities=array(_STRING),
            writable=array(_STRING),
            amendable=array(_STRING),
            limits=record(
                **{
                    field.name: _FLAG if field.type == "bool" else _COUNT
                    for field in dataclasses.fields(Limits)
                }
            ),
            sync={"oneOf": [{"type": "null"}, _sync()]},
        ),
        "Problem": {
            **record(
                type={"type": "string", "format": "uri-reference"},
                title=_STRING,
                status={"type": "integer", "minimum": 400, "maximum": 599},
                detail=_STRING,
                code={"type": "string", "description": "A word that programs can rely on."},
                request_id=_STRING,
            ),
            "description": "RFC 9457. Some have more members: `field`, `parameter`, `id`…",
            "additionalProperties": True,
        },
    }


def _sync() -> Schema:
    """Return the schema of what is told of a mirror."""
    maybe_time: Schema = {"type": ["string", "null"], "format": "date-time"}
    return record(
        adapter=_STRING,
        owner=_STRING,
        interval={"type": ["number", "null"]},
        age={"type": ["number", "null"]},
        synced_at=maybe_time,
        changed_at=maybe_time,
        attempted_at=maybe_time,
        last_error={"type": ["string", "null"]},
        held=array(record(region=_STRING, name=_STRING, hosts=_COUNT, of=_COUNT)),
        rejected=array(
            record(
                kind=_STRING,
                id=_STRING,
                name=_STRING,
                reason=_STRING,
                url={"type": ["string", "null"]},
            )
        ),
        rejected_total=_COUNT,
    )
