"""Starts other people's servers for tests: on loopback, in a directory of their own, never left.

A server dies with the thread that started it, even when that is killed: nothing is left behind
for the next run to trip over.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

#: Seconds. Longer than any server takes to start, so that only a hang meets it.
PATIENCE = 60


class ServiceError(Exception):
    """A server did not start, or ended by itself; the message holds the end of its log."""


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def binary(name: str, package: str) -> str:
    """The path of a program that a Debian package brings."""
    path = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"]))
    if path is None:
        raise ServiceError(f"{name} is missing: make test installs it (Debian package {package})")
    return path


class Process:
    """A server that runs as a child, with whatever processes it starts itself.

    Attributes:
        name: What the server is called in messages.
        log: Where its output goes.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        answers: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.name, self.log = name, log
        self._command, self._environment, self._user = command, environment, user
        self._answers, self._patience = answers, patience
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers in its own protocol.

        Raises:
            ServiceError: It ended, or does not answer.
        """
        wrapper = [binary("setpriv", "util-linux"), "--pdeathsig", "KILL"]
        if self._user is not None:
            wrapper += ["--reuid", self._user, "--regid", self._user, "--clear-groups"]
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                [*wrapper, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment,
                cwd=self.log.parent,
                start_new_session=True,
            )
        try:
            self.wait_until_it_answers()
        except BaseException:
            self.kill()
            raise

    def wait_until_it_answers(self) -> None:
        """Wait for a server that was started or continued."""
        deadline = time.monotonic() + self._patience
        while not self._answers():
            if not self.alive:
                raise ServiceError(f"{self.name} ended at once:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise ServiceError(f"{self.name} does not answer:\n{self.tail()}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """The id of the process, and of the group of all its processes."""
        if self._child is None:
            raise ServiceError(f"{self.name} was not started")
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._child is not None and self._child.poll() is None

    def pause(self) -> None:
        """Stop it where it is: connections stay open and nobody answers."""
        os.killpg(self.pid, signal.SIGSTOP)
        # On a busy machine a thread may answer once more after the signal was sent.
        deadline = time.monotonic() + self._patience
        while not all(map(_is_stopped, self._threads())) and time.monotonic() < deadline:
            time.sleep(0.005)

    def resume(self) -> None:
        """Let a paused server go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it without a chance to do anything."""
        if self._child is not None and self.alive:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, and wait until it has.

        Raises:
            ServiceError: It does not end.
        """
        if self._child is None or not self.alive:
            return
        self.resume()
        self._child.send_signal(how)
        try:
            self._child.wait(self._patience)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise ServiceError(f"{self.name} did not end:\n{self.tail()}") from error

    def _threads(self) -> Iterator[Path]:
        """What the system tells of each thread of each process of its own."""
        for process in psutil.process_iter():
            with suppress(ProcessLookupError, FileNotFoundError):
                if os.getpgid(process.pid) == self.pid:
                    yield from Path(f"/proc/{process.pid}/task").iterdir()

    def tail(self, lines: int = 30) -> str:
        """The end of what it said."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def _is_stopped(thread: Path) -> bool:
    """Whether a thread does nothing until it is told to go on, or is gone."""
    try:
        state = (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "TtZX"
