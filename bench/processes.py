"""Servers as processes of their own: started, waited for, ended."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from bench import http

_PR_SET_PDEATHSIG = 1
_PATIENCE = 60.0
#: How long a server may finish what it does, in seconds.
_GRACE = 3.0
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server on loopback.

    Attributes:
        pid: Its process; those that serve are its children.
        host: The address.
        port: The port.
    """

    pid: int
    host: str
    port: int

    def cpu_seconds(self) -> float:
        """Return the processor time that its processes have spent."""
        parent = psutil.Process(self.pid)
        times = [process.cpu_times() for process in (parent, *parent.children(recursive=True))]
        return sum(time.user + time.system for time in times)

    def connect(self) -> http.Connection:
        return http.Connection(self.host, self.port)


@contextmanager
def craton_server(directory: Path, options: str = "") -> Iterator[Server]:
    """Run ``craton-server`` with its state in a directory, and with further configuration."""
    settings = directory / "bench.conf"
    settings.write_text(f"[DEFAULT]\nstate_path = {directory}\n[api]\nport = 0\n{options}")
    command = [
        "-c",
        "import sys; from craton.cmd.server import main; sys.exit(main())",
        f"--config-file={settings}",
    ]
    with _running(command, directory / "server.log", "/healthcheck") as server:
        yield server


@contextmanager
def floor_server(app: str, directory: Path) -> Iterator[Server]:
    """Run one of :mod:`bench.floors.serve`'s applications as Craton runs its own."""
    command = ["-m", "bench.floors.serve", app, str(directory)]
    with _running(command, directory / f"{app}.log", "/hello/ready") as server:
        yield server


@contextmanager
def _running(command: Sequence[str], log: Path, ready: str) -> Iterator[Server]:
    """Run Python with these arguments until the block ends; it must print its URL.

    Args:
        command: The arguments.
        log: Where its output goes.
        ready: A path that it answers once it serves.
    """
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[1],
            preexec_fn=_die_with_parent,
        )
    try:
        yield _wait(process, log, ready)
    finally:
        process.terminate()
        try:
            process.wait(timeout=_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()  # which ends its children, too
            process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path, ready: str) -> Server:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        for word in log.read_text().split():
            if word.startswith("http://"):
                url = urlsplit(word)
                server = Server(pid=process.pid, host=url.hostname or "", port=url.port or 0)
                if _answers(server, ready):
                    return server
                break
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")


def _answers(server: Server, path: str) -> bool:
    # Its socket is open before the application is there, and keeps who comes early waiting.
    try:
        with server.connect() as connection:
            connection.get(path)
    except OSError:
        return False
    return True


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:
        os._exit(1)
