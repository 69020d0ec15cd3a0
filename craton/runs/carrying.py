"""Carries out a run from where it stands, under a lease that somebody else keeps alive."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from taskflow import engines, exceptions

from craton.errors import NotFound, RunEnded
from craton.runs.attempt import Attempt, Equipment, Interrupted
from craton.runs.flow import make_flow, reset
from craton.runs.lease import RunLease
from craton.runs.material import KeptElsewhere
from craton.runs.models import RunState
from craton.runs.recorder import Recorder
from craton.runs.removing import removed_at_any_rate

LOG = logging.getLogger(__name__)


def carry_out(equipment: Equipment, run_id: str, lease: RunLease) -> bool:
    """Carry out a run, or what is left of it.

    Args:
        equipment: What to work with.
        run_id: The run.
        lease: Its end interrupts everything; nothing of the run is alive on return.

    Returns:
        Whether the run has ended, so that there is nothing more to do; otherwise somebody else may
        go on.

    Raises:
        Unavailable: The store or the database is away.
    """
    # Before the run is taken up, so that a database that is away costs no attempt.
    book, detail = equipment.persistence.detail(run_id)
    try:
        fence = equipment.store.claim(run_id)
        run = equipment.store.get(run_id)
    except (NotFound, RunEnded) as error:
        LOG.info("There is nothing to do for the run %s: %s", run_id, error)
        equipment.persistence.forget(run_id)
        return True
    LOG.info("Carrying out the run %s, attempt %s", run_id, run.attempt)
    with Recorder(equipment.store, run_id, fence, lease) as recorder:
        ended = _attempted(Attempt(equipment, run, lease, recorder), book, detail)
    LOG.info("The run %s %s", run_id, "has ended" if ended else "was interrupted")
    if ended:
        equipment.persistence.forget(run_id)
    return ended


def _attempted(attempt: Attempt, book: Any, detail: Any) -> bool:
    """Go as far as the attempt gets; return whether the run has ended."""
    equipment, run = attempt.equipment, attempt.run
    kept_elsewhere = KeptElsewhere(equipment.store, equipment.secrets, run.id)
    attempts = run.attempt - equipment.persistence.given_back(detail)
    try:
        if attempts > equipment.max_attempts:
            attempt.conclude(
                RunState.LOST,
                f"{attempts - 1} conductors took the run up, one after the other, and each was "
                "gone before its end",
            )
        else:
            if run.cancelling:
                attempt.lease.cancel()
            _flow(attempt, book, detail)
    except Interrupted:
        return False
    if not attempt.interrupted:
        kept_elsewhere.discard()
    return not attempt.interrupted


def _flow(attempt: Attempt, book: Any, detail: Any) -> None:
    equipment = attempt.equipment

    def suspend() -> None:
        engine.suspend()

    with (
        equipment.directories.make() as directory,
        removed_at_any_rate(directory),
        ThreadPoolExecutor(equipment.workers, f"run {attempt.run.id}") as threads,
    ):
        engine = engines.load(
            make_flow(attempt, directory, suspend),
            flow_detail=detail,
            book=book,
            backend=equipment.persistence.backend,
            engine="parallel",
            executor=threads,
            # A task that was interrupted is done again by the next attempt; nothing is undone.
            never_resolve=True,
        )
        try:
            engine.compile()
            engine.prepare()
            reset(engine, attempt)
            engine.run()
        except (exceptions.TaskFlowException, exceptions.WrappedFailure) as error:
            LOG.error("The flow of the run %s cannot go on: %s", attempt.run.id, error)
            raise Interrupted from error
        finally:
            # Whoever still works in its name stops, before anybody waits for the threads.
            attempt.lease.end()
