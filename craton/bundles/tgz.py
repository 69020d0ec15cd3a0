"""A bundle as a gzip-compressed tar archive that is the same whenever its members are.

Headers are those of :mod:`tarfile` with everything fixed but name and size. There may be a hundred
thousand, so for plain names they are filled in, not built.
"""

from __future__ import annotations

import struct
import tarfile
from collections.abc import Iterator
from typing import Final

from zlib_ng import zlib_ng

from craton.bundles.files import CHUNK
from craton.bundles.member import Contents, Member

#: Fast, and nearly as small as higher levels on such text.
LEVEL: Final = 2

#: Who may read a member once it is unpacked.
MODE: Final = 0o644
SECRET_MODE: Final = 0o600

_BLOCK: Final = tarfile.BLOCKSIZE
_NAME_FIELD: Final = 100
#: No name, no time, no hint at the level, "unknown" as the system.
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_PADDING: Final = bytes(_BLOCK)
_END: Final = bytes(2 * _BLOCK)


def archive(contents: Contents) -> Iterator[bytes]:
    """Yield members as a ``.tgz``."""
    compressor = zlib_ng.compressobj(LEVEL, zlib_ng.DEFLATED, -zlib_ng.MAX_WBITS)
    checksum = length = 0
    yield _GZIP_HEADER
    for piece in _gathered(_tar(contents)):
        checksum = zlib_ng.crc32(piece, checksum)
        length += len(piece)
        if compressed := compressor.compress(piece):
            yield compressed
    yield compressor.flush() + struct.pack("<II", checksum, length & 0xFFFFFFFF)


def header(member: Member) -> bytes:
    """Return the blocks of a tar archive that stand in front of a member's content."""
    name = member.name.encode()
    plain = len(name) <= _NAME_FIELD and len(name) == len(member.name)
    if member.sealed or not plain or member.size >= 8**11:
        mode = SECRET_MODE if member.sealed else MODE
        return _tar_info(member.name, member.size, mode).tobuf(tarfile.PAX_FORMAT)
    size = b"%011o\0" % member.size
    checksum = _CHECKSUM + sum(name) + sum(size)
    return b"".join(
        (name.ljust(_NAME_FIELD, b"\0"), _OWNER, size, _TIME, b"%06o\0 " % checksum, _REST)
    )


def _tar_info(name: str, size: int, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = mode
    return info


_EMPTY: Final = _tar_info("", 0, MODE).tobuf(tarfile.PAX_FORMAT)
#: Mode and owner, from a header without a name and a size; then the time, and what is behind the
#: checksum, which counts as eight spaces itself.
_OWNER: Final = _EMPTY[100:124]
_TIME: Final = _EMPTY[136:148]
_REST: Final = _EMPTY[156:]
_CHECKSUM: Final = sum(_OWNER) + sum(_TIME) + sum(_REST) + 8 * ord(" ")


def _tar(contents: Contents) -> Iterator[bytes]:
    for member, pieces in contents:
        yield header(member)
        yield from pieces
        if remainder := member.size % _BLOCK:
            yield _PADDING[remainder:]
    yield _END


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= CHUNK:
            yield b"".join(waiting)
            waiting.clear()
            size = 0
    yield b"".join(waiting)
