"""A line in the log for each request, and the id of the request in all lines that it causes.

A path may hold names, a query values and header fields tokens, so of the request only the method
and the route are told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from oslo_context.context import RequestContext
from oslo_log import log

from craton.api.request import CALLER, REQUEST_ID, ROUTE

if TYPE_CHECKING:
    from types import TracebackType
    from typing import TypeAlias

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    ExcInfo: TypeAlias = (
        tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
    )

#: A name of its own, so that it can be turned off or sent elsewhere.
LOG = log.getLogger("craton.access")

#: What a request is called that no route was found for.
_ELSEWHERE: Final = "other"

_PLAIN = re.compile(r"[!#-<>-~]+\Z")


class LogContext(RequestContext):
    """What oslo.log puts beside each message while a request is worked on; no token is in it."""

    def get_logging_values(self) -> dict[str, Any]:
        """Return the request's own id, and the one that a caller gave it."""
        return {"request_id": self.request_id, "global_request_id": self.global_request_id}


class Journal:
    """Middleware that notes every request once its answer is sent.

    Args:
        application: What answers.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does."""
        LogContext(
            request_id=environ.get(REQUEST_ID),
            global_request_id=environ.get("openstack.global_request_id"),
        )
        entry = Entry(environ)

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
        ) -> object:
            entry.status = int(status[:3])
            return start_response(status, headers, exc_info)

        return Noted(self._application(environ, start), entry)  # type: ignore[arg-type]


class Entry:
    """What is noted of one request.

    Attributes:
        status: The status of the answer; 0 before it has one.
        sent: How many bytes of the body the server took.
        is_whole: Whether that was all of it.
    """

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._environ = environ
        self._began = perf_counter()
        self.status = 0
        self.sent = 0
        self.is_whole = False

    def write(self) -> None:
        """Write the line."""
        if not LOG.isEnabledFor(log.INFO):
            return
        environ = self._environ
        facts = {
            "method": environ["REQUEST_METHOD"][:16],
            "route": environ.get(ROUTE) or _ELSEWHERE,
            "status": self.status,
            "milliseconds": round((perf_counter() - self._began) * 1000, 1),
            "bytes": self.sent,
            "whole": self.is_whole,
            "caller": environ.get(CALLER),
            "address": environ.get("REMOTE_ADDR"),
        }
        # In this form it can be read by eye, and by whatever reads logfmt.
        LOG.info(" ".join(f"{name}={word(fact)}" for name, fact in facts.items()), extra=facts)


class Noted:
    """The body of an answer, noted when the server is done with it."""

    def __init__(self, body: Iterable[bytes], entry: Entry) -> None:
        self._body = body
        self._entry = entry

    def __iter__(self) -> Iterator[bytes]:
        entry = self._entry
        for piece in self._body:
            entry.sent += len(piece)
            yield piece
        entry.is_whole = True

    def close(self) -> None:
        """Let the body end; WSGI calls this whatever happened."""
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._entry.write()


def word(fact: object) -> str:
    """Write a fact so that it is one word, whatever a client put into it."""
    if isinstance(fact, bool):
        return str(fact).lower()
    text = "-" if fact is None else str(fact)
    return text if _PLAIN.match(text) else json.dumps(text)
