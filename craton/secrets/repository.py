"""The directory of the ``fernet`` store's keys: numbered files, as Keystone keeps its own.

The highest number is the primary key, which seals. 0 is the staged key, the next primary. All of
them open. A directory is copied to the other nodes between two rotations, so whatever one node
seals with a new primary key, the others can open already.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from cryptography.fernet import Fernet

from craton.errors import ConfigurationError
from craton.secrets import keys
from craton.secrets.keys import STAGED, Keyring

_NAME = re.compile(r"0|[1-9][0-9]{0,8}")

#: How often to begin again when files vanish while they are read.
_READ_ATTEMPTS: Final = 10

#: What differs once any key file was added, removed, written or given other permissions.
State: TypeAlias = tuple[tuple[str, int, int, int], ...]


class KeyRepository:
    """The keys in a directory.

    Changes are made by one process at a time, and each file appears whole, so that a reader sees
    the keys before a change or after it.

    Args:
        directory: Where the files are; it need not exist yet.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def state(self) -> State:
        """Return what tells whether the keys have to be read again.

        Raises:
            ConfigurationError: The directory cannot be read.
        """
        with self._explained():
            return tuple(
                (path.name, entry.st_ino, entry.st_ctime_ns, entry.st_size)
                for path, entry in self._entries()
            )

    def read(self) -> Keyring:
        """Read all keys.

        Raises:
            ConfigurationError: There is no primary key, the directory or a file cannot be read,
                holds no key or is open to others than its owner.
        """
        keyring = self._read()
        if keyring.primary is None:
            raise ConfigurationError(
                f"there are no keys for secrets in {self.directory}: copy them from another node, "
                "or run craton-manage secret-keys create if there is none"
            )
        return keyring

    def create(self) -> list[int]:
        """Make the primary and the staged key, whichever is missing; return their numbers.

        Raises:
            ConfigurationError: There are both, or they cannot be written.
        """
        with self._explained():
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            keyring = self._read()
            missing = [STAGED] if keyring.staged is None else []
            missing += [1] if keyring.primary is None else []
            for number in missing:
                self._write(number, Fernet.generate_key())
        if not missing:
            raise ConfigurationError(
                f"there are keys in {self.directory} already; to change them, "
                "run craton-manage secret-keys rotate"
            )
        return missing

    def rotate(self) -> int:
        """Make the staged key the primary one, and stage a new one.

        No key is removed: what is sealed goes on to open. One that was cut short is finished.

        Returns:
            The number of the primary key.

        Raises:
            ConfigurationError: There is no primary or no staged key, or they cannot be written.
        """
        with self._locked():
            keyring = self.read()
            primary, staged = keyring.primary, keyring.staged
            assert primary is not None
            if staged is None:
                raise ConfigurationError(
                    f"there is no staged key in {self.directory}: run craton-manage secret-keys "
                    "create, which makes one, and rotate when all nodes have it"
                )
            number = primary.number
            if staged.id != primary.id:
                number += 1
                self._write(number, staged.secret)
            self._write(STAGED, Fernet.generate_key())
        return number

    def prune(self, active: int, needed: Collection[str]) -> list[int]:
        """Remove the oldest keys.

        Args:
            active: How many keys to keep at least, the staged and the primary one among them.
            needed: The ids of keys that are kept in any case: something is sealed with them.

        Returns:
            The numbers of the removed keys.

        Raises:
            ConfigurationError: The files cannot be removed.
        """
        with self._locked():
            # The staged key counts as the newest.
            ordered = [key for key in self._read().keys.values() if key.number != STAGED]
            removed = [key.number for key in ordered[: -(active - 1)] if key.id not in needed]
            for number in removed:
                (self.directory / str(number)).unlink()
        return removed

    def _entries(self) -> list[tuple[Path, os.stat_result]]:
        keys.check_private(self.directory)
        names = sorted(filter(_NAME.fullmatch, os.listdir(self.directory)), key=int)  # noqa: PTH208
        paths = [self.directory / name for name in names]
        found = []
        for path in paths:
            try:
                found.append((path, path.stat()))
            except FileNotFoundError:
                continue  # removed a moment ago
        return found

    def _read(self) -> Keyring:
        with self._explained():
            for attempt in range(_READ_ATTEMPTS):
                try:
                    return Keyring([keys.read(path) for path, _ in self._entries()])
                except FileNotFoundError:
                    if attempt == _READ_ATTEMPTS - 1 or not self.directory.exists():
                        raise
        raise AssertionError("the last attempt returns or raises")

    def _write(self, number: int, secret: bytes) -> None:
        """Put a key into its place, on the disk for good before anything is sealed with it."""
        temporary = self.directory / f".{number}.new"
        temporary.unlink(missing_ok=True)
        owner = self.directory.stat()
        with open(temporary, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            # An administrator may do this for the service's user.
            if os.geteuid() == 0:
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(secret + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self.directory / str(number))
        self._flush_directory()

    def _flush_directory(self) -> None:
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._explained():
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise ConfigurationError(
                f"there is no key repository at {self.directory}: set [secrets] key_repository, "
                "or run craton-manage secret-keys create"
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"the key repository {self.directory} cannot be used: {error.strerror}; it must "
                "belong to the service's user"
            ) from error
