"""The git commands that the driver needs, each a step that git itself makes whole or not at all.

The program, not a library: what it does with hooks, attributes, alternates, worktrees and other
programs' locks is what the people do who commit to the same repository.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

#: Files come and go byte by byte, whatever the user's settings.
_SETTINGS = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false")


class GitError(Exception):
    """Git did not do what it was asked for; the message is git's own, for the log alone."""


class Git:
    """One repository.

    Args:
        directory: The top of its working tree.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.private = directory / ".git"
        self._reader: subprocess.Popen[bytes] | None = None
        self._reading = threading.Lock()

    def find(self) -> bool:
        """Find the repository of the working tree, which may be elsewhere (``git worktree``)."""
        if not (self.directory / ".git").exists():
            return False
        found = self.run("rev-parse", "--absolute-git-dir", environment=_environment())
        self.private = Path(os.fsdecode(found.rstrip(b"\n")))
        return True

    def run(
        self, *arguments: str, data: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> bytes:
        """Run a command to its end and return what it prints.

        Raises:
            GitError: It ended with an error.
            OSError: It could not be started; there may be no git, or no directory.
        """
        done = subprocess.run(
            ["git", *_SETTINGS, *arguments],
            input=data,
            capture_output=True,
            cwd=self.directory,
            env=environment or self._environment(),
            check=False,
        )
        if done.returncode:
            raise GitError(f"git {arguments[0]}: {os.fsdecode(done.stderr).strip()}")
        return done.stdout

    def tip(self, branch: str) -> str | None:
        """Return the commit that a branch is at, or ``None``.

        Raises:
            OSError: The repository is away.
        """
        (self.private / "HEAD").stat()
        with self._reader_alone() as (_, answer):
            words = answer(f"info refs/heads/{branch}").split()
            if not words:
                raise GitError("git cat-file ended")
        return words[0].decode() if words[1:2] == [b"commit"] else None

    def files(self, commit: str, under: str) -> Iterator[tuple[str, str, str]]:
        """Yield path, mode and blob of each file of a commit under a directory."""
        listing = self.run("ls-tree", "-r", "-z", "--full-tree", commit, under)
        for entry in listing.split(b"\0")[:-1]:
            about, _, path = entry.partition(b"\t")
            mode, _, blob = about.decode().split()
            yield path.decode(errors="backslashreplace"), mode, blob

    def read(self, blob: str) -> bytes:
        """Return the content of a blob.

        Raises:
            GitError: The repository has no such blob.
        """
        with self._reader_alone() as (reader, answer):
            words = answer(f"contents {blob}").split()
            if words[1:2] != [b"blob"]:
                raise GitError(f"git cat-file: {blob} is missing")
            content: bytes = reader.read(int(words[2]) + 1)[:-1]
        return content

    def commit(
        self, branch: str, parent: str | None, contents: Mapping[str, bytes | None], about: str
    ) -> str:
        """Make a commit and move the branch to it, unless the branch moved away from the parent.

        Git makes all objects before it moves the branch, and moves it in one step.

        Args:
            branch: The branch.
            parent: The commit that the branch is at.
            contents: The new content of each path that changes; ``None`` removes the file. Paths
                need no quotes.
            about: Committer and message, as ``git fast-import`` takes them.

        Returns:
            The new commit.
        """
        parts = [b"feature done\n", f"commit refs/heads/{branch}\nmark :1\n{about}".encode()]
        if parent is not None:
            parts.append(f"from {parent}\n".encode())
        gone = (path for path, content in contents.items() if content is None)
        parts += [b"D %s\n" % path.encode() for path in gone]
        for path, content in contents.items():
            if content is not None:
                parts += [b"M 100644 inline %s\n" % path.encode(), _data(content)]
        parts.append(b"get-mark :1\ndone\n")
        return self.run("fast-import", "--quiet", "--done", data=b"".join(parts)).decode().strip()

    def is_checked_out(self, branch: str) -> bool:
        """Tell whether the working tree shows a branch."""
        return (self.private / "HEAD").read_text().strip() == f"ref: refs/heads/{branch}"

    def update_index(self, index: str, blobs: Mapping[str, str | None], like: str) -> None:
        """Say in an index what some paths hold.

        Args:
            index: The name of the file, in the repository.
            blobs: The blob at each path; ``None`` removes it.
            like: Any name in the repository's kind of hash.
        """
        gone = [path for path, blob in blobs.items() if blob is None]
        lines = [f"0 {'0' * len(like)}\t{path}" for path in gone]
        lines += [f"100644 {blob}\t{path}" for path, blob in blobs.items() if blob is not None]
        self.run(
            *("update-index", "-z", "--index-info"),
            data="".join(f"{line}\0" for line in lines).encode(),
            environment={**self._environment(), "GIT_INDEX_FILE": str(self.private / index)},
        )

    def changed(self, before: str, after: str) -> Iterator[tuple[str, str | None, str | None]]:
        """Yield path, old and new blob of each file in which two trees differ."""
        listing = self.run("diff-tree", "-r", "-z", "--no-renames", before, after)
        parts = listing.decode(errors="backslashreplace").split("\0")
        for about, path in zip(parts[:-1:2], parts[1::2], strict=True):
            _, _, old, new, _ = about.split()
            yield path, _blob(old), _blob(new)

    def close(self) -> None:
        """End the process that reads."""
        with self._reading:
            self._end()

    @contextmanager
    def _reader_alone(self) -> Iterator[tuple[IO[bytes], Callable[[str], bytes]]]:
        """Lend what ``git cat-file`` prints, and a way to ask it; after an error it starts anew."""
        with self._reading:
            if self._reader is None or self._reader.poll() is not None:
                self._end()
                self._reader = self._start()
            questions, answers = self._reader.stdin, self._reader.stdout
            assert questions is not None
            assert answers is not None

            def answer(question: str) -> bytes:
                questions.write(question.encode() + b"\n")
                questions.flush()
                return answers.readline()

            try:
                yield answers, answer
            except BaseException:
                self._end()
                raise

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["git", "cat-file", "--batch-command"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.directory,
            env=self._environment(),
        )

    def _end(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.kill()
            with reader:
                pass

    def _environment(self) -> dict[str, str]:
        places = {"GIT_DIR": str(self.private), "GIT_WORK_TREE": str(self.directory)}
        return {**_environment(), **places}


def blob_name(content: bytes, like: str) -> str:
    """Return git's name for a content, in the kind of hash that another name is."""
    algorithm = hashlib.sha1 if len(like) == 40 else hashlib.sha256
    return algorithm(b"blob %d\0" % len(content) + content).hexdigest()


def _environment() -> dict[str, str]:
    """Return the environment without what a hook, for example, would bring along."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


def _blob(name: str) -> str | None:
    return name if name.strip("0") else None


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
