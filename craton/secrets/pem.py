"""The blocks of a PEM file (RFC 7468, and what OpenSSL and OpenSSH made of it before)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from craton.errors import InvalidValue

_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9][A-Z0-9 ]{0,62}[A-Z0-9])-----")
_HEADER = re.compile(rb"([A-Za-z0-9-]+):[ \t]*(.*)")


@dataclass(frozen=True)
class Block:
    """One block.

    Attributes:
        label: What it says it is, such as ``CERTIFICATE``.
        encrypted: Whether its head says that OpenSSL encrypted it.
        content: What the base64 stands for.
        text: The block with its first and last line.
    """

    label: str
    encrypted: bool
    content: bytes
    text: bytes


def blocks(payload: bytes, field: str = "payload") -> list[Block]:
    """Return the blocks of a payload; text around them may say what it likes.

    Raises:
        InvalidValue: There is no block, or one is not well formed. Nothing of it is told.
    """
    found = list(_blocks(payload, field))
    if not found:
        raise InvalidValue(
            field, "must be PEM (a line -----BEGIN …-----), or have another format than pem"
        )
    return found


def _blocks(payload: bytes, field: str) -> Iterator[Block]:
    lines: list[bytes] | None = None
    label = b""
    for line in payload.splitlines():
        stripped = line.rstrip()
        if begin := _BEGIN.fullmatch(stripped):
            if lines is not None:
                raise InvalidValue(field, "has a PEM block that begins inside of another")
            label, lines = begin[1], []
        elif lines is not None and stripped == b"-----END " + label + b"-----":
            yield _block(label.decode(), lines, field)
            lines = None
        elif lines is not None:
            lines.append(stripped)
        elif stripped.startswith((b"-----BEGIN", b"-----END")):
            raise InvalidValue(field, "has a PEM block with a first or last line that is malformed")
    if lines is not None:
        raise InvalidValue(field, "has a PEM block without its last line")


def _block(label: str, lines: list[bytes], field: str) -> Block:
    headers, body = _split(lines)
    try:
        content = base64.b64decode(b"".join(body), validate=True)
    except ValueError:
        raise InvalidValue(field, "has a PEM block that is not in base64") from None
    mark = label.encode()
    text = b"\n".join((b"-----BEGIN " + mark + b"-----", *lines, b"-----END " + mark + b"-----"))
    encrypted = b"ENCRYPTED" in headers.get(b"Proc-Type", b"")
    return Block(label=label, encrypted=encrypted, content=content, text=text + b"\n")


def _split(lines: list[bytes]) -> tuple[dict[bytes, bytes], list[bytes]]:
    """Split the lines of a block into headers and body; an empty line stands between them."""
    headers: dict[bytes, bytes] = {}
    for position, line in enumerate(lines):
        if match := _HEADER.fullmatch(line):
            headers[match[1]] = match[2]
        elif headers and not line:
            return headers, lines[position + 1 :]
        else:
            break
    return headers, lines
