"""Takes the connection of a client that follows events out of the hands of the server.

A server for threads, such as gunicorn's ``gthread``, would hold one of its few threads for as long
as the client follows. So the client's socket is taken: another descriptor of it is kept, and in the
place of the server's own comes one end of a pair of sockets that leads nowhere. Whatever the server
writes, shuts down and closes then is that.

Gunicorn gives the socket in the environment of the request. Other servers do not, and neither does
one that speaks HTTP/2 or TLS itself; there the answer is read as any other, by one of its threads.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from craton.api.request import SUBSCRIPTION
from craton.api.watching import Subscription, Watchers

if TYPE_CHECKING:
    from types import TracebackType
    from typing import TypeAlias

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    ExcInfo: TypeAlias = (
        tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
    )

#: Where gunicorn puts the socket.
_SOCKET: Final = "gunicorn.socket"


class Handover:
    """Middleware, the outermost, that lets ``watchers`` serve those who follow events.

    Args:
        application: What answers.
        watchers: Serve them.
    """

    def __init__(self, application: WSGIApplication, watchers: Watchers) -> None:
        self._application = application
        self._watchers = watchers

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, or let the answer be given elsewhere."""
        head = b""

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
        ) -> object:
            nonlocal head
            head = _head(status, headers)
            return start_response(status, headers, exc_info)

        body = self._application(environ, start)  # type: ignore[arg-type]
        subscription: Subscription | None = environ.pop(SUBSCRIPTION, None)
        if subscription is None:
            return body
        taken = _take(environ)
        if taken is None:
            return body
        connection, other_end = taken
        self._watchers.serve(connection, head, subscription)
        return Nothing(body, other_end)


class Nothing:
    """The body that the server sees instead of the events.

    Args:
        body: What the application gave.
        other_end: Where what the server writes goes.
    """

    def __init__(self, body: Iterable[bytes], other_end: socket.socket) -> None:
        self._body = body
        self._other_end = other_end

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        """Let the request end."""
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._other_end.close()


def _take(environ: WSGIEnvironment) -> tuple[socket.socket, socket.socket] | None:
    """Return the client's socket and where the server's words go; ``None`` if it cannot be had."""
    present = environ.get(_SOCKET)
    # A socket of TLS or of another kind of thread is of a class of its own.
    if type(present) is not socket.socket or environ.get("SERVER_PROTOCOL") not in {
        "HTTP/1.0",
        "HTTP/1.1",
    }:
        return None
    connection = present.dup()
    servers, other_end = socket.socketpair()
    # The server reads that the client said its last word, and so does not wait for more.
    other_end.shutdown(socket.SHUT_WR)
    os.dup2(servers.fileno(), present.fileno(), inheritable=False)
    servers.close()
    connection.setblocking(False)
    return connection, other_end


def _head(status: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"Date: {formatdate(usegmt=True)}",
        *(f"{name}: {value}" for name, value in headers),
        "Connection: close",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
