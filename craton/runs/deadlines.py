"""The time until which a batch may go on, shared by all processes of it through a small file.

It needs the standard library alone, because Ansible's own process reads it, too.
"""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path
from typing import Final

#: The variable that names the file.
VARIABLE: Final = "CRATON_BATCH_DEADLINE"

_SECONDS: Final = struct.Struct("=d")


def boottime() -> float:
    """Return a time in seconds that goes on while this process, or the machine, is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Deadline:
    """A time of :func:`boottime`, kept in a file.

    Args:
        path: The file.
        first: The time to begin with; without it the file is there already, and is only read.
    """

    def __init__(self, path: str | Path, first: float | None = None) -> None:
        flags = os.O_RDONLY if first is None else os.O_RDWR | os.O_CREAT
        self._file = os.open(path, flags | os.O_CLOEXEC, 0o600)
        if first is not None:
            self.set(first)

    def set(self, time: float) -> None:
        """Move it; eight bytes are written at once, so nobody reads half a time."""
        os.pwrite(self._file, _SECONDS.pack(time), 0)

    def remaining(self) -> float:
        """Return for how many seconds the batch may go on; 0 or less: not at all."""
        (time,) = _SECONDS.unpack(os.pread(self._file, _SECONDS.size, 0))
        return float(time) - boottime()
