"""Envelopes: contents of any size under a key of their own, and that key sealed by a secret store.

A secret store takes small payloads only, and may be far away. So an envelope begins with the sealed
key, and then has the contents in pieces, each encrypted and authenticated by AES-256-GCM from the
library ``cryptography``, which does so at memory speed. A piece's nonce is its number and whether
it is the last (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015), so that
pieces which were cut off, swapped or added are noticed. No nonce comes twice, because no key does.

The key opens for the owner and the name that it was sealed for, and so does the envelope.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from craton.errors import SealBroken
from craton.secrets.store import MAX_SEALED, SecretStore

_MAGIC: Final = b"craton envelope 1\n"
_LENGTH: Final = struct.Struct(">I")
_PIECE: Final = 2**20
_TAG: Final = 16
_KEY_BITS: Final = 256
_CHANGED: Final = "what is stored was changed"


def enclose(
    store: SecretStore, contents: Iterable[bytes | memoryview], owner: str, name: str
) -> Iterator[bytes]:
    """Yield the parts of an envelope.

    Args:
        store: Seals the key.
        contents: In any parts, which say nothing about the pieces.
        owner: The id of what the contents belong to.
        name: What they are to it.

    Raises:
        Unavailable: The store is away.
    """
    key = AESGCM.generate_key(_KEY_BITS)
    sealed = store.seal(key, owner, name).encode("ascii")
    head = _MAGIC + _LENGTH.pack(len(sealed)) + sealed
    yield head
    cipher = AESGCM(key)
    number = 0
    waiting = bytearray()
    for part in contents:
        waiting += part
        # The last piece is never empty unless everything is, so it stays until the end is known.
        while len(waiting) > _PIECE:
            yield cipher.encrypt(_nonce(number, last=False), bytes(waiting[:_PIECE]), head)
            del waiting[:_PIECE]
            number += 1
    yield cipher.encrypt(_nonce(number, last=True), bytes(waiting), head)


def disclose(store: SecretStore, envelope: bytes, owner: str, name: str) -> Iterator[bytes]:
    """Yield the contents piece by piece; none before it is known to be as it was.

    Raises:
        SealBroken: The envelope was changed or cut, belongs to another owner or name, or the key
            is gone.
        Unavailable: The store is away.
    """
    head, sealed = _head(envelope, owner, name)
    cipher = AESGCM(store.open(sealed, owner, name))
    view = memoryview(envelope)[len(head) :]
    size = _PIECE + _TAG
    pieces = max(1, -(-len(view) // size))
    for number in range(pieces):
        piece = view[number * size : (number + 1) * size]
        try:
            yield cipher.decrypt(_nonce(number, last=number == pieces - 1), piece, head)
        except InvalidTag as error:
            raise SealBroken(owner, name, _CHANGED) from error


def discard(store: SecretStore, envelope: bytes) -> None:
    """Let go of what the store keeps elsewhere for an envelope that nobody will open again.

    Raises:
        Unavailable: The store is away.
    """
    try:
        _, sealed = _head(envelope, "", "")
    except SealBroken:
        return
    store.discard(sealed)


def _head(envelope: bytes, owner: str, name: str) -> tuple[bytes, str]:
    """Return the head of an envelope, and the sealed key in it."""
    start = len(_MAGIC) + _LENGTH.size
    if not envelope.startswith(_MAGIC) or len(envelope) < start:
        raise SealBroken(owner, name, _CHANGED)
    (length,) = _LENGTH.unpack_from(envelope, len(_MAGIC))
    raw = envelope[start : start + length]
    if length > MAX_SEALED or len(raw) != length or not raw.isascii():
        raise SealBroken(owner, name, _CHANGED)
    return envelope[: start + length], raw.decode("ascii")


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
