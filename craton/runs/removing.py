"""Removes a directory even if this process has no chance to."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

#: Waits for the end of its input, which the kernel closes for a process that was killed, too.
_SCRIPT: Final = 'read -r _; rm -rf -- "$1"'


@contextmanager
def removed_at_any_rate(directory: Path) -> Iterator[None]:
    """Have a directory removed when the block is left, or this process is gone.

    What does it is a process of its own, outside of this one's group, so that a signal for all of
    the group does not reach it. Only the end of the machine does; then the directory was in memory,
    or is swept at the next start.
    """
    process = subprocess.Popen(
        ["/bin/sh", "-c", _SCRIPT, "sh", str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.communicate()
