"""What a key in PEM shows of its public half; a private half is read, and not shown."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import (
    dsa,
    ec,
    ed448,
    ed25519,
    rsa,
    x448,
    x25519,
)

from craton.jsontext import JsonValue
from craton.secrets.pem import Block

_OPENSSH: Final = "OPENSSH PRIVATE KEY"
_OPENSSH_MAGIC: Final = b"openssh-key-v1\0"

_ALGORITHMS: Final[tuple[tuple[type[Any], str], ...]] = (
    (rsa.RSAPublicKey, "rsa"),
    (ec.EllipticCurvePublicKey, "ec"),
    (ed25519.Ed25519PublicKey, "ed25519"),
    (ed448.Ed448PublicKey, "ed448"),
    (x25519.X25519PublicKey, "x25519"),
    (x448.X448PublicKey, "x448"),
    (dsa.DSAPublicKey, "dsa"),
)
_BITS_BY_ALGORITHM: Final = {"ed25519": 256, "x25519": 256, "ed448": 456, "x448": 448}

Shown = dict[str, JsonValue]


def of_private_key(block: Block) -> Shown:
    """Return the algorithm, the bits and the fingerprint of a private key.

    Raises:
        ValueError: It is no such key.
    """
    if block.label == _OPENSSH:
        return _of_openssh(block)
    if block.encrypted or block.label == "ENCRYPTED PRIVATE KEY":
        return {**_nothing(), "encrypted": True}
    try:
        # Whether the numbers of an RSA key fit each other takes seconds to find out for large
        # ones, and is not asked here.
        key = serialization.load_pem_private_key(
            block.text, None, unsafe_skip_rsa_key_validation=True
        )
    except UnsupportedAlgorithm:
        return {**_nothing(), "encrypted": False}
    return {**_shown(key.public_key()), "encrypted": False}


def of_public_key(block: Block) -> Shown:
    """Return the algorithm, the bits and the fingerprint of a public key.

    Raises:
        ValueError: It is no such key.
    """
    try:
        return _shown(serialization.load_pem_public_key(block.text))
    except UnsupportedAlgorithm:
        return _nothing()


def _of_openssh(block: Block) -> Shown:
    """Read OpenSSH's own format, which keeps the public key in the clear (PROTOCOL.key)."""
    if not block.content.startswith(_OPENSSH_MAGIC):
        raise ValueError("not OpenSSH's format")
    cipher, rest = _string(block.content[len(_OPENSSH_MAGIC) :])
    _, rest = _string(rest)
    _, rest = _string(rest)
    if rest[:4] != struct.pack(">I", 1):
        raise ValueError("not one key")
    public, _ = _string(rest[4:])
    encrypted = cipher != b"none"
    try:
        if not encrypted:
            serialization.load_ssh_private_key(block.text, None)
        name, _ = _string(public)
        line = name + b" " + base64.b64encode(public)
        shown = _shown(serialization.load_ssh_public_key(line))
    except UnsupportedAlgorithm:
        shown = {**_nothing(), "fingerprint": _fingerprint(public)}
    return {**shown, "encrypted": encrypted}


def _shown(key: Any) -> Shown:
    algorithm = next((name for kind, name in _ALGORITHMS if isinstance(key, kind)), None)
    bits = getattr(key, "key_size", _BITS_BY_ALGORITHM.get(algorithm or ""))
    try:
        line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        fingerprint = _fingerprint(base64.b64decode(line.split()[1]))
    except (UnsupportedAlgorithm, ValueError):
        # OpenSSH has no such keys.
        fingerprint = None
    return {"algorithm": algorithm, "bits": bits, "fingerprint": fingerprint}


def _nothing() -> Shown:
    return {"algorithm": None, "bits": None, "fingerprint": None}


def _fingerprint(public: bytes) -> str:
    digest = hashlib.sha256(public).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _string(data: bytes) -> tuple[bytes, bytes]:
    """Split a string with its length before it off the rest (RFC 4251)."""
    if len(data) < 4:
        raise ValueError("cut short")
    (length,) = struct.unpack_from(">I", data)
    if len(data) < 4 + length:
        raise ValueError("cut short")
    return data[4 : 4 + length], data[4 + length :]
