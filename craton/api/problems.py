"""Every error as ``application/problem+json`` (RFC 9457); a 500 tells nothing of its cause."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any, Final

import pecan.hooks
from webob import Response, exc

from craton.api.errors import MalformedRequest, NoSuchPath, headers_of, status_of
from craton.api.request import Request
from craton.errors import CratonError

LOG = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

#: A problem repeats what was wrong, but not ten megabytes of it.
_LONGEST: Final = 1000

_SILENCE: Final = "the service failed; its log has more under this request id"


class ProblemHook(pecan.hooks.PecanHook):
    """Turns whatever was raised into a problem document."""

    def on_error(self, state: Any, error: Exception) -> Response:
        """Answer instead of Pecan."""
        return problem(state.request, error)


def problem(request: Request, error: Exception) -> Response:
    """Make the answer that tells of an error; a fault of the service is logged."""
    if isinstance(error, exc.WSGIHTTPException):
        error = NoSuchPath() if error.status_int == HTTPStatus.NOT_FOUND else _from_pecan(error)
    status = status_of(error, conditional="HTTP_IF_MATCH" in request.environ)
    document: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": _SILENCE,
        "code": "internal_error",
        "request_id": request.request_id,
    }
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        LOG.error("Request %s failed", request.request_id, exc_info=error)
    elif isinstance(error, CratonError):
        document |= {"detail": error.message, "code": error.code}
        document |= {name: fact for name, fact in error.fields.items() if name not in document}
    return Response(
        body=_encode(document),
        status=status.value,
        headerlist=[("Content-Type", MEDIA_TYPE), *headers_of(error).items()],
    )


def _from_pecan(error: exc.WSGIHTTPException) -> CratonError:
    """Give an error of Pecan's own a class of ours; it has none but for malformed requests."""
    return MalformedRequest(f"the request is malformed: {error.title}")


def _encode(document: dict[str, object]) -> bytes:
    # Half of a surrogate pair in a client's string must not become an error of its own.
    short = {name: _shortened(fact) for name, fact in document.items()}
    return json.dumps(short, ensure_ascii=False, default=str).encode(errors="replace")


def _shortened(fact: object) -> object:
    if isinstance(fact, str) and len(fact) > _LONGEST:
        return f"{fact[:_LONGEST]}…"
    return fact
