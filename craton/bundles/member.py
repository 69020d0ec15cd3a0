"""What an archive is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias


class Member(NamedTuple):
    """One file of a bundle.

    Attributes:
        name: Its path, with slashes.
        size: In bytes.
        sha256: The digest of its content.
        start: Where its content begins in the spool.
        sealed: The length of what the spool holds instead, where the member is secret; else 0.
    """

    name: str
    size: int
    sha256: bytes
    start: int
    sealed: int = 0


#: Members in the order of the archive, each with its content in pieces, to be read in turn.
Contents: TypeAlias = Iterator[tuple[Member, Iterator[bytes]]]
