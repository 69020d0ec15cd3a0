"""A git pack, read in bounded memory.

What dulwich offers for this inflates and copies as much as a pack tells it to, and a few bytes can
tell it gigabytes. So packs are read here, by the format that git documents (gitformat-pack), and
every byte that an object will have is counted before it is made. An object is found by the digest
of what it holds, so nobody can pass one off as another.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from craton.references.allowance import FetchFailed

#: The types of objects, as dulwich numbers them too.
COMMIT: Final = 1
TREE: Final = 2
BLOB: Final = 3
_NAMES: Final = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob", 4: b"tag"}
_BY_OFFSET: Final = 6
_BY_ID: Final = 7
_ID_LENGTH: Final = 20
_SLICE: Final = 4096


@dataclass(frozen=True, slots=True)
class _Delta:
    offset: int
    base: int | bytes
    instructions: bytes


class Pack:
    """The objects of a pack.

    Args:
        data: The pack.
        limit: How many bytes all objects may have together, deltas included.
        clock: Called now and then, to raise when there is no time left.

    Raises:
        FetchFailed: It is no pack, or one that is larger inside.
    """

    def __init__(self, data: bytes, limit: int, clock: Callable[[], object]) -> None:
        self._data = data
        self._left = self._limit = limit
        self._clock = clock
        # By id, and by offset in the pack.
        self._known: dict[bytes | int, tuple[int, bytes]] = {}
        try:
            self._resolve(self._read())
        except (IndexError, zlib.error):
            _broken()

    def find(self, id: str, kind: int) -> bytes | None:
        """Return an object of this type by its id, in hexadecimal; ``None`` when it is not here."""
        found = self._known.get(bytes.fromhex(id))
        return found[1] if found is not None and found[0] == kind else None

    def _read(self) -> list[_Delta]:
        """Read every object, and return those that are made from others."""
        data = self._data
        checksum = hashlib.sha1(data[:-_ID_LENGTH], usedforsecurity=False).digest()
        if not data or checksum != data[-_ID_LENGTH:]:
            _broken()
        if data[:4] != b"PACK" or int.from_bytes(data[4:8], "big") not in {2, 3}:
            _broken()
        deltas: list[_Delta] = []
        position = 12
        for _ in range(int.from_bytes(data[8:12], "big")):
            offset = position
            kind, size, position = _header(data, position)
            base: int | bytes | None = None
            if kind == _BY_OFFSET:
                distance, position = _distance(data, position)
                base = offset - distance
            elif kind == _BY_ID:
                base = data[position : position + _ID_LENGTH]
                position += _ID_LENGTH
            content, position = self._inflate(position, size)
            if base is not None:
                deltas.append(_Delta(offset, base, content))
            elif kind in _NAMES:
                self._add(offset, kind, content)
            else:
                _broken()
        return deltas

    def _resolve(self, deltas: list[_Delta]) -> None:
        """Make objects from others until no more can be made; a base may stand behind."""
        while deltas:
            waiting = []
            for delta in deltas:
                base = self._known.get(delta.base)
                if base is None:
                    waiting.append(delta)
                else:
                    self._add(delta.offset, base[0], self._apply(base[1], delta.instructions))
            if len(waiting) == len(deltas):
                _broken()
            deltas = waiting

    def _add(self, offset: int, kind: int, content: bytes) -> None:
        header = b"%s %d\0" % (_NAMES[kind], len(content))
        id = hashlib.sha1(header + content, usedforsecurity=False).digest()
        self._known[id] = self._known[offset] = (kind, content)

    def _inflate(self, position: int, size: int) -> tuple[bytes, int]:
        self._spend(size)
        inflater = zlib.decompressobj()
        content = bytearray()
        while not inflater.eof:
            # In slices, because the inflater copies what stands behind the end.
            part = self._data[position : position + _SLICE]
            position += len(part)
            # One more than announced, so that it shows when there is more.
            content += inflater.decompress(part, size - len(content) + 1)
            if not part or len(content) > size or inflater.unconsumed_tail:
                _broken()
        if len(content) != size:
            _broken()
        return bytes(content), position - len(inflater.unused_data)

    def _apply(self, base: bytes, instructions: bytes) -> bytes:
        base_size, position = _number(instructions, 0)
        size, position = _number(instructions, position)
        if base_size != len(base):
            _broken()
        self._spend(size)
        made = bytearray()
        while position < len(instructions):
            if not position % 256:
                self._clock()
            instruction = instructions[position]
            position += 1
            if instruction & 0x80:
                start, length, position = _copy(instructions, position, instruction)
                piece = base[start : start + length]
            else:
                length = instruction
                piece = instructions[position : position + length]
                position += length
            if not length or len(piece) != length or len(made) + length > size:
                _broken()
            made += piece
        if len(made) != size:
            _broken()
        return bytes(made)

    def _spend(self, size: int) -> None:
        self._clock()
        self._left -= size
        if self._left < 0:
            raise FetchFailed(f"is in a commit of more than {self._limit} bytes")


def _header(data: bytes, position: int) -> tuple[int, int, int]:
    byte = data[position]
    position += 1
    kind, size, shift = byte >> 4 & 7, byte & 15, 4
    while byte & 0x80:
        byte = data[position]
        position += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if shift > 63:
            _broken()
    return kind, size, position


def _distance(data: bytes, position: int) -> tuple[int, int]:
    byte = data[position]
    position += 1
    distance = byte & 0x7F
    while byte & 0x80:
        byte = data[position]
        position += 1
        distance = (distance + 1 << 7) | byte & 0x7F
        if distance > 1 << 63:
            _broken()
    return distance, position


def _number(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return number, position
        if shift > 63:
            _broken()


def _copy(data: bytes, position: int, instruction: int) -> tuple[int, int, int]:
    numbers = []
    for flags, width in ((instruction & 0x0F, 4), (instruction >> 4 & 0x07, 3)):
        number = 0
        for byte in range(width):
            if flags & 1 << byte:
                number |= data[position] << 8 * byte
                position += 1
        numbers.append(number)
    start, length = numbers
    return start, length or 0x10000, position


def _broken() -> NoReturn:
    raise FetchFailed("comes in a git pack that is damaged")
