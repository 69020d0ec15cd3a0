"""Starts the installed commands as a user would, each with a home and a state of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.waiting import PATIENCE

BIN = Path(sys.executable).parent


@dataclass
class Place:
    """A directory for one test: configuration, state, home, temporary files.

    Attributes:
        directory: Where all of that is.
        home: The home directory of the commands.
        temporary: Their directory for temporary files.
        state: Their state_path.
    """

    directory: Path
    home: Path = field(init=False)
    temporary: Path = field(init=False)
    state: Path = field(init=False)

    def __post_init__(self) -> None:
        self.home, self.temporary = self.directory / "home", self.directory / "tmp"
        self.state = self.directory / "state"
        self.home.mkdir()
        self.temporary.mkdir()

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]),
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "LC_ALL": "C.UTF-8",
            "PYTHONWARNINGS": "ignore",
        }

    def configuration(self, text: str) -> str:
        """Write a configuration file and return its path."""
        path = self.directory / "craton.conf"
        path.write_text(f"[DEFAULT]\nstate_path = {self.state}\n{text}\n")
        return str(path)

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [str(BIN / command), *arguments],
            env=self.environment(),
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    @contextmanager
    def started(self, command: str, *arguments: str) -> Iterator[Running]:
        """Start a command, and make sure that it is gone in the end."""
        with (self.directory / "errors").open("a+") as errors:
            process = subprocess.Popen(
                [str(BIN / command), *arguments],
                env=self.environment(),
                cwd=self.directory,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            running = Running(process, errors.name)
            try:
                yield running
            finally:
                process.kill()
                process.wait()
                running.reader.join()

    @contextmanager
    def server(self, *arguments: str) -> Iterator[Running]:
        """Start ``craton-server`` on a free port and wait until it serves."""
        with self.started(
            "craton-server", "--state-path", str(self.state), "--port", "0", *arguments
        ) as running:
            running.url = running.line(containing="Craton serves").split()[-1]
            yield running

    @contextmanager
    def api(self, options: str = "") -> Iterator[Running]:
        """Start ``craton-api`` and wait until it serves."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        path = self.configuration(f"[api]\nport = {port}\n{options}")
        with self.started("craton-api", "--config-file", path) as running:
            running.url = f"http://127.0.0.1:{port}"
            running.wait_until_it_answers()
            yield running


class Running:
    """A command that runs; its output is read all the time, so that it never waits for us."""

    def __init__(self, process: subprocess.Popen[str], errors: str) -> None:
        self.process = process
        self.url = ""
        self.output: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self._errors = Path(errors)

    def line(self, *, containing: str) -> str:
        """Wait for a line of output."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for line in list(self.output):
                if containing in line:
                    return line.rstrip("\n")
            if not self.reader.is_alive():
                break
            time.sleep(0.02)
        raise AssertionError(f"no line with {containing!r}; errors:\n{self._errors.read_text()}")

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                requests.get(f"{self.url}/v1", timeout=PATIENCE)
                return
            except requests.ConnectionError:
                time.sleep(0.05)
        raise AssertionError(f"it does not answer; errors:\n{self._errors.read_text()}")

    def get(self, path: str) -> Any:
        answer = requests.get(f"{self.url}{path}", timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def create(self, path: str, **entity: object) -> str:
        """Create an entity and return its id."""
        answer = requests.post(f"{self.url}{path}", json=entity, timeout=PATIENCE)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End it without a chance to do anything."""
        self.process.kill()
        self.process.wait()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.output.append(line)
