"""Temporary files that nobody can find, and that vanish with the process."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO, Final

#: How much is read or written at once, in bytes.
CHUNK: Final = 256 * 1024


def nameless_file(directory: Path | None) -> IO[bytes]:
    """Open a file without a name, in a directory or where the system keeps such files."""
    return tempfile.TemporaryFile(dir=directory, buffering=CHUNK)
