"""One ``ansible-playbook`` over some hosts of a run: what it takes, and what comes of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from craton.jsontext import JsonValue
from craton.runs.models import Report, RunHost


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is to be done.

    Attributes:
        run_id: The run.
        number: The number of the batch in the run, from 0.
        hosts: Its hosts, as the store has them. Those in a final state are done: an interrupted
            batch that begins anew may have some, which failed for good the first time.
        bundle: The directory with the unpacked bundle of the whole selection, which several
            batches share and none changes.
        playbook: The path of the playbook, below ``[runs] playbook_path``.
        extra_vars: Variables that win over all others.
        check: Whether Ansible only says what it would do.
        tags: Only tasks with one of these; all, if empty.
        forks: How many hosts to work on at once.
    """

    run_id: str
    number: int
    hosts: Sequence[RunHost]
    bundle: Path
    playbook: Path
    extra_vars: Mapping[str, JsonValue]
    check: bool
    tags: Sequence[str]
    forks: int


class Lease(ABC):
    """The right to go on: whoever carries out a batch asks it all the time."""

    @abstractmethod
    def remaining(self) -> float:
        """Return for how many seconds from now the right is certain; 0 or less: it is gone.

        It only grows by what the owner of the lease hears from the board, by a clock that goes on
        while this process is stopped (CLOCK_BOOTTIME).
        """

    @abstractmethod
    def is_cancelled(self) -> bool:
        """Return whether somebody asked for the end of the run."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a batch ended.

    Attributes:
        interrupted: Whether it was ended before its time, by the lease or by a cancel; nothing of
            it runs any more, and no host is finished but those that failed for good before.
        message: What went wrong with the batch as a whole, such as a playbook that cannot be read;
            else empty.
    """

    interrupted: bool
    message: str = ""


class BatchRunner(ABC):
    """Carries out batches. Several may run at once, each in a thread of its caller."""

    @abstractmethod
    def run(
        self, batch: Batch, lease: Lease, report: Callable[[Sequence[Report]], None]
    ) -> Outcome:
        """Run a batch and return when no process of it is alive, and no file of it is left.

        Unless it is interrupted, every host of the batch has had exactly one ``host.finished`` with
        its final state by then, whatever Ansible did; early, if nothing in the playbook can change
        that state any more. ``batch.…`` events are the caller's affair.

        Args:
            batch: What to do.
            lease: Asked at least twice a second, also by a process of its own that ends everything
                when this one is stopped and the lease runs out.
            report: Takes reports in the order in which they happened; it does not block for long.
                What it raises ends the batch and is raised again.
        """
