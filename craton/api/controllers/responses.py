"""Answers, made of bytes that are JSON already."""

from __future__ import annotations

from http import HTTPStatus

from webob import Response

from craton.api.representation import encode
from craton.api.routes import JSON
from craton.models import Entity


def json_response(
    body: bytes, status: HTTPStatus = HTTPStatus.OK, revision: str | None = None
) -> Response:
    """Answer with JSON; a revision becomes the entity tag."""
    headers = [("Content-Type", JSON), ("Content-Length", str(len(body)))]
    if revision is not None:
        headers.append(entity_tag(revision))
    return Response(body=body, status=status.value, headerlist=headers)


def entity_response(entity: Entity, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Answer with an entity and its tag."""
    return json_response(encode(entity), status, entity.revision)


def no_content(revision: str | None = None) -> Response:
    """Answer that it is done."""
    headers = [] if revision is None else [entity_tag(revision)]
    return Response(status=HTTPStatus.NO_CONTENT.value, headerlist=headers)


def not_modified(revision: str) -> Response:
    """Answer that the client has it already."""
    return Response(status=HTTPStatus.NOT_MODIFIED.value, headerlist=[entity_tag(revision)])


def entity_tag(revision: str) -> tuple[str, str]:
    """Return the header field that names a revision."""
    return "ETag", f'"{revision}"'
