"""What a bundle holds, between the store and the client: a file of contents, and one of names.

Contents are not compressed here; that is done while the client reads. Neither file has a name, so
nothing stays behind when a process dies.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias

from craton.bundles import tgz, zip
from craton.bundles.files import CHUNK, nameless_file
from craton.bundles.member import Contents, Member
from craton.errors import BackendFault

_RECORD: Final = struct.Struct("<HQQ32sI")


#: From what stands in the spool to the payload of a secret.
Unseal: TypeAlias = Callable[[bytes], bytes]


def _nothing_sealed(sealed: bytes) -> bytes:
    raise BackendFault("nothing here opens secrets")


class Format(Enum):
    """How members are packed; the value is the extension of the file."""

    TGZ = "tgz"
    ZIP = "zip"


class Spool:
    """The members of a bundle; a context manager that gives its room back.

    Members of which there are many are added by :meth:`add` in the order of their names, and their
    names go to the disk. The few others, by :meth:`writing`, come in any order.

    A secret is in here as it was sealed, and opened while it is packed.

    Args:
        directory: Where the temporary files live; by default where the system keeps such files.
        unseal: Opens what :meth:`add_sealed` was given.

    Attributes:
        etag: The ETag of what is in here; ``None`` when the region changed while it was read, so
            that nothing can be said.
        holds_secrets: Whether there is a secret among the members.
    """

    etag: str | None = None
    holds_secrets: bool = False

    def __init__(self, directory: Path | None = None, unseal: Unseal = _nothing_sealed) -> None:
        self.directory = directory
        self._unseal = unseal
        self._content = nameless_file(directory)
        self._index = nameless_file(directory)
        self._end = 0
        self._latest = ""
        self._others: list[Member] = []
        self._last: list[Member] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the files back; a second call does nothing."""
        self._content.close()
        self._index.close()

    def add(self, name: str, content: bytes) -> None:
        """Add a member whose name is behind those of all that were added before.

        Raises:
            BackendFault: It is not, so the store does not order by code point.
        """
        digest = hashlib.sha256(content).digest()
        self._append(Member(name, len(content), digest, self._end), content)

    def add_sealed(self, name: str, sealed: bytes) -> None:
        """Add a secret member, as :meth:`add` does. It is opened to see that this will work later.

        Raises:
            BackendFault: It is not in order, or does not open.
            Unavailable: What opens it is away.
        """
        content = self._unseal(sealed)
        digest = hashlib.sha256(content).digest()
        self._append(Member(name, len(content), digest, self._end, len(sealed)), sealed)
        self.holds_secrets = True

    def _append(self, member: Member, held: bytes) -> None:
        if member.name <= self._latest:
            raise BackendFault("the store does not order names by code point", name=member.name)
        self._latest = member.name
        name = member.name.encode()
        record = _RECORD.pack(len(name), member.size, member.start, member.sha256, member.sealed)
        self._index.write(record + name)
        self._content.write(held)
        self._end += len(held)

    @contextmanager
    def writing(self, name: str, *, last: bool = False) -> Iterator[Callable[[bytes], None]]:
        """Give a function that takes the content of one member, piece by piece.

        Args:
            name: The name of the member.
            last: Whether the member stands behind all others, whatever its name.
        """
        start = self._end
        digest = hashlib.sha256()
        waiting: list[bytes] = []
        size = 0

        def write(piece: bytes) -> None:
            nonlocal size
            waiting.append(piece)
            size += len(piece)
            if size >= CHUNK:
                flush()

        def flush() -> None:
            nonlocal size
            content = b"".join(waiting)
            waiting.clear()
            size = 0
            digest.update(content)
            self._content.write(content)
            self._end += len(content)

        yield write
        flush()
        member = Member(name, self._end - start, digest.digest(), start)
        (self._last if last else self._others).append(member)

    def finish(self) -> None:
        """Make everything that was written readable."""
        self._content.flush()
        self._index.flush()

    def members(self) -> Iterator[Member]:
        """Yield all members in their order, after :meth:`finish`."""
        others = sorted(self._others, key=attrgetter("name"))
        yield from heapq.merge(self._added(), others, key=attrgetter("name"))
        yield from self._last

    def contents(self) -> Contents:
        """Yield all members in their order, each with its content in pieces.

        The pieces have :data:`CHUNK` bytes at most, but for a secret, which is one piece. Read them
        before the next member.
        """
        window, begin = b"", 0
        for member in self.members():
            if member.sealed:
                yield member, iter((self._opened(member),))
                continue
            offset = member.start - begin
            if member.size <= CHUNK and not 0 <= offset <= len(window) - member.size:
                window, begin, offset = self._read(member.start, CHUNK), member.start, 0
            if member.size <= CHUNK:
                yield member, iter((window[offset : offset + member.size],))
            else:
                yield member, self._pieces(member)

    def archive(self, format: Format) -> Iterator[bytes]:
        """Yield the bundle, packed and compressed. Closing the iterator early ends the work."""
        if format is Format.TGZ:
            return tgz.archive(self.contents())
        return zip.archive(self.contents(), self.directory)

    def document(self) -> Iterator[bytes]:
        """Yield the one document that an inventory script prints (target ``script``)."""
        (member,) = self.members()
        return self._pieces(member)

    def _opened(self, member: Member) -> bytes:
        content = self._unseal(self._read(member.start, member.sealed))
        if hashlib.sha256(content).digest() != member.sha256:
            raise BackendFault("a secret opened to something else than before", name=member.name)
        return content

    def _pieces(self, member: Member) -> Iterator[bytes]:
        end = member.start + member.size
        for start in range(member.start, end, CHUNK):
            yield self._read(start, min(CHUNK, end - start))

    def _read(self, start: int, size: int) -> bytes:
        size = min(size, self._end - start)
        found = os.pread(self._content.fileno(), size, start)
        if len(found) != size:
            raise OSError("the spool is shorter than its index says")
        return found

    def _added(self) -> Iterator[Member]:
        offset, rest = 0, b""
        while piece := os.pread(self._index.fileno(), CHUNK, offset):
            offset += len(piece)
            rest += piece
            position = 0
            while position + _RECORD.size <= len(rest):
                length, size, start, digest, sealed = _RECORD.unpack_from(rest, position)
                begin = position + _RECORD.size
                if begin + length > len(rest):
                    break
                name = rest[begin : begin + length].decode()
                yield Member(name, size, digest, start, sealed)
                position = begin + length
            rest = rest[position:]
