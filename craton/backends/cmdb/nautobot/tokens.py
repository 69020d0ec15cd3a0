"""What a stream leaves behind for the next one."""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import Final, Self

from craton.backends.cmdb.nautobot.sketch import SIZE, Sketch

#: Another number for another form; an old token then is an unknown one.
_FORM: Final = b"craton-nautobot-1"
_DIGEST: Final = 16
_DUE = struct.Struct(">d")


@dataclass(frozen=True, slots=True)
class Token:
    """How far a mirror has come.

    Attributes:
        sketch: The objects that the mirror was told of, each in its state.
        due: When everything is to be read again, in seconds since 1970.
    """

    sketch: Sketch
    due: float

    def text(self, meaning: bytes) -> str:
        """Return it as text, for an adapter whose settings have this meaning."""
        body = _DUE.pack(self.due) + self.sketch.to_bytes()
        packed = zlib.compress(_seal(meaning, body) + body, 1)
        return base64.b64encode(packed).decode()

    @classmethod
    def read(cls, text: str | None, meaning: bytes) -> Self | None:
        """Read a token; ``None`` for one that was not made with settings of this meaning."""
        try:
            packed = base64.b64decode((text or "").encode("ascii"), validate=True)
            expander = zlib.decompressobj()
            data = expander.decompress(packed, _DIGEST + _DUE.size + SIZE + 1)
        except (ValueError, zlib.error):
            return None
        body = data[_DIGEST:]
        if len(body) != _DUE.size + SIZE or data[:_DIGEST] != _seal(meaning, body):
            return None
        (due,) = _DUE.unpack_from(body)
        return cls(Sketch.of_bytes(body[_DUE.size :]), due)


def _seal(meaning: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(_FORM + meaning + body, digest_size=_DIGEST).digest()
