"""A client that costs next to nothing, so that what is measured is the server.

The libraries spend more on a small answer than a bare server does. This knows HTTP/1.1 as gunicorn
speaks it: a length, or chunks.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

_CHUNK = 2**18
_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """An answer.

    Attributes:
        status: The status code.
        headers: By name in lower case.
        body: The content; empty when it was streamed elsewhere.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


class UnexpectedStatusError(Exception):
    """The server answered something else than was asked for."""


class Connection:
    """A connection that is kept alive, and opened again where the server closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._host = f"{host}:{port}".encode()
        self._socket: socket.socket | None = None
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._rest = b""

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, *, expect: int = 200
    ) -> Response:
        """Make a GET request and read the whole answer.

        Raises:
            UnexpectedStatusError: The status is not the expected one.
            OSError: The connection broke.
        """
        return self._exchange(b"GET", path, headers or {}, b"", expect)

    def post(self, path: str, body: bytes, *, expect: int = 200) -> Response:
        """Make a POST request with a JSON body and read the whole answer.

        Raises:
            UnexpectedStatusError, OSError: As for :meth:`get`.
        """
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        return self._exchange(b"POST", path, headers, body, expect)

    def download(self, path: str) -> tuple[int, str]:
        """Read an answer to its end and forget it; return its size and its ETag.

        Raises:
            UnexpectedStatusError, OSError: As for :meth:`get`.
        """
        status, headers = self._ask(b"GET", path, {}, b"")
        size = sum(len(piece) for piece in self._content(headers))
        self._expect(200, Response(status=status, headers=headers))
        return size, headers.get("etag", "")

    def _exchange(
        self, method: bytes, path: str, headers: Mapping[str, str], body: bytes, expect: int
    ) -> Response:
        status, found = self._ask(method, path, headers, body)
        content = b"" if status == 304 else b"".join(self._content(found))
        if found.get("connection") == "close":
            self.close()
        response = Response(status=status, headers=found, body=content)
        self._expect(expect, response)
        return response

    def _expect(self, status: int, response: Response) -> None:
        if response.status != status:
            text = response.body[:500].decode(errors="replace")
            raise UnexpectedStatusError(f"{response.status} instead of {status}: {text}")

    def _ask(
        self, method: bytes, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str]]:
        lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())
        request = b"%b %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (
            method,
            path.encode(),
            self._host,
            lines,
        )
        if self._socket is not None:
            try:
                return self._send(request, body)
            except ConnectionError:
                self.close()  # it was idle for too long
        self._socket = socket.create_connection(self._address, timeout=_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._send(request, body)

    def _send(self, request: bytes, body: bytes) -> tuple[int, dict[str, str]]:
        assert self._socket is not None
        self._socket.sendall(request)
        if body:
            self._socket.sendall(body)
        head = self._until(b"\r\n\r\n").decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return int(first.split(" ", 2)[1]), headers

    def _content(self, headers: Mapping[str, str]) -> Iterator[bytes]:
        if headers.get("transfer-encoding") != "chunked":
            yield from self._exactly(int(headers.get("content-length", "0")))
            return
        while size := int(self._until(b"\r\n"), 16):
            yield from self._exactly(size)
            self._until(b"\r\n")
        self._until(b"\r\n")

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self._rest or self._receive()
            self._rest = piece[size:]
            piece = piece[:size]
            size -= len(piece)
            yield piece

    def _until(self, mark: bytes) -> bytes:
        while (end := self._rest.find(mark)) < 0:
            self._rest += self._receive()
        found = self._rest[:end]
        self._rest = self._rest[end + len(mark) :]
        return found

    def _receive(self) -> bytes:
        assert self._socket is not None
        piece = self._socket.recv(_CHUNK)
        if not piece:
            raise ConnectionResetError("the server closed the connection")
        return piece
