"""A Redis of the tests' own: nothing kept on disk unless asked, loopback only."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.process import Process, binary, free_port


@dataclass
class Redis:
    """A running Redis.

    Attributes:
        process: The server, to pause, kill and start again; it keeps its port.
        port: Where it listens on 127.0.0.1.
    """

    process: Process
    port: int

    def command(self, *words: str) -> bytes:
        """Send one command and return the first kilobytes of the answer as they come."""
        request = f"*{len(words)}\r\n" + "".join(f"${len(w.encode())}\r\n{w}\r\n" for w in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request.encode())
            return connection.recv(4096)

    def clear(self) -> None:
        """Forget everything."""
        assert self.command("FLUSHALL") == b"+OK\r\n"


@contextmanager
def started(directory: Path, options: Sequence[str] = ()) -> Iterator[Redis]:
    """Start a Redis in a directory; it ends with the block.

    Args:
        directory: Made if missing; log and, if the options ask for them, data go there.
        options: More options of ``redis-server``; the last of several wins.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()

    def answers() -> bool:
        try:
            return redis.command("PING") == b"+PONG\r\n"
        except OSError:
            return False

    process = Process(
        "redis-server",
        [
            binary("redis-server", "redis-server"),
            *("--bind", "127.0.0.1", "--port", str(port), "--dir", str(directory)),
            *("--save", "", "--appendonly", "no", "--daemonize", "no"),
            *options,
        ],
        log=directory / "redis.log",
        answers=answers,
    )
    redis = Redis(process, port)
    process.start()
    try:
        yield redis
    finally:
        process.kill()
