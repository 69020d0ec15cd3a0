"""A way to a server that is cut off at a moment of the test's choice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Line:
    """Hands bytes on between clients and a server.

    Attributes:
        port: Where clients connect.
        cut_at: What a client sends when the line is to be cut, once; ``None`` never cuts.
        delivers: Whether the server still gets that.
        statements: How often ``cut_at`` was sent so far, since it was set.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.cut_at: bytes | None = None
        self.delivers = True
        self.statements = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Wait until every client has gone."""
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(30)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._join, args=(client,)))
                self._threads[-1].start()

    def _join(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._server) as server:
            answers = threading.Thread(target=_hand_on, args=(server, client, lambda data: True))
            answers.start()
            _hand_on(client, server, lambda data: self._passes(data, client, server))
            answers.join()

    def _passes(self, data: bytes, client: socket.socket, server: socket.socket) -> bool:
        if self.cut_at is None or self.cut_at not in data:
            return True
        self.statements += 1
        if self.statements > 1:
            return True
        # The server's answer, if there is one, finds nobody.
        client.shutdown(socket.SHUT_RDWR)
        if self.delivers:
            server.sendall(data)
            server.recv(65536)
        return False


def _hand_on(source: socket.socket, target: socket.socket, passes: Callable[[bytes], bool]) -> None:
    with suppress(OSError):
        while (data := source.recv(65536)) and passes(data):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def line_to(host: str, port: int) -> Iterator[Line]:
    """Lay a line to a server."""
    line = Line((host, port))
    try:
        yield line
    finally:
        line.close()
