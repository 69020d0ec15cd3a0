"""Whether a floor makes what Craton makes."""

from __future__ import annotations

import zlib

#: A floor that makes less than this share of the content, or as much more, is no floor.
_TOLERANCE = 0.1


class DishonestFloorError(Exception):
    """A floor does not make what Craton makes, so its time means nothing."""


def compare_content(floor: bytes, craton: bytes) -> str:
    """Check that both hold equally much, and say how much."""
    floor_size, craton_size = _content_size(floor), _content_size(craton)
    if abs(floor_size - craton_size) > _TOLERANCE * craton_size:
        raise DishonestFloorError(f"the floor makes {floor_size} bytes, Craton {craton_size}")
    return f"{craton_size / 1e6:.1f} MB; floor {floor_size / craton_size - 1:+.1%}"


def _content_size(document: bytes) -> int:
    if document[:2] != b"\x1f\x8b":
        return len(document)
    reader = zlib.decompressobj(31)
    size = 0
    view = memoryview(document)
    for start in range(0, len(document), 2**16):
        size += len(reader.decompress(view[start : start + 2**16]))
    return size
