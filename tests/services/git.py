"""Git repositories behind an HTTPS server, served by git's own ``git http-backend``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.services.process import binary
from tests.services.tls import Request

_WHO = {
    "GIT_AUTHOR_NAME": "Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.org",
    "GIT_COMMITTER_NAME": "Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.org",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


@dataclass
class Repository:
    """A repository with a working tree, in a directory from which it is served."""

    path: Path

    def git(self, *words: str) -> str:
        """Run git in the working tree and return what it says."""
        done = subprocess.run(
            [binary("git", "git"), *words],
            cwd=self.path,
            env=os.environ | _WHO,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, files: Mapping[str, bytes]) -> str:
        """Commit files and return the commit's id."""
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")
        return self.git("rev-parse", "HEAD")


def made(path: Path, *, filters: bool = True) -> Repository:
    """Make an empty repository; whether it leaves out what a client does not want is a setting."""
    path.mkdir(parents=True)
    repository = Repository(path)
    repository.git("init", "--quiet", "--initial-branch", "main")
    repository.git("config", "uploadpack.allowFilter", str(filters).lower())
    repository.git("config", "http.receivepack", "false")
    return repository


class Backend:
    """Answers requests by ``git http-backend`` (a CGI program) for the repositories of a directory.

    Attributes:
        traffic: How many bytes were sent in answer to each request.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.traffic: list[int] = []

    def __call__(self, request: Request) -> None:
        path, _, query = request.path.partition("?")
        body = request.body() if request.command == "POST" else b""
        names = ("Content-Type", "Content-Encoding", "Git-Protocol")
        headers = {
            ("CONTENT_TYPE" if name == "Content-Type" else f"HTTP_{name.upper()}").replace(
                "-", "_"
            ): request.headers[name]
            for name in names
            if name in request.headers
        }
        done = subprocess.run(
            [binary("git", "git"), "http-backend"],
            input=body,
            capture_output=True,
            env=os.environ
            | _WHO
            | headers
            | {
                "GIT_PROJECT_ROOT": str(self._root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": request.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_LENGTH": str(len(body)),
                "REMOTE_ADDR": "127.0.0.1",
            },
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(lines.pop("Status", "200").split()[0])
        self.traffic.append(len(content))
        request.send(content, status, lines)
