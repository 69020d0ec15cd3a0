"""The host and the name that a payload belongs to, put into the same box as the payload.

The frame is canonical: a label, then the id and the name, each behind its length, then the payload
to the end. Two different triples never give the same bytes, so that no part can pass for another.
"""

from __future__ import annotations

import hmac
import struct
from typing import Final

_LABEL: Final = b"craton secret 1\0"
_LENGTH: Final = struct.Struct(">I")


def bind(payload: bytes, host_id: str, name: str) -> bytes:
    """Return the payload together with what it belongs to."""
    return _head(host_id, name) + payload


def unbind(frame: bytes, host_id: str, name: str) -> bytes | None:
    """Return the payload of a frame, or ``None`` if it belongs to another host or name.

    Whoever made the frame must be known by now: this tells what it is for, not who made it.
    """
    head = _head(host_id, name)
    if not hmac.compare_digest(frame[: len(head)], head):
        return None
    return frame[len(head) :]


def _head(host_id: str, name: str) -> bytes:
    parts = (text.encode() for text in (host_id, name))
    return _LABEL + b"".join(_LENGTH.pack(len(part)) + part for part in parts)
