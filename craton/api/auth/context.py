"""A context of its own for each request: what is known of a caller goes with them.

Threads are used again and again, and a body is often made when the handler has long returned. So a
request is worked on in a copy of the thread's context, its body too, and the copy is then dropped:
nothing has to be taken back, and nobody finds what belongs to somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import Context, copy_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class OwnContext:
    """Middleware that gives each request a context of its own.

    Args:
        application: What answers.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does."""
        context = copy_context()
        return Body(context, context.run(self._application, environ, start_response))


class Body:
    """The body of an answer, made in the context of its request.

    Args:
        context: The context.
        pieces: The body as it was given.
    """

    def __init__(self, context: Context, pieces: Iterable[bytes]) -> None:
        self._context = context
        self._pieces = pieces
        self._iterator: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._iterator is None:
            self._iterator = self._context.run(iter, self._pieces)
        return self._context.run(next, self._iterator)

    def close(self) -> None:
        """Let the body end; WSGI calls this whatever happened."""
        if hasattr(self._pieces, "close"):
            self._context.run(self._pieces.close)
