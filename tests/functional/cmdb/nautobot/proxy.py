"""What stands between Craton and a Nautobot: HTTPS, and whatever can go wrong on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import requests

from tests.services import tls
from tests.services.tls import Authority, Request, Server

#: Seconds that Nautobot may take.
PATIENCE: Final = 120


class Proxy:
    """Passes requests on by HTTPS, with an authority of its own, unless told otherwise.

    Attributes:
        url: Where it listens; it keeps its port.
        authority: Who vouches for it.
        paths: The paths of all requests so far, with the method before each.
    """

    def __init__(self, directory: Path, target: str) -> None:
        self.authority = Authority(directory)
        self.target = target
        self.paths: list[str] = []
        self._session = requests.Session()
        self._released = threading.Event()
        self._stack = ExitStack()
        self._port = 0
        self.start()
        self.url = self._server.url

    def start(self) -> None:
        """Listen."""
        self._server: Server = self._stack.enter_context(
            tls.started(self.authority, self.forward, port=self._port)
        )
        self._port = self._server.port

    def stop(self) -> None:
        """Do not listen any more."""
        self._released.set()
        self._stack.close()

    def close(self) -> None:
        """Stop, and let go of everything."""
        self.stop()
        self._session.close()

    def answer(self, function: Callable[[Request], None]) -> None:
        """Answer by this function from now on."""
        self._server.answer(function)

    @contextmanager
    def misbehaving(self, function: Callable[[Request], None]) -> Iterator[None]:
        """Answer by this function in the block."""
        self._released.clear()
        self.answer(function)
        try:
            yield
        finally:
            self._released.set()
            self.answer(self.forward)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Do not listen in the block; a connection that was made before is closed."""
        self.answer(hang_up)
        self.stop()
        try:
            yield
        finally:
            self.start()

    def ask(self, request: Request) -> requests.Response:
        """Return Nautobot's own answer."""
        self.paths.append(f"{request.command} {request.path.partition('?')[0]}")
        return self._session.request(
            request.command,
            self.target + request.path,
            data=request.body(),
            headers={
                name: request.headers[name]
                for name in ("Authorization", "Content-Type")
                if name in request.headers
            },
            timeout=PATIENCE,
        )

    def forward(self, request: Request) -> None:
        """Answer as Nautobot does."""
        answer = self.ask(request)
        request.send(answer.content, answer.status_code, {"Content-Type": "application/json"})

    def cut(self, request: Request) -> None:
        """Promise the whole answer, and send half of it."""
        content = self.ask(request).content
        request.send_response_only(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[: len(content) // 2])
        request.close_connection = True

    def halve(self, request: Request) -> None:
        """Send half of the answer as if it were the whole."""
        content = self.ask(request).content
        request.send(content[: len(content) // 2])

    def keep_silent(self, request: Request) -> None:
        """Say nothing until the block is over."""
        request.body()
        self._released.wait(PATIENCE)
        request.close_connection = True

    def trickle(self, request: Request) -> None:
        """Promise much, and send a byte now and then until the block is over."""
        request.body()
        request.send_response_only(200)
        request.send_header("Content-Length", "100000000")
        request.end_headers()
        while not self._released.wait(0.05):
            request.wfile.write(b" ")
            request.wfile.flush()
        request.close_connection = True


def hang_up(request: Request) -> None:
    """End the connection without an answer."""
    request.close_connection = True


def fail(request: Request) -> None:
    """Say that something went wrong inside."""
    request.body()
    request.send(b'{"error": "OperationalError"}', 500)


def talk_nonsense(request: Request) -> None:
    """Answer, as if nothing were wrong, with a page for people."""
    request.body()
    request.send(b"<!doctype html><title>Nautobot</title>")


def deny(request: Request) -> None:
    """Refuse the token."""
    request.body()
    request.send(b'{"detail": "Invalid token"}', 403)
