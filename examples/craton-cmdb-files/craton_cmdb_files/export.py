"""An export that is there as a whole, and the word for one that is not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from craton.errors import Unavailable


def no_answer(where: str, why: str, retry_after: int = 30) -> Unavailable:
    """Make the error for an export that cannot be taken for what the CMDB has."""
    return Unavailable(f"{where}: {why}", retry_after)


def root(error: BaseException) -> BaseException:
    """Return what an error began with: the system's own, which knows neither URL nor secret."""
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return error


@dataclass(frozen=True)
class File:
    """A file of an export.

    Attributes:
        name: What to call it in messages.
        data: Its bytes, open for reading from any place.
        digest: SHA-256 of them, in hexadecimal digits.
    """

    name: str
    data: BinaryIO
    digest: str


@dataclass(frozen=True)
class Export:
    """All files, as they were at one moment.

    Attributes:
        files: In the order of their names.
        check: Raises ``Unavailable`` if a file was written to since then; asked at the end.
        validators: What to ask a server with the next time.
        count: How many rows there are, if that was said.
    """

    files: Sequence[File]
    check: Callable[[], None] = lambda: None
    validators: tuple[str, str] = ("", "")
    count: int | None = None

    @property
    def digest(self) -> str:
        """What differs when a name or a byte does."""
        text = "\n".join(f"{file.digest} {file.name}" for file in self.files)
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
