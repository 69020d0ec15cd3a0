"""A small fleet on this machine, and batches that are carried out on it."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from craton.runs.ansible import AnsibleBatchRunner
from craton.runs.batch import Batch, Lease, Outcome
from craton.runs.models import EventType, Report, RunHost
from craton.runs.private import PrivateDirectories

#: How to reach a host of a test: it is this machine, and its Python is that of the tests.
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}

#: A port of the loopback interface that nobody can listen on without being root.
CLOSED = {"ansible_host": "127.0.0.1", "ansible_port": 1}


class Held(Lease):
    """A lease that its test holds, and ends."""

    def __init__(self, seconds: float = 60) -> None:
        self.seconds = seconds
        self.cancelled = threading.Event()

    def remaining(self) -> float:
        return self.seconds

    def is_cancelled(self) -> bool:
        return self.cancelled.is_set()


@dataclass
class Told:
    """What was reported, in order."""

    reports: list[Report] = field(default_factory=list)

    def __call__(self, reports: Sequence[Report]) -> None:
        self.reports.extend(reports)

    def of(self, host: str) -> list[Report]:
        return [report for report in self.reports if report.host == host]

    def types(self, host: str) -> list[str]:
        return [report.type.value for report in self.of(host)]

    def one(self, type: EventType, host: str) -> Report:
        (found,) = (report for report in self.of(host) if report.type is type)
        return found

    def states(self) -> dict[str, str]:
        """The final states by host; a second one for a host is an error."""
        finished = [report for report in self.reports if report.type is EventType.HOST_FINISHED]
        found = {report.host: report.host_state.value for report in finished if report.host_state}
        assert len(found) == len(finished)
        return {str(host): state for host, state in found.items()}

    def counts(self) -> Counter[str]:
        return Counter(self.states().values())


class Stage:
    """A directory with a bundle and a playbook, and what carries out batches there.

    Args:
        directory: An empty directory; below it are ``bundle``, ``private`` and the playbook.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bundle = directory / "bundle"
        self.private = directory / "private"
        self.playbook = directory / "site.yml"
        self.hosts: dict[str, dict[str, Any]] = {}
        self.bundle.mkdir(exist_ok=True)
        self.private.mkdir(exist_ok=True)

    def host(self, *names: str, **variables: object) -> None:
        for name in names:
            self.hosts[name] = {**LOCAL, **variables}

    def unreachable(self, *names: str) -> None:
        for name in names:
            self.hosts[name] = dict(CLOSED)

    def write(self, playbook: str) -> None:
        self.playbook.write_text(playbook)
        hosts = {"all": {"children": {"fleet": {"hosts": self.hosts}}}}
        (self.bundle / "hosts").write_text(json.dumps(hosts))

    def batch(self, *names: str, **changes: Any) -> Batch:
        given: dict[str, Any] = {
            "run_id": "run-1",
            "number": 0,
            "hosts": [
                RunHost(host_id=f"id of {name}", host=name, batch=0) for name in names or self.hosts
            ],
            "bundle": self.bundle,
            "playbook": self.playbook,
            "extra_vars": {},
            "check": False,
            "tags": [],
            "forks": 10,
        }
        return Batch(**{**given, **changes})

    def runner(self) -> AnsibleBatchRunner:
        return AnsibleBatchRunner(PrivateDirectories(self.private))

    def run(self, *names: str, **changes: Any) -> tuple[Outcome, Told]:
        told = Told()
        outcome = self.runner().run(self.batch(*names, **changes), Held(), told)
        assert not list(self.private.iterdir())
        return outcome, told
