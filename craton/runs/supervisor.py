"""The process that stands between a conductor and one ``ansible-playbook``, and outlives both.

It is started for one batch, as a session of its own. Whatever the playbook starts, however it hides
(``setsid``, a double fork), stays below it, because it adopts orphans. It ends all of that when the
playbook has ended, when it is told to, when whoever started it is gone, and when it hears nothing
until the lease runs out: a conductor that is stopped keeps no playbook going.

Standard input: a line with the :class:`~craton.runs.order.Order` and the first deadline; then
deadlines, one a line; its end means the end of everything. Standard output: lines of
:mod:`craton.runs.wire`, the last of which says how it ended.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import traceback
from pathlib import Path
from typing import IO, Final

from craton.runs import wire
from craton.runs.deadlines import VARIABLE, Deadline
from craton.runs.order import Order
from craton.runs.private import remove
from craton.runs.processes import adopt_orphans, die_with_parent, end_descendants, reap

#: Seconds between two looks at the deadline.
_TICK: Final = 0.1


class _Input:
    """The lines of standard input, read without waiting for one."""

    def __init__(self) -> None:
        self._rest = b""
        self.ended = False

    def first(self) -> bytes:
        while not self._rest.count(b"\n") and not self.ended:
            self._read()
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def lines(self) -> list[bytes]:
        self._read()
        *lines, self._rest = self._rest.split(b"\n")
        return lines

    def waiting(self) -> list[bytes]:
        """Return the lines that are there already."""
        while not self.ended and select.select([0], [], [], 0)[0]:
            self._read()
        *lines, self._rest = self._rest.split(b"\n")
        return lines

    def _read(self) -> None:
        piece = os.read(0, 65536)
        self._rest += piece
        self.ended = self.ended or not piece


def main() -> None:
    """Run the playbook that standard input orders."""
    # Only the deadline, the parent and the playbook end this process.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    adopt_orphans()
    given = _Input()
    told = json.loads(given.first())
    order = Order(**told["order"])
    deadline = Deadline(os.environ[VARIABLE], told["deadline"])
    # On a busy machine it takes long to come here, and the deadline was moved meanwhile.
    for line in given.waiting():
        deadline.set(float(line))
    child = os.fork()
    if child == 0:
        _carry_out(order)
    finished = _watch(given, deadline, os.pidfd_open(child))
    spared = end_descendants()
    remove(Path(order.directory))
    end = {"finished": finished, "spared": spared}
    # What was killed may have been in the middle of a line.
    sys.stdout.buffer.write(b"\n" + wire.line({"end": end}))
    sys.stdout.flush()


def _watch(given: _Input, deadline: Deadline, child: int) -> bool:
    """Wait until the playbook has ended (true), or until it has to (false)."""
    while (remaining := deadline.remaining()) > 0:
        ready, _, _ = select.select([0, child], [], [], min(_TICK, remaining))
        reap()
        if deadline.remaining() <= 0:
            # What comes too late is not heard: without a lease the playbook ends itself.
            return False
        if child in ready:
            return True
        if 0 in ready:
            for line in given.lines():
                deadline.set(float(line))
            if given.ended:
                return False
    return False


def _carry_out(order: Order) -> None:
    """Run the playbook in this process, which has been forked for it, and end the process."""
    status = 1
    try:
        die_with_parent()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        with Path(os.devnull).open() as nothing:
            os.dup2(nothing.fileno(), 0)
        # Here, because it takes long: the process that watches the lease does not wait for it.
        from craton.runs.playbook import play

        # Whatever a library prints must not come between the lines.
        with os.fdopen(os.dup(1), "wb", buffering=0) as lines:
            os.dup2(2, 1)
            ending = play(order, lambda reports: _write(lines, wire.packed(reports)))
            _write(lines, wire.line({"playbook": ending}))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _write(file: IO[bytes], content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]


if __name__ == "__main__":
    main()
