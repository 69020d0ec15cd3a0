"""A bundle as a zip archive that is the same whenever its members are (PKWARE APPNOTE 6.3.10).

The standard library keeps every entry in memory until the end, and so do the streaming libraries.
Here the directory, which comes last, waits in a file.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from zlib_ng import zlib_ng

from craton.bundles.files import CHUNK, nameless_file
from craton.bundles.member import Contents, Member
from craton.bundles.tgz import LEVEL, MODE, SECRET_MODE

#: 1980-01-01 00:00, the earliest moment that the format knows: time, then date.
_MOMENT: Final = (0, 1 << 5 | 1)
_VERSION: Final = 45
_MADE_ON_UNIX: Final = 3 << 8 | _VERSION
_UTF8_NAME: Final = 1 << 11
_SIZES_BEHIND: Final = 1 << 3
_DEFLATED: Final = 8
_REGULAR_FILE: Final = 0o100000
_ZIP64_EXTRA: Final = 1
#: What stands in a field that is too small for its value; the value is in the zip64 record.
_SEE_ZIP64: Final = 0xFFFFFFFF
_MANY: Final = 0xFFFF

_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
_DESCRIPTOR: Final = struct.Struct("<4sIQQ")
_END64: Final = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR64: Final = struct.Struct("<4sIQI")
_END: Final = struct.Struct("<4sHHHHIIH")


@dataclass(frozen=True, slots=True)
class _Entry:
    name: bytes
    flags: int
    checksum: int
    compressed: int
    size: int
    offset: int
    mode: int


def archive(contents: Contents, directory: Path | None) -> Iterator[bytes]:
    """Yield members as a ``.zip``.

    Args:
        contents: The members.
        directory: Where the directory of the archive waits until it is written.
    """
    with nameless_file(directory) as waiting:
        offset = count = 0
        for member, pieces in contents:
            pack = _whole if member.size <= CHUNK else _in_pieces
            entry = yield from pack(member, pieces, offset)
            offset += _length(entry)
            count += 1
            waiting.write(_central(entry))
        length = waiting.tell()
        waiting.seek(0)
        while piece := waiting.read(CHUNK):
            yield piece
    yield _end(count, length, offset)


def _whole(member: Member, pieces: Iterator[bytes], offset: int) -> Generator[bytes, None, _Entry]:
    content = b"".join(pieces)
    packed = zlib_ng.compress(content, LEVEL, -zlib_ng.MAX_WBITS)
    checksum = zlib_ng.crc32(content)
    entry = replace(_entry(member, offset), checksum=checksum, compressed=len(packed))
    yield _local(entry) + packed
    return entry


def _in_pieces(
    member: Member, pieces: Iterator[bytes], offset: int
) -> Generator[bytes, None, _Entry]:
    """Pack a member whose sizes are known only behind it."""
    entry = replace(_entry(member, offset), flags=_UTF8_NAME | _SIZES_BEHIND)
    yield _local(entry)
    compressor = zlib_ng.compressobj(LEVEL, zlib_ng.DEFLATED, -zlib_ng.MAX_WBITS)
    checksum = compressed = 0
    for piece in pieces:
        checksum = zlib_ng.crc32(piece, checksum)
        packed = compressor.compress(piece)
        compressed += len(packed)
        yield packed
    packed = compressor.flush()
    compressed += len(packed)
    yield packed + _DESCRIPTOR.pack(b"PK\x07\x08", checksum, compressed, member.size)
    return replace(entry, checksum=checksum, compressed=compressed)


def _entry(member: Member, offset: int) -> _Entry:
    mode = SECRET_MODE if member.sealed else MODE
    return _Entry(member.name.encode(), _UTF8_NAME, 0, 0, member.size, offset, mode)


def _local(entry: _Entry) -> bytes:
    sizes = (entry.checksum, entry.compressed, entry.size)
    extra = b""
    if entry.flags & _SIZES_BEHIND:
        # The descriptor behind the content has sizes of 64 bits if, and only if, this record is.
        sizes = (0, _SEE_ZIP64, _SEE_ZIP64)
        extra = struct.pack("<HHQQ", _ZIP64_EXTRA, 16, 0, 0)
    head = _LOCAL.pack(
        b"PK\x03\x04",
        _VERSION,
        entry.flags,
        _DEFLATED,
        *_MOMENT,
        *sizes,
        len(entry.name),
        len(extra),
    )
    return head + entry.name + extra


def _length(entry: _Entry) -> int:
    behind = _DESCRIPTOR.size if entry.flags & _SIZES_BEHIND else 0
    return len(_local(entry)) + entry.compressed + behind


def _central(entry: _Entry) -> bytes:
    fields = [entry.size, entry.compressed, entry.offset]
    large = [value for value in fields if value >= _SEE_ZIP64]
    extra = b""
    if large:
        extra = struct.pack(f"<HH{len(large)}Q", _ZIP64_EXTRA, 8 * len(large), *large)
    size, compressed, offset = (min(value, _SEE_ZIP64) for value in fields)
    head = _CENTRAL.pack(
        b"PK\x01\x02",
        _MADE_ON_UNIX,
        _VERSION,
        entry.flags,
        _DEFLATED,
        *_MOMENT,
        entry.checksum,
        compressed,
        size,
        len(entry.name),
        len(extra),
        *(0, 0, 0),
        (_REGULAR_FILE | entry.mode) << 16,
        offset,
    )
    return head + entry.name + extra


def _end(count: int, length: int, offset: int) -> bytes:
    end64 = b""
    if count >= _MANY or length >= _SEE_ZIP64 or offset >= _SEE_ZIP64:
        rest = _END64.size - 12
        end64 = _END64.pack(
            b"PK\x06\x06", rest, _MADE_ON_UNIX, _VERSION, 0, 0, count, count, length, offset
        ) + _LOCATOR64.pack(b"PK\x06\x07", 0, offset + length, 1)
    count = min(count, _MANY)
    length, offset = min(length, _SEE_ZIP64), min(offset, _SEE_ZIP64)
    return end64 + _END.pack(b"PK\x05\x06", 0, 0, count, count, length, offset, 0)
