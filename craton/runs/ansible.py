"""Carries out batches with Ansible, each under a process that ends it when nobody else does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from craton.runs.batch import Batch, BatchRunner, Lease, Outcome
from craton.runs.models import EventType, HostState, Report, RunHost
from craton.runs.preparing import prepare
from craton.runs.private import PrivateDirectories
from craton.runs.supervised import Supervised


class AnsibleBatchRunner(BatchRunner):
    """Runs batches with the ``ansible-playbook`` of this Python environment.

    Args:
        directories: Where batches have their private directories. What processes that are gone
            left over there is removed first, and what still runs of it is ended.
    """

    def __init__(self, directories: PrivateDirectories | None = None) -> None:
        self._directories = directories or PrivateDirectories()
        self._directories.sweep()

    def run(
        self, batch: Batch, lease: Lease, report: Callable[[Sequence[Report]], None]
    ) -> Outcome:
        unfinished = {host.host_id: host for host in batch.hosts if not host.state.is_final}
        if not unfinished:
            return Outcome(interrupted=False)
        batch = replace(batch, hosts=list(unfinished.values()))
        with self._directories.make() as directory:
            prepare(directory, [host.host for host in batch.hosts], batch.extra_vars)
            with Supervised(batch, directory, lease) as supervised:
                for reports in supervised.reports():
                    for told in reports:
                        if told.type is EventType.HOST_FINISHED and told.host_id is not None:
                            del unfinished[told.host_id]
                    report(reports)
                outcome = supervised.outcome()
        if unfinished and not outcome.interrupted:
            report([_failed(host, outcome.message) for host in unfinished.values()])
        return outcome


def _failed(host: RunHost, message: str) -> Report:
    return Report(
        type=EventType.HOST_FINISHED,
        time=datetime.now(UTC),
        host_id=host.host_id,
        host=host.host,
        message=message,
        data={"state": HostState.FAILED.value},
        host_state=HostState.FAILED,
    )
