"""The same requests through a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.fuzz.exchange import Answer, Fault, Request, fault, over_http

ROOT = Path(__file__).parents[2]


class Served:
    """A server in a process of its own.

    Attributes:
        sent: How many requests were sent.
    """

    def __init__(self, url: str, process: int) -> None:
        self.sent = 0
        self._send = over_http(url)
        self._process = psutil.Process(process)

    def ask(self, request: Request, longest: float | None = None) -> Answer:
        """Send a request and check its answer.

        Raises:
            Fault: The answer is not what all answers are.
        """
        self.sent += 1
        try:
            answer = self._send(request)
        except OSError as error:
            raise Fault(f"no answer: {error!r}\n{request.curl()}") from error
        wrong = fault(request.method, answer, longest)
        # What gunicorn refuses by itself never comes to the application.
        if wrong and answer.headers.get("content-type") != "text/html":
            raise Fault(f"{wrong}\n{request.curl()}")
        return answer

    def resident(self) -> int:
        """Return how much memory the server's processes have, in bytes."""
        family = [self._process, *self._process.children()]
        return sum(int(one.memory_info().rss) for one in family)


@contextmanager
def served(directory: Path) -> Iterator[Served]:
    """Start a server with its state in a directory."""
    state = directory / "served"
    state.mkdir()
    with (
        (directory / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.serving", str(state)],
            cwd=ROOT,
            env={**os.environ, "HOME": str(state), "PYTHONWARNINGS": "ignore"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, (directory / "log").read_text()
        try:
            yield Served(url, process.pid)
        finally:
            process.terminate()
