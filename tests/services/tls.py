"""An HTTPS server of the tests' own, with an authority that nobody else knows.

It answers by functions, which may misbehave in every way: they write to the connection themselves.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme


class Request(BaseHTTPRequestHandler):
    """One request, and the means to answer it."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def send(
        self, body: bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer properly."""
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self) -> bytes:
        """The request's body, whichever way it comes."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().strip(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self) -> None:
        self.server.requests.append(self)
        # A client that has enough hangs up.
        with suppress(ConnectionError, ssl.SSLError):
            self.server.answer(self)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, address: str, port: int, tls: ssl.SSLContext, answer: Callable[[Request], None]
    ) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.connections = 0
        self._tls = tls
        super().__init__((address, port), Request)

    def finish_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any
    ) -> None:
        assert isinstance(request, socket.socket)
        # In the thread of the connection: a client that is slow with TLS holds up nobody else.
        self.connections += 1
        with suppress(OSError), self._tls.wrap_socket(request, server_side=True) as connection:
            super().finish_request(connection, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """What goes wrong here shows in the client under test."""


@dataclass
class Authority:
    """A certificate authority, and its certificate as a file."""

    directory: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        self.file = self.directory / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.file))

    def context(self, names: Sequence[str]) -> ssl.SSLContext:
        """The settings of a server that goes by these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names).configure_cert(context)
        return context


@dataclass
class Server:
    """A running server.

    Attributes:
        port: Where it listens.
        url: Its address by the name localhost, without a slash at the end.
    """

    server: _Server
    port: int

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def requests(self) -> list[Request]:
        return self.server.requests

    @property
    def connections(self) -> int:
        return self.server.connections

    def answer(self, function: Callable[[Request], None]) -> None:
        """Answer by this function from now on."""
        self.server.answer = function


def not_found(request: Request) -> None:
    request.send(b"nothing here", 404)


@contextmanager
def started(
    authority: Authority,
    answer: Callable[[Request], None] = not_found,
    *,
    names: Sequence[str] = ("localhost", "127.0.0.1"),
    address: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[Server]:
    """Start a server; it ends with the block."""
    server = _Server(address, port, authority.context(names), answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Server(server, server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
