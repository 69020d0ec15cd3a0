"""Every route of the API in one table: what it takes, what it gives, and a line about it.

Parameters are read by this table, answers are negotiated by it, and the OpenAPI document and the
labels of the metrics are made of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from craton.api.change_listing import change_parameters
from craton.api.limits import Limits
from craton.api.listing import host_filters, list_parameters, page_parameters
from craton.api.naming import (
    REFERENCE_KINDS,
    collection_name,
    kind_name,
    parent_name,
    schema_name,
)
from craton.api.parameters import choice, flag, number
from craton.api.route import JSON, Route, Takes
from craton.api.run_routes import run_routes
from craton.api.schema import reference
from craton.models import (
    INVENTORY_KINDS,
    ChangeRecord,
    Entity,
    Group,
    Host,
    RegionReference,
    Secret,
)
from craton.secrets import MAX_PAYLOAD

__all__ = ["JSON", "Route", "Takes", "table"]

MERGE_PATCH: Final = "application/merge-patch+json"

#: The formats of a bundle by the ending of the path.
BUNDLE_TYPES: Final = {"tgz": "application/gzip", "zip": "application/zip", "json": JSON}

#: The type of what is only bytes.
BYTES: Final = "application/octet-stream"

#: What Prometheus reads.
METRICS_TYPE: Final = "text/plain"

#: Where the web view is, and the types of its files by the ending of their names.
WEB: Final = "/ui"
HTML: Final = "text/html; charset=utf-8"
WEB_TYPES: Final = {
    "html": HTML,
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "woff2": "font/woff2",
    "webmanifest": "application/manifest+json",
    "txt": "text/plain; charset=utf-8",
}


_CASCADE: Final = flag("cascade", "Delete its children too, and theirs.")

#: Kinds whose children, if any, nobody sees, so that nobody has to be asked about them.
_ALONE: Final = (*REFERENCE_KINDS, Secret)


def table(limits: Limits) -> dict[tuple[str, str], Route]:
    """Return every route by method and path."""
    routes = [
        *_service_routes(),
        *(route for kind in INVENTORY_KINDS for route in _entity_routes(kind, limits)),
        *(route for kind in INVENTORY_KINDS for route in _variables_routes(kind, limits)),
        *_member_routes("hosts", "host_id", Host, limits),
        *_member_routes("children", "group_id", Group, limits),
        *_entity_routes(RegionReference, limits),
        _refresh_route(),
        *_entity_routes(Secret, limits),
        *_payload_routes(),
        *_inventory_routes(limits),
        _changes_route(limits),
        *run_routes(limits),
        *_web_routes(),
    ]
    return {(route.method, route.path): route for route in routes}


def collection_path(kind: type[Entity]) -> str:
    """Return the path of the collection of a kind."""
    parent, collection = parent_name(kind), collection_name(kind)
    return f"/v1/{collection}/{{{parent}}}" if parent else f"/v1/{collection}"


def _service_routes() -> Iterator[Route]:
    versions = reference("Versions")
    yield Route(method="GET", path="/", summary="The versions of the API.", schema=versions)
    yield Route(method="GET", path="/v1", summary="Version 1 and its parts.", schema=versions)
    yield Route(
        method="GET",
        path="/v1/capabilities",
        summary="What the inventory driver promises, and the limits of the service.",
        schema=reference("Capabilities"),
    )
    yield Route(
        method="GET", path="/v1/openapi.json", summary="This document.", schema={"type": "object"}
    )
    yield Route(
        method="GET",
        path="/healthcheck",
        summary="Whether the service answers and reaches its store.",
        schema=reference("Health"),
    )
    yield Route(
        method="GET",
        path="/metrics",
        summary="Counts and durations of requests, for Prometheus.",
        media_types=(METRICS_TYPE,),
    )


def _changes_route(limits: Limits) -> Route:
    return Route(
        method="GET",
        path=f"/v1/{ChangeRecord.collection}/{{region_id}}",
        summary="List who changed what and when, in a region or in a tenant with its regions.",
        parameters=change_parameters(limits),
        schema=reference(f"{schema_name(ChangeRecord)}List"),
    )


def _web_routes() -> Iterator[Route]:
    yield Route(
        method="GET",
        path=WEB,
        summary="Go to the web view.",
        status=HTTPStatus.FOUND,
        media_types=(_bare(HTML),),
    )
    yield Route(
        method="GET",
        path=f"{WEB}/",
        summary="The page of the web view.",
        media_types=(_bare(HTML),),
        conditional=True,
    )
    yield Route(
        method="GET",
        path=f"{WEB}/{{file}}",
        summary="A file of the web view, such as a script.",
        media_types=tuple(_bare(media_type) for media_type in WEB_TYPES.values()),
        conditional=True,
    )


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0]


def _entity_routes(kind: type[Entity], limits: Limits) -> Iterator[Route]:
    collection = collection_path(kind)
    item = f"{collection}/{{id}}"
    name = schema_name(kind)
    schema = reference(name)
    word, words = kind_name(kind), collection_name(kind)
    body = Takes(schema=reference(f"{name}Body"), limit=limits.max_body_bytes)
    patch = Takes(
        schema=reference(f"{name}Patch"),
        limit=limits.max_body_bytes,
        media_types=(JSON, MERGE_PATCH),
    )
    parent = "region or a group" if kind in REFERENCE_KINDS else kind.parent and kind.parent.kind
    of_parent = f" of a {parent}" if parent else ""
    yield Route(
        method="GET",
        path=collection,
        summary=f"List the {words}{of_parent}.",
        parameters=list_parameters(kind, limits),
        schema=reference(f"{name}List"),
    )
    yield Route(
        method="POST",
        path=collection,
        summary=f"Create a {word}.",
        body=body,
        status=HTTPStatus.CREATED,
        schema=schema,
    )
    yield Route(
        method="GET",
        path=item,
        summary=f"Read a {word}.",
        schema=schema,
        conditional=True,
    )
    yield Route(
        method="PUT",
        path=item,
        summary=f"Replace a {word} as a whole.",
        body=body,
        schema=schema,
        conditional=True,
    )
    yield Route(
        method="PATCH",
        path=item,
        summary=f"Change some fields of a {word}, by a JSON merge patch.",
        body=patch,
        schema=schema,
        conditional=True,
    )
    yield Route(
        method="DELETE",
        path=item,
        summary=f"Delete a {word}.",
        parameters=() if kind in _ALONE else (_CASCADE,),
        status=HTTPStatus.NO_CONTENT,
        conditional=True,
    )


def _refresh_route() -> Route:
    return Route(
        method="POST",
        path=f"{collection_path(RegionReference)}/{{id}}/refresh",
        summary="Fetch the file of a reference anew, and say what it is.",
        schema=reference("Fetched"),
    )


def _payload_routes() -> Iterator[Route]:
    path = f"{collection_path(Secret)}/{{id}}/payload"
    yield Route(
        method="GET",
        path=path,
        summary="Read the bytes of a secret; it leaves a line in the audit log.",
        media_types=(BYTES,),
        conditional=True,
    )
    yield Route(
        method="PUT",
        path=path,
        summary="Set the bytes of a secret.",
        body=Takes(
            schema={"type": "string", "format": "binary"},
            limit=MAX_PAYLOAD,
            media_types=(BYTES,),
        ),
        status=HTTPStatus.NO_CONTENT,
        conditional=True,
    )


def _variables_routes(kind: type[Entity], limits: Limits) -> Iterator[Route]:
    path = f"{collection_path(kind)}/{{id}}/variables"
    schema = reference("Variables")
    limit = limits.max_body_bytes
    yield Route(
        method="GET",
        path=path,
        summary=f"Read the variables of a {kind.kind}.",
        parameters=(
            flag("resolved", "The effective variables, as Ansible sees them, not the own ones."),
            flag("explain", "With resolved: for each variable its source, and what it overrides."),
        ),
        schema=schema,
        conditional=True,
    )
    yield Route(
        method="PUT",
        path=path,
        summary=f"Replace all variables of a {kind.kind}.",
        body=Takes(schema=reference("VariablesBody"), limit=limit),
        schema=schema,
        conditional=True,
    )
    yield Route(
        method="PATCH",
        path=path,
        summary=f"Change some variables of a {kind.kind}, by a JSON merge patch.",
        body=Takes(schema=reference("MergePatch"), limit=limit, media_types=(JSON, MERGE_PATCH)),
        schema=schema,
        conditional=True,
    )
    yield Route(
        method="GET",
        path=f"{path}/{{name}}",
        summary=f"Read the bare value of a variable of a {kind.kind}.",
        schema={},
        conditional=True,
    )
    yield Route(
        method="PUT",
        path=f"{path}/{{name}}",
        summary=f"Set a variable of a {kind.kind}; 201 if it is new.",
        body=Takes(schema={}, limit=limit),
        schema={},
        conditional=True,
        others=(HTTPStatus.CREATED,),
    )
    yield Route(
        method="DELETE",
        path=f"{path}/{{name}}",
        summary=f"Remove a variable of a {kind.kind}.",
        status=HTTPStatus.NO_CONTENT,
        conditional=True,
    )


def _member_routes(part: str, name: str, kind: type[Entity], limits: Limits) -> Iterator[Route]:
    path = f"{collection_path(Group)}/{{id}}/{part}"
    yield Route(
        method="GET",
        path=path,
        summary=f"List the {kind.collection} directly in a group.",
        parameters=(
            *page_parameters(kind, limits),
            flag("recursive", "Those in its subgroups too."),
        ),
        schema=reference(f"{kind.__name__}List"),
    )
    yield Route(
        method="PUT",
        path=f"{path}/{{{name}}}",
        summary=f"Put a {kind.kind} into a group; it may be there already.",
        status=HTTPStatus.NO_CONTENT,
        conditional=True,
    )
    yield Route(
        method="DELETE",
        path=f"{path}/{{{name}}}",
        summary=f"Take a {kind.kind} out of a group.",
        status=HTTPStatus.NO_CONTENT,
        conditional=True,
    )


def _inventory_routes(limits: Limits) -> Iterator[Route]:
    secrets = choice(
        "secrets", "Whether secrets are in it.", ("include", "omit"), default="include"
    )
    target = choice("target", "Who reads it.", ("taskflow", "ansible"), default="taskflow")
    for ending, media_type in BUNDLE_TYPES.items():
        is_json = ending == "json"
        yield Route(
            method="GET",
            path=f"/v1/inventory/{{region_id}}.{ending}",
            summary="The region as an inventory script prints it."
            if is_json
            else f"The region as a bundle for Ansible, as {ending}.",
            parameters=(*(() if is_json else (target,)), secrets, *host_filters()),
            schema={"type": "object"} if is_json else None,
            media_types=(media_type,),
            conditional=True,
            lengthy=True,
        )
    yield Route(
        method="POST",
        path="/v1/inventory/{region_id}",
        summary="Import what `ansible-inventory --list --export` prints, all or nothing.",
        parameters=(
            choice("mode", "Whether what the document lacks stays.", ("merge", "replace"), "merge"),
            flag("dry_run", "Count, and write nothing."),
            number(
                "expect_max_deletes",
                "Refuse to delete more hosts and groups than this.",
                minimum=0,
                maximum=2**53,
            ),
        ),
        body=Takes(schema=reference("Inventory"), limit=limits.max_import_bytes),
        schema=reference("ImportReport"),
        lengthy=True,
    )
    yield Route(
        method="POST",
        path="/v1/batch/{region_id}",
        summary="Make many changes in a region, all or nothing.",
        body=Takes(schema=reference("Batch"), limit=limits.max_body_bytes),
        schema=reference("BatchResult"),
        lengthy=True,
    )
