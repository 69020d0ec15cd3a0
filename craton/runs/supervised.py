"""A batch under its supervisor, from the side of whoever has the lease."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from craton.bundles.files import nameless_file
from craton.runs import wire
from craton.runs.batch import Batch, Lease, Outcome
from craton.runs.deadlines import boottime
from craton.runs.environment import environment
from craton.runs.models import MAX_MESSAGE, Report
from craton.runs.order import Order
from craton.runs.processes import end_marked

#: Seconds between two looks at the lease.
_TICK: Final = 0.2


class Supervised:
    """Runs a batch in processes of its own; leaving the context ends all of them.

    Args:
        batch: What to run.
        directory: Its private directory.
        lease: Asked by a thread, so that it is asked while reports are waited for.
    """

    def __init__(self, batch: Batch, directory: Path, lease: Lease) -> None:
        self._order = _order(batch, directory)
        self._directory = directory
        self._lease = lease
        self._errors = nameless_file(directory)
        self._playbook: Mapping[str, Any] | None = None
        self._end: Mapping[str, Any] | None = None
        self._trouble: BaseException | None = None
        self._over = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name=f"lease of {batch.run_id}")

    def __enter__(self) -> Self:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "craton.runs.supervisor"],
            cwd=self._directory,
            env=environment(self._directory),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._input, self._output = process, process.stdin, process.stdout
        self._renewing.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        self._renewing.join()
        self._hang_up()
        # Whoever still writes gets no answer any more, so nobody waits for us.
        self._output.close()
        self._process.wait()
        if self._end is None:
            end_marked(self._directory)
        self._errors.close()

    def reports(self) -> Iterator[list[Report]]:
        """Yield what happens until nothing of the batch is alive.

        Raises:
            Exception: What the lease raised when it was asked.
        """
        for line in self._output:
            message = _message(line)
            if "reports" in message:
                yield wire.unpacked(message["reports"])
            self._playbook = message.get("playbook", self._playbook)
            self._end = message.get("end", self._end)
        if self._trouble is not None:
            raise self._trouble

    def outcome(self) -> Outcome:
        """Return how it ended, once :meth:`reports` is exhausted."""
        if self._end is not None and not self._end["finished"]:
            return Outcome(interrupted=True, message=_about_spared(self._end["spared"]))
        if self._playbook is None:
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace")[-MAX_MESSAGE // 2 :]
            return Outcome(interrupted=False, message=f"ansible-runner broke down\n{said}".strip())
        if self._playbook["complete"]:
            return Outcome(interrupted=False)
        said = f"{_about_code(self._playbook['code'])}\n{self._playbook['output']}".strip()
        return Outcome(interrupted=False, message=said[:MAX_MESSAGE])

    def _renew(self) -> None:
        try:
            self._send({"order": dataclasses.asdict(self._order), "deadline": self._deadline()})
            # The lease may have been renewed while the processes were started.
            while not self._lease.is_cancelled() and self._lease.remaining() > 0:
                self._send(self._deadline())
                if self._over.wait(_TICK):
                    break
        except BrokenPipeError:
            # The supervisor is done; its last words are on their way.
            return
        except BaseException as error:
            self._trouble = error
        if not self._over.is_set():
            self._hang_up()

    def _deadline(self) -> float:
        # The clock comes first: a machine that is suspended between the two loses time, and does
        # not win any.
        now = boottime()
        return now + self._lease.remaining()

    def _send(self, value: object) -> None:
        self._input.write(wire.line(value))
        self._input.flush()

    def _hang_up(self) -> None:
        with suppress(BrokenPipeError):
            self._input.close()


def _order(batch: Batch, directory: Path) -> Order:
    return Order(
        directory=str(directory),
        bundle=str(batch.bundle.absolute()),
        playbook=str(batch.playbook.absolute()),
        batch=batch.number,
        hosts={host.host_id: host.host for host in batch.hosts},
        check=batch.check,
        tags=list(batch.tags),
        forks=batch.forks,
    )


def _message(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        # The half of a line that somebody was writing when he was killed.
        return {}
    return found if isinstance(found, dict) else {}


def _about_code(code: int | None) -> str:
    if code is None:
        return "ansible-playbook was killed before its end"
    return f"ansible-playbook gave up with exit code {code}"


def _about_spared(count: int) -> str:
    if not count:
        return ""
    return f"{count} processes of the run belong to another user, and may still be alive"
