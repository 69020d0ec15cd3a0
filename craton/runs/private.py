"""Directories for what must not outlive a run, such as its secrets.

They lie in memory where the machine has such a place, nobody else can enter them, and each is
locked by whoever uses it. The kernel drops the lock of a process that is gone, however it went; so
what nobody holds is left over, and :meth:`PrivateDirectories.sweep` removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from craton.errors import ConfigurationError
from craton.runs.processes import end_marked

_PREFIX: Final = "craton-run-"

#: Less room than this, in bytes, is not worth to be chosen.
_ENOUGH: Final = 256 * 2**20

_IN_MEMORY: Final = {"tmpfs", "ramfs"}


class PrivateDirectories:
    """Makes private directories and removes them.

    Args:
        base: Where they are; without it a file system in memory that has room
            (``$XDG_RUNTIME_DIR``, ``/dev/shm``), else where the system has temporary files.

    Raises:
        ConfigurationError: ``base`` is not a directory that this process can write.
    """

    def __init__(self, base: Path | None = None) -> None:
        if base is not None and not (base.is_dir() and os.access(base, os.W_OK | os.X_OK)):
            raise ConfigurationError(f"{base} is not a directory that this user can write")
        self.base = base or _sensible_base()

    @contextmanager
    def make(self) -> Iterator[Path]:
        """Give an empty directory of mode 0700, and remove it with all that is in it."""
        path, lock = self._locked()
        try:
            yield path
        finally:
            remove(path)
            os.close(lock)

    def sweep(self) -> int:
        """Remove the directories whose owners are gone, and end what still runs in them.

        Returns:
            How many there were.
        """
        found = 0
        for path in sorted(self.base.glob(f"{_PREFIX}*")):
            with suppress(OSError):
                found += self._swept(path)
        return found

    def _swept(self, path: Path) -> bool:
        if path.is_symlink() or path.stat().st_uid != os.getuid():
            return False
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            end_marked(path)
            remove(path)
            return True
        finally:
            os.close(lock)

    def _locked(self) -> tuple[Path, int]:
        while True:
            path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self.base))
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Somebody who swept between the two calls took it for one that nobody wants.
            if path.exists():
                return path, lock
            os.close(lock)


def remove(path: Path) -> None:
    """Remove a directory with all that is in it; one that is gone already is fine."""
    shutil.rmtree(path, ignore_errors=True)
    with suppress(FileNotFoundError):
        _make_removable(path)
        shutil.rmtree(path)


def _make_removable(path: Path) -> None:
    for directory, _, _ in os.walk(path):
        Path(directory).chmod(0o700)


def _sensible_base() -> Path:
    for name in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):
        if name and _is_fit(Path(name)):
            return Path(name)
    return Path(tempfile.gettempdir())


def _is_fit(path: Path) -> bool:
    writable = path.is_dir() and os.access(path, os.W_OK | os.X_OK)
    return writable and _is_in_memory(path) and shutil.disk_usage(path).free >= _ENOUGH


def _is_in_memory(path: Path) -> bool:
    path = path.resolve()
    places = [
        (Path(partition.mountpoint), partition.fstype)
        for partition in psutil.disk_partitions(all=True)
        if path.is_relative_to(partition.mountpoint)
    ]
    return bool(places) and max(places, key=lambda place: len(place[0].parts))[1] in _IN_MEMORY
