"""Lists that are filled in any order and read one after the other, in bounded memory.

Hosts come from the store one by one, each with its groups; Ansible wants groups, each with its
hosts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from craton.bundles.files import nameless_file

#: How many bytes wait in memory, over all buckets, before they are written.
_WAITING: Final = 4 * 2**20


class Buckets:
    """Byte strings by key; the last :data:`_WAITING` bytes in memory, the rest in a file.

    Args:
        directory: Where the temporary file lives; it has no name there and vanishes by itself.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._file = nameless_file(directory)
        self._end = 0
        self._waiting: dict[str, list[bytes]] = {}
        self._size = 0
        self._written: dict[str, list[tuple[int, int]]] = {}

    def append(self, key: str, content: bytes) -> None:
        """Put something at the end of a bucket."""
        found = self._waiting.get(key)
        if found is None:
            found = self._waiting[key] = []
        found.append(content)
        self._size += len(content)
        if self._size >= _WAITING:
            self._flush()

    def __contains__(self, key: str) -> bool:
        return key in self._waiting or key in self._written

    def keys(self) -> set[str]:
        """Return the keys of all buckets that hold something."""
        return self._waiting.keys() | self._written.keys()

    def read(self, key: str) -> Iterator[bytes]:
        """Yield what a bucket holds, in the order in which it was put there."""
        for start, size in self._written.get(key, ()):
            self._file.seek(start)
            yield self._file.read(size)
        yield b"".join(self._waiting.get(key, ()))

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _flush(self) -> None:
        for key, waiting in self._waiting.items():
            content = b"".join(waiting)
            self._file.seek(self._end)
            self._file.write(content)
            self._written.setdefault(key, []).append((self._end, len(content)))
            self._end += len(content)
        self._waiting.clear()
        self._size = 0


def without_first_comma(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a bucket of things that have a comma in front each, without the very first one."""
    for piece in pieces:
        if piece:
            yield piece[1:]
            break
    yield from pieces
