"""A payload that is easy to find again, in whatever form it leaked."""

from __future__ import annotations

import base64
import json
import os
import secrets
import string
from collections.abc import Iterator
from pathlib import Path

#: Where a child's arguments and environment are, while it runs.
_PROC = Path("/proc")


class Canary:
    """Bytes that nothing else has, and the traces that they leave.

    They are printable with a quote, a backslash and an accent between, so that each way of escaping
    changes some of them, and none changes all.
    """

    def __init__(self) -> None:
        letters = (secrets.choice(string.ascii_letters) for _ in range(22))
        # Letters whose hexadecimal digits are letters, too.
        self.word = "Jo" + "".join(letters)
        self.payload = f'{self.word}"\\é\n{self.word}\n'.encode()

    def traces(self) -> dict[str, bytes]:
        """The ways in which the payload, or a part of it, may be written, by what they are called.

        Base64 depends on where it begins: whatever stands before shifts it by up to two bytes.
        """
        word = self.word.encode()
        found = {
            "raw": word,
            "hex": word.hex().encode(),
            "upper hex": word.hex().upper().encode(),
            "json": json.dumps(self.payload.decode()).encode()[1:-1],
            "repr": repr(self.payload).encode()[2:-1],
            "reversed": word[::-1],
            "escaped": "".join(f"\\x{byte:02x}" for byte in word).encode(),
            "list": ", ".join(str(byte) for byte in word).encode(),
        }
        for shift in range(3):
            encoded = base64.b64encode(bytes(shift) + word)
            # Without the digits that the neighbours have a part in.
            found[f"base64 at {shift}"] = encoded[4:-4]
        return found

    def found_in(self, text: bytes) -> list[str]:
        """The names of the traces that a text holds."""
        return [name for name, trace in self.traces().items() if trace in text]

    def found_below(self, directory: Path) -> list[str]:
        """The traces in the files below a directory, and in their names."""
        return [
            f"{path}: {trace}"
            for path in directory.rglob("*")
            for text in (os.fsencode(path), path.read_bytes() if path.is_file() else b"")
            for trace in self.found_in(text)
        ]


def process_texts(pid: int) -> Iterator[bytes]:
    """The arguments and the environment of a process and of all its threads."""
    for name in ("cmdline", "environ"):
        yield (_PROC / str(pid) / name).read_bytes()
    for thread in (_PROC / str(pid) / "task").iterdir():
        yield (thread / "comm").read_bytes()
