"""The store: a branch of a repository, one writer at a time, and a working tree that follows.

The truth is what the branch's last commit holds. A write makes a commit, then the working tree is
brought to it, if it shows that branch. A process that is killed in between leaves a note, and the
next writer brings the working tree up to date first.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from craton.errors import BackendFault, ConfigurationError, Unavailable
from craton_driver_directory.files import File
from craton_driver_directory.git import Git, GitError
from craton_driver_directory.worktree import Step, WorkingTree

_LOG = logging.getLogger(__name__)

#: How long a writer waits for another one, in seconds; the contract allows ten.
_PATIENCE: Final = 5.0

#: Between two looks at a lock, in seconds.
_PAUSE: Final = 0.003

#: What a new repository begins with: files are checked out as they were committed.
_FIRST: Final = {".gitattributes": b"tenants/** -text\n"}

_AWAY: Final = "the inventory's repository cannot be read or written"


class Repository:
    """A branch of the repository whose working tree is at a path.

    Args:
        path: The top of the working tree.
        branch: The branch that is the truth.
        author: Who makes commits: ``Name <address>``.
    """

    def __init__(self, path: Path, branch: str, author: str) -> None:
        self._path, self._branch, self._author = path, branch, author
        self._git = Git(path)
        self._tree = WorkingTree(self._git)
        self._turn = threading.Lock()

    def open(self) -> None:
        """Find the repository, or make it, and finish what a killed process left.

        Raises:
            ConfigurationError: There is no git, or no such branch in a repository that has others.
            Unavailable: The directory cannot be used.
        """
        with translated():
            self._path.mkdir(parents=True, exist_ok=True)
        if shutil.which("git") is None:
            raise ConfigurationError("the directory driver needs the program git; install it")
        with self.alone(), translated():
            if not self._git.find():
                self._git.run("init", "-q", "-b", self._branch, str(self._path))
                self._git.find()
            if self._git.tip(self._branch) is None:
                self._begin()
            try:
                self.settle()
            except Unavailable as error:
                _LOG.warning("%s; nothing can be written until it can", error)

    def close(self) -> None:
        """Let go of the repository."""
        self._git.close()

    def tip(self) -> str:
        """Return the last commit.

        Raises:
            Unavailable: There is none that could be read.
        """
        with translated():
            commit = self._git.tip(self._branch)
        if commit is None:
            raise Unavailable(f"the branch {self._branch!r} of the inventory has gone")
        return commit

    def files(self, commit: str, under: str) -> list[tuple[str, str, str]]:
        """Return path, mode and blob of each file of a commit under a directory."""
        with translated():
            return list(self._git.files(commit, under))

    def read(self, blob: str) -> bytes:
        """Return the content of a file."""
        with translated():
            return self._git.read(blob)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other writers away: threads by one lock, processes by another on the directory.

        Raises:
            Unavailable: Somebody else writes for too long.
        """
        end = time.monotonic() + _PATIENCE
        if not self._turn.acquire(timeout=_PATIENCE):
            raise Unavailable("somebody else has been writing for too long")
        try:
            with translated():
                directory = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                _lock(directory, end)
                yield
            finally:
                os.close(directory)
        finally:
            self._turn.release()

    def write(
        self,
        before: str,
        contents: Mapping[str, bytes | None],
        message: str,
        files: Mapping[str, File],
    ) -> str:
        """Commit, and let the working tree follow; only inside of :meth:`alone`.

        Args:
            before: The commit that the changes were made from.
            contents: The new content of each path that changes; ``None`` removes the file.
            message: The message.
            files: The files of the commit before.

        Returns:
            The new commit.

        Raises:
            Unavailable: Somebody has changed one of these files and not committed it, or has
                committed meanwhile. Nothing was written.
        """
        with translated():
            if not self._git.is_checked_out(self._branch):
                return self._commit(before, contents, message)
            steps = {
                path: Step(before=files[path].blob if path in files else None, content=content)
                for path, content in contents.items()
            }
            with self._tree.held():
                self._tree.check_untouched(steps, before)
                self._note.write_text(before)
                after = self._commit(before, contents, message)
                self._follow(steps, after)
        return after

    def settle(self) -> None:
        """Bring the working tree to the last commit if a killed process could not.

        Raises:
            Unavailable: Somebody's git command is in the way.
        """
        with translated():
            if not self._note.exists():
                return
            with self._tree.held():
                before, commit = self._note.read_text().strip(), self._git.tip(self._branch)
                steps: dict[str, Step] = {}
                if before and commit and self._git.is_checked_out(self._branch):
                    for path, old, new in self._git.changed(before, commit):
                        content = self._git.read(new) if new else None
                        steps[path] = Step(before=old, content=content)
                self._follow(steps, str(commit))
                if self._note.exists():
                    raise Unavailable("the working tree could not follow the last change")

    @property
    def _note(self) -> Path:
        """The file that names the commit that the working tree shows, while that is behind."""
        return self._git.private / "craton-behind"

    def _commit(self, before: str, contents: Mapping[str, bytes | None], message: str) -> str:
        try:
            return self._git.commit(self._branch, before, contents, self._about(message))
        except GitError as error:
            if self._git.tip(self._branch) != before:
                raise Unavailable("somebody else has committed at this moment", 1) from error
            raise

    def _follow(self, steps: Mapping[str, Step], commit: str) -> None:
        """Let the working tree follow. The commit stands, whatever happens now."""
        try:
            if steps:
                self._tree.follow(steps, commit)
            self._note.unlink()
        except (GitError, OSError) as error:
            _LOG.warning("the working tree does not show the last change: %s", error)

    def _begin(self) -> None:
        if not self._git.is_checked_out(self._branch):
            raise ConfigurationError(
                f"{self._path} has no branch {self._branch!r}: make it, or name another one in "
                "[directory] branch"
            )
        nothing = self._git.run("hash-object", "-w", "-t", "tree", "--stdin").decode().strip()
        first = {name: text for name, text in _FIRST.items() if not (self._path / name).exists()}
        self._note.write_text(nothing)
        self._git.commit(self._branch, None, first, self._about("Begin an inventory\n"))

    def _about(self, message: str) -> str:
        size = len(message.encode())
        return f"committer {self._author} {int(time.time())} +0000\ndata {size}\n{message}\n"


@contextmanager
def translated() -> Iterator[None]:
    """Turn what git and the system say into Craton's words; theirs stay in the cause."""
    try:
        yield
    except (GitError, OSError) as error:
        _LOG.warning("%s: %s", _AWAY, error)
        raise Unavailable(_AWAY) from error
    except UnicodeDecodeError as error:
        raise BackendFault("git said what is not understood") from error


def _lock(directory: int, end: float) -> None:
    while True:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > end:
                raise Unavailable("somebody else has been writing for too long") from error
            time.sleep(_PAUSE)
