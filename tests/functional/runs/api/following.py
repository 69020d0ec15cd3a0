"""A client that follows events as a browser does, on a socket of its own."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from tests.waiting import PATIENCE


@dataclass(frozen=True)
class Message:
    """One server-sent event."""

    id: int | None
    name: str
    data: Any


class Stream:
    """One connection to a stream of events.

    Args:
        url: Where the events are.
        after: The number of the last event that is known, as ``Last-Event-ID``.
        receive: The size of the buffer for what was not read yet; the system's own by default.
    """

    def __init__(self, url: str, after: int | None = None, receive: int | None = None) -> None:
        parts = urlsplit(url)
        self.socket = socket.socket()
        if receive is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect((str(parts.hostname), parts.port or 80))
        except OSError:
            self.close()
            raise
        lines = [
            f"GET {parts.path}{'?' + parts.query if parts.query else ''} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Accept: text/event-stream",
            *([] if after is None else [f"Last-Event-ID: {after}"]),
        ]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self._rest = b""
        try:
            head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        except (OSError, EOFError):
            self.close()
            raise
        self.status = int(head[0].split()[1])
        self.headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Message]:
        """Yield what comes, until the server ends it."""
        while True:
            try:
                block = self._until(b"\n\n").decode()
            except EOFError:
                return
            message = parsed(block)
            if message is not None:
                yield message

    def close(self) -> None:
        self.socket.close()

    def _until(self, end: bytes) -> bytes:
        while end not in self._rest:
            piece = self.socket.recv(2**16)
            if not piece:
                raise EOFError
            self._rest += piece
        found, _, self._rest = self._rest.partition(end)
        return found


def parsed(block: str) -> Message | None:
    """Read one block of a stream; ``None`` for a comment, or what is no event."""
    fields = dict(line.partition(": ")[::2] for line in block.split("\n") if line[:1] != ":")
    if "data" not in fields:
        return None
    id = fields.get("id")
    return Message(None if id is None else int(id), fields["event"], json.loads(fields["data"]))


def messages(body: bytes) -> list[Message]:
    """Read a stream that has ended."""
    found = (parsed(block) for block in body.decode().split("\n\n"))
    return [message for message in found if message is not None]
