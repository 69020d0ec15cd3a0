"""The working tree and the index, which follow the branch while people work in them.

Whoever changes the index of a repository holds ``index.lock``. The driver does too, from before it
looks whether anybody is in the way until all is done. Every step can be made twice, so a process
that is killed in between leaves nothing that the next one could not finish.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from craton.errors import Unavailable
from craton_driver_directory.git import Git, blob_name

#: How long to wait for another git command, in seconds; it may have an editor open.
_PATIENCE: Final = 2.5
_PAUSE: Final = 0.003

#: What our lock holds, so that nobody takes a lock that was left behind for one of git's.
_MARK: Final = b"craton\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What happens to one file.

    Attributes:
        before: Git's name for what it holds; ``None`` if it is new.
        content: What it is going to hold; ``None`` if it goes.
    """

    before: str | None
    content: bytes | None


class WorkingTree:
    """The files that people see.

    Args:
        git: The repository.
    """

    def __init__(self, git: Git) -> None:
        self._git, self._top = git, git.directory

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other git commands away; only one process of the driver may try at a time.

        Raises:
            Unavailable: One of them is at work for too long.
        """
        lock, mark = self._git.private / "index.lock", self._git.private / "craton-lock"
        mark.write_bytes(_MARK)
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                lock.hardlink_to(mark)
                break
            except FileExistsError as error:
                if self._clear():
                    continue
                if time.monotonic() > end:
                    raise Unavailable(
                        "another git command holds the index of the working tree"
                    ) from error
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)

    def check_untouched(self, steps: Mapping[str, Step], commit: str) -> None:
        """Insist that files are as they were in a commit, and none is behind a symbolic link.

        Raises:
            Unavailable: Somebody has changed one and not committed it.
        """
        safe = {self._top}
        for path, step in steps.items():
            for parent in (self._top / path).parents:
                if parent in safe:
                    break
                if parent.is_symlink():
                    raise Unavailable(f"{parent.relative_to(self._top)} is a symbolic link")
                safe.add(parent)
            if self._found(path, commit) != step.before:
                raise Unavailable(
                    f"{path} was changed in the working tree and not committed; commit it, or "
                    "undo it"
                )

    def follow(self, steps: Mapping[str, Step], commit: str) -> None:
        """Bring files and index to a commit; a file that somebody has changed since stays."""
        for path, step in steps.items():
            if self._found(path, commit) == step.before:
                self._put(path, step.content)
        index, ours = self._git.private / "index", self._git.private / "craton-index"
        ours.with_suffix(".lock").unlink(missing_ok=True)
        ours.unlink(missing_ok=True)
        if index.exists():
            shutil.copyfile(index, ours)
        self._git.update_index(
            ours.name,
            {
                path: blob_name(step.content, commit) if step.content is not None else None
                for path, step in steps.items()
            },
            commit,
        )
        ours.replace(index)

    def _clear(self) -> bool:
        """Remove the lock if it is our own, left by a process that was killed."""
        lock = self._git.private / "index.lock"
        try:
            left = lock.read_bytes() == _MARK
        except FileNotFoundError:
            return True
        if left:
            lock.unlink(missing_ok=True)
        return left

    def _found(self, path: str, like: str) -> str | None:
        file = self._top / path
        if file.is_symlink():
            return "a symbolic link"
        try:
            return blob_name(file.read_bytes(), like)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except IsADirectoryError:
            return "a directory"

    def _put(self, path: str, content: bytes | None) -> None:
        file = self._top / path
        if content is None:
            file.unlink(missing_ok=True)
            with suppress(OSError):
                for parent in file.parents:
                    if parent == self._top:
                        break
                    parent.rmdir()
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(".craton-new")
        new.write_bytes(content)
        new.replace(file)
