"""A run as a flow of TaskFlow: prepare, then the batches, as many at once as may be, then sum up.

::

    run ─ prepare ─┬─ batches 0-39  ─┬─ summary
                   ├─ batches 40-79 ─┤
                   └─ …             ─┘

A task of TaskFlow costs some writes to its database and a place in its graph, and a run may have as
many batches as hosts. So consecutive batches share a task, of which there are at most
``MAX_PORTIONS``, and go one after the other there. What was done is known by batch all the same:
the run store has it, and the store is what counts. A task that TaskFlow takes for done is done
again if the store has not heard the end of all of its batches.

An attempt that is interrupted suspends the flow; the task that noticed it returns. No error of a
task ever reaches TaskFlow, which would keep its text, and nothing of a run does but numbers of
batches and the path of a directory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from taskflow import task
from taskflow.patterns import linear_flow, unordered_flow

from craton.errors import CratonError, LeaseLost, Unavailable
from craton.jsontext import JsonValue
from craton.runs.attempt import LOOK, Attempt, Interrupted
from craton.runs.batch import Batch, Outcome
from craton.runs.material import Material, open_material
from craton.runs.models import EventType, Progress, Report, RunState
from craton.runs.store import utcnow
from craton.runs.unpacking import unpack

LOG = logging.getLogger(__name__)

#: The most tasks that the batches of one run are divided among.
MAX_PORTIONS: Final = 256

_PREPARE: Final = "prepare"
_SUMMARY: Final = "summary"


def make_flow(attempt: Attempt, directory: Path, suspend: Callable[[], None]) -> Any:
    """Return the flow of a run; that of another attempt at the same run has the same tasks.

    Args:
        attempt: What the tasks share.
        directory: A private directory, for what the run takes.
        suspend: Suspends the engine that the flow will be in.
    """
    context = _Context(attempt, directory, suspend)
    batches = unordered_flow.Flow("batches")
    for numbers in portions(sorted(attempt.hosts)):
        batches.add(_Portion(context, numbers))
    flow = linear_flow.Flow("run")
    return flow.add(_Prepare(context), batches, _Summary(context))


def portions(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Divide the batches of a run among tasks: evenly, in order."""
    size = max(1, -(-len(numbers) // MAX_PORTIONS))
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def reset(engine: Any, attempt: Attempt) -> None:
    """Have an engine that was prepared begin where the store says that the run is.

    TaskFlow goes on behind the last task that it took for done. The directory of a former attempt
    is gone, though, a task that failed is to be done again, and a conductor may have told TaskFlow
    what it could not tell the store any more.
    """
    for node in engine.compilation.execution_graph.nodes:
        if isinstance(node, _Portion) and attempt.finished.issuperset(node.numbers):
            continue
        if isinstance(node, task.Task):
            engine.storage.reset(node.name)


class _Context:
    """What tasks tell each other that TaskFlow need not know.

    Attributes:
        attempt: The attempt.
        directory: A private directory.
        playbook, extra_vars: What batches are given; set by the first task.
    """

    def __init__(self, attempt: Attempt, directory: Path, suspend: Callable[[], None]) -> None:
        self.attempt = attempt
        self.directory = directory
        self.playbook = Path()
        self.extra_vars: Mapping[str, JsonValue] = {}
        self._suspend = suspend

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let the attempt end if it is interrupted in the block, or something goes wrong."""
        attempt = self.attempt
        try:
            yield
        except Interrupted:
            LOG.debug("The run %s is interrupted", attempt.run.id)
        except CratonError as error:
            LOG.error("The run %s cannot go on: %s", attempt.run.id, error)
        except Exception:
            # TaskFlow would keep its text in the database, and a text may hold a secret.
            LOG.exception("The run %s went wrong", attempt.run.id)
        else:
            return
        attempt.interrupted = True
        # Those who work on other batches stop, too.
        attempt.lease.end()
        self._suspend()


class _Prepare(task.Task):  # type: ignore[misc]
    """Opens what the run takes, and unpacks the bundle; what is wrong with the run is kept."""

    default_provides = "bundle"

    def __init__(self, context: _Context) -> None:
        super().__init__(_PREPARE)
        self._attempt = context.attempt
        self._context = context

    def execute(self) -> str:
        bundle = self._context.directory / "bundle"
        with self._context.interruptible():
            self._prepare(bundle)
            self._attempt.go_on()
        return str(bundle)

    def _prepare(self, bundle: Path) -> None:
        attempt = self._attempt
        if not attempt.lease.is_cancelled():
            try:
                self._context.playbook = attempt.equipment.playbooks.check(attempt.run.playbook)
                material = attempt.patiently(self._open)
                self._context.extra_vars = material.extra_vars
                unpack(material.bundle, bundle)
            except (CratonError, OSError) as error:
                LOG.error("The run %s cannot be carried out: %s", attempt.run.id, error)
                attempt.refusal = _in_words(error)

    def _open(self) -> Material:
        equipment, run_id = self._attempt.equipment, self._attempt.run.id
        return open_material(equipment.secrets, run_id, equipment.store.material(run_id))


class _Portion(task.Task):  # type: ignore[misc]
    """Some batches, one after the other. Its notifications are the events of these batches."""

    TASK_EVENTS: Final = (
        *task.Task.TASK_EVENTS,
        EventType.BATCH_STARTED.value,
        EventType.BATCH_RESTARTED.value,
        EventType.BATCH_FINISHED.value,
    )

    def __init__(self, context: _Context, numbers: Sequence[int]) -> None:
        super().__init__(f"batches {numbers[0]}-{numbers[-1]}")
        # The first batches come first.
        self.priority = -numbers[0]
        self.numbers = numbers
        self._attempt = context.attempt
        self._context = context
        for event in self.TASK_EVENTS[len(task.Task.TASK_EVENTS) :]:
            self.notifier.register(event, self._note)

    def execute(self, bundle: str) -> None:
        attempt = self._attempt
        with self._context.interruptible():
            for number in self.numbers:
                if attempt.refusal or number in attempt.finished:
                    continue
                if not self._with_slot(partial(self._carry_out, number, Path(bundle))):
                    return

    def _with_slot(self, carry_out: Callable[[], None]) -> bool:
        """Carry out a batch once there is a slot for it; return whether the run goes on."""
        attempt = self._attempt
        slots = attempt.equipment.slots
        while not slots.acquire(timeout=LOOK):
            if attempt.lease.is_cancelled():
                return False
            attempt.go_on()
        try:
            attempt.go_on()
            if not attempt.lease.is_cancelled():
                carry_out()
        finally:
            slots.release()
        return not attempt.lease.is_cancelled()

    def _carry_out(self, number: int, bundle: Path) -> None:
        attempt = self._attempt
        begin = EventType.BATCH_STARTED
        if number in attempt.started:
            begin = EventType.BATCH_RESTARTED
        self.notifier.notify(begin.value, {"batch": number, "message": ""})
        outcome = self._run(number, bundle)
        if outcome is None or outcome.interrupted:
            if not attempt.lease.is_cancelled():
                raise Interrupted
            return
        attempt.complaint = attempt.complaint or outcome.message
        details = {"batch": number, "message": outcome.message}
        self.notifier.notify(EventType.BATCH_FINISHED.value, details)

    def _run(self, number: int, bundle: Path) -> Outcome | None:
        """Run a batch; return nothing if that went wrong in a way that nobody thought of."""
        attempt = self._attempt
        run = attempt.run
        batch = Batch(
            run_id=run.id,
            number=number,
            hosts=attempt.hosts[number],
            bundle=bundle,
            playbook=self._context.playbook,
            extra_vars=self._context.extra_vars,
            check=run.check,
            tags=run.tags,
            forks=run.forks,
        )
        try:
            return attempt.equipment.runner.run(batch, attempt.lease, attempt.recorder.add)
        except LeaseLost:
            return None
        except Exception:
            # As above; a batch without an outcome interrupts the attempt.
            LOG.exception("The batch %s of the run %s could not be carried out", number, run.id)
            return None

    def _note(self, event: str, details: Mapping[str, Any]) -> None:
        """Report what TaskFlow notifies of; the lease is over if that does not work any more."""
        number = details["batch"]
        data = {"batch": number, "hosts": len(self._attempt.hosts[number])}
        try:
            self._attempt.report(
                Report(type=EventType(event), time=utcnow(), message=details["message"], data=data)
            )
        except Interrupted:
            # TaskFlow lets no error of a listener through; the lease tells everybody.
            self._attempt.lease.end()


class _Summary(task.Task):  # type: ignore[misc]
    """Says how the run ended, once everything else is told."""

    def __init__(self, context: _Context) -> None:
        super().__init__(_SUMMARY)
        self._attempt = context.attempt
        self._context = context

    def execute(self) -> None:
        attempt = self._attempt
        with self._context.interruptible():
            attempt.flush()
            run = attempt.patiently(lambda: attempt.equipment.store.get(attempt.run.id))
            state, message = self._result(run.progress)
            attempt.conclude(state, message)

    def _result(self, progress: Progress) -> tuple[RunState, str]:
        attempt = self._attempt
        if attempt.refusal:
            return RunState.FAILED, attempt.refusal
        open_ = progress.pending + progress.running
        if open_ and attempt.lease.is_cancelled():
            return RunState.CANCELLED, "cancelled; hosts that are pending were not touched"
        counts = {
            "failed": progress.failed,
            "could not be reached": progress.unreachable,
            "were not finished": open_,
        }
        bad = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        if not bad:
            return RunState.SUCCEEDED, attempt.complaint
        message = f"of {progress.total} hosts {bad}"
        return RunState.FAILED, f"{message}: {attempt.complaint}" if attempt.complaint else message


def _in_words(error: CratonError | OSError) -> str:
    if isinstance(error, Unavailable):
        return f"what the run takes could not be had: {error}"
    if isinstance(error, OSError):
        return f"the bundle cannot be unpacked: {error.strerror}"
    return str(error)
