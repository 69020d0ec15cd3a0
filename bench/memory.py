"""How much memory the processes of a server have, and the most that they had since a moment.

The kernel keeps the peak of a process's resident memory (``VmHWM``) and forgets it on demand
(``/proc/pid/clear_refs`` in proc(5)), so a peak between two samples is not missed.
"""

from __future__ import annotations

from pathlib import Path

import psutil

_MIB = 2**20
_FORGET_PEAK = "5"


class PeakMemory:
    """The memory of a process and its children, from the moment of creation on.

    Attributes:
        before: Their resident memory at first, in MiB.
    """

    def __init__(self, pid: int) -> None:
        parent = psutil.Process(pid)
        self._processes = [parent, *parent.children(recursive=True)]
        for process in self._processes:
            Path(f"/proc/{process.pid}/clear_refs").write_text(_FORGET_PEAK)
        self.before = sum(process.memory_info().rss for process in self._processes) / _MIB

    def peak(self) -> float:
        """Return the sum of the peaks of all processes so far, in MiB."""
        return sum(_peak_kib(process.pid) for process in self._processes) / 1024


def _peak_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise OSError(f"the kernel does not tell the peak memory of process {pid}")
