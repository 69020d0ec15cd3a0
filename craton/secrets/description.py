"""What anybody may know of a payload: enough to recognise a key or a certificate, not to use it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from craton.errors import InvalidValue
from craton.jsontext import JsonValue
from craton.secrets import pem, publickeys
from craton.secrets.pem import Block
from craton.variables import EMPTY, Variables

#: The format whose payloads are looked into.
PEM: Final = "pem"

#: How many blocks are described; a bundle of certificate authorities has hundreds.
MAX_BLOCKS: Final = 20

#: Larger ones are refused before anything computes with them: an RSA key of 16384 bits has less.
_MAX_KEY_BYTES: Final = 16 * 1024

_CERTIFICATES: Final = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})


@dataclass(frozen=True, kw_only=True)
class Description:
    """What anybody may know of a payload.

    Attributes:
        size: In bytes.
        sha256: Of the whole payload, in hexadecimal digits; ``None`` where that would tell too
            much. A password or a token in a format of the caller's own may be short enough to be
            guessed, and a digest tells who guessed right. What is PEM is not guessed.
        details: For PEM, ``blocks`` (see :func:`describe`) and ``count``, how many there are.
    """

    size: int
    sha256: str | None
    details: Variables


def describe(payload: bytes, format: str) -> Description:
    """Describe a payload by its format. Only ``pem`` is looked into; nothing is decrypted.

    Of each block, ``type`` says what it is: ``private key``, ``public key``, ``certificate``, or
    ``other`` with its ``label``. Keys have ``algorithm``, ``bits``, ``encrypted`` and
    ``fingerprint``, that of the public key as ``ssh-keygen -l`` prints it; what an encrypted key
    hides is null. Certificates have ``subject`` and ``issuer`` (RFC 4514), ``fingerprint`` (the
    SHA-256 as OpenSSL has it, without colons), ``not_before`` and ``not_after``.

    Raises:
        InvalidValue: The format is ``pem``, and the payload is not; nothing of it is told.
    """
    if format != PEM:
        return Description(size=len(payload), sha256=None, details=EMPTY)
    blocks = pem.blocks(payload)
    described = [_describe(block, f"block {number}") for number, block in enumerate(blocks, 1)]
    return Description(
        size=len(payload),
        sha256=hashlib.sha256(payload).hexdigest(),
        details=Variables({"blocks": described[:MAX_BLOCKS], "count": len(blocks)}),
    )


def _describe(block: Block, place: str) -> dict[str, JsonValue]:
    try:
        if block.label in _CERTIFICATES:
            return _certificate(block)
        if not block.label.endswith(("PRIVATE KEY", "PUBLIC KEY")):
            return {"type": "other", "label": block.label}
        if len(block.content) > _MAX_KEY_BYTES:
            raise InvalidValue("payload", f"{place} is too long for a key")
        if block.label.endswith("PRIVATE KEY"):
            return {"type": "private key", **publickeys.of_private_key(block)}
        return {"type": "public key", **publickeys.of_public_key(block)}
    except ValueError:
        # Without the error that the library raised, which may quote what it could not read.
        kind = block.label.lower()
        raise InvalidValue("payload", f"{place} cannot be read as {kind}") from None


def _certificate(block: Block) -> dict[str, JsonValue]:
    certificate = x509.load_der_x509_certificate(block.content)
    return {
        "type": "certificate",
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "fingerprint": certificate.fingerprint(hashes.SHA256()).hex(),
        "not_before": certificate.not_valid_before_utc.isoformat().replace("+00:00", "Z"),
        "not_after": certificate.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
    }
