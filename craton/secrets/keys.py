"""The keys of the ``fernet`` store, as they are read from their files."""

from __future__ import annotations

import base64
import hashlib
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet

from craton.errors import ConfigurationError

#: The number of the key that is primary after the next rotation.
STAGED: Final = 0

_KEY = re.compile(rb"([0-9A-Za-z_-]{43}=)\n?")
_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes:
        number: The name of its file.
        secret: The key itself, in base64.
    """

    number: int
    secret: bytes = field(repr=False)

    @cached_property
    def id(self) -> str:
        """What stands beside all that the key sealed: 16 digits, which say nothing of the key."""
        raw = base64.urlsafe_b64decode(self.secret)
        return hashlib.sha256(b"craton key id\0" + raw).hexdigest()[:16]

    @cached_property
    def fernet(self) -> Fernet:
        """What seals and opens with the key."""
        return Fernet(self.secret)


class Keyring:
    """All keys that there are at one moment.

    Attributes:
        keys: By number.
        staged: The next primary key; ``None`` if there is none.
        primary: The key that seals; ``None`` if there is none.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = {key.number: key for key in sorted(keys, key=lambda key: key.number)}
        self.staged = self.keys.get(STAGED)
        self.primary = self.keys[highest] if (highest := max(self.keys, default=STAGED)) else None
        self._by_id = {key.id: key for key in self.keys.values()}

    def find(self, id: str) -> Key | None:
        """Return the key of this id, or ``None``."""
        return self._by_id.get(id)


def read(path: Path) -> Key:
    """Read a key's file.

    Raises:
        ConfigurationError: It holds no key, or others than its owner may read or change it.
        OSError: It cannot be read.
    """
    check_private(path)
    match = _KEY.fullmatch(path.read_bytes())
    # The last digit of 32 bytes in base64 has two bits that must be zero.
    if match is None or base64.urlsafe_b64encode(base64.urlsafe_b64decode(match[1])) != match[1]:
        raise ConfigurationError(
            f"{path} holds no key: restore it, or remove it if no secret was sealed with it"
        )
    return Key(int(path.name), match[1])


def check_private(path: Path) -> None:
    """Check that a file or a directory is its owner's alone.

    Raises:
        ConfigurationError: Others may do something with it.
        OSError: It cannot be asked.
    """
    mode = path.stat().st_mode
    if mode & _FOR_OTHERS:
        remedy = "700" if stat.S_ISDIR(mode) else "600"
        raise ConfigurationError(
            f"{path} is open to others than its owner (mode {stat.S_IMODE(mode):o}), and it "
            f"protects the secrets: chmod {remedy} {path}, and rotate the keys if others could read"
        )
