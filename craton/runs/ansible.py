"""Carries out batches with Ansible, each under a process that ends it when nobody else does."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from craton.bundles.files import nameless_file
from craton.runs import wire
from craton.runs.batch import Batch, BatchRunner, Lease, Outcome
from craton.runs.deadlines import VARIABLE, boottime
from craton.runs.models import MAX_MESSAGE, EventType, HostState, Report, RunHost
from craton.runs.playbook import Order, prepare
from craton.runs.private import PrivateDirectories
from craton.runs.processes import MARK, end_marked

#: Seconds between two looks at the lease.
_TICK: Final = 0.2

#: What of this process's environment Ansible gets, besides ``ANSIBLE_…`` and ``LC_…``. No more:
#: the service's own environment may hold its passwords.
_PASSED: Final = frozenset(
    """
    HOME USER LOGNAME LANG TZ SSH_AUTH_SOCK SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE KRB5CCNAME
    KRB5_CONFIG http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY
    """.split()
)
_PASSED_PREFIXES: Final = ("ANSIBLE_", "LC_")

#: What a bundle is written for; no configuration may say otherwise.
_SETTINGS: Final = {
    "ANSIBLE_INVENTORY_ENABLED": "yaml",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
    "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": "ignore",
    "ANSIBLE_HASH_BEHAVIOUR": "replace",
    "ANSIBLE_STDOUT_CALLBACK": "craton_guard",
    "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "True",
    "ANSIBLE_FORCE_COLOR": "False",
    "ANSIBLE_NOCOLOR": "True",
    "ANSIBLE_NOCOWS": "True",
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
    "ANSIBLE_LOG_PATH": "",
}

_GUARD: Final = Path(__file__).with_name("guard")


class AnsibleBatchRunner(BatchRunner):
    """Runs batches with the ``ansible-playbook`` of this Python environment.

    Args:
        directories: Where batches have their private directories; what is left over there of
            processes that are gone is removed first.
    """

    def __init__(self, directories: PrivateDirectories | None = None) -> None:
        self._directories = directories or PrivateDirectories()
        self._directories.sweep()

    def run(
        self, batch: Batch, lease: Lease, report: Callable[[Sequence[Report]], None]
    ) -> Outcome:
        with self._directories.make() as directory:
            prepare(directory, [host.host for host in batch.hosts], batch.extra_vars)
            with _Supervised(batch, directory, lease) as supervised:
                unfinished = {host.host_id: host for host in batch.hosts}
                for reports in supervised.reports():
                    report(reports)
                    for told in reports:
                        if told.type is EventType.HOST_FINISHED:
                            unfinished.pop(told.host_id or "", None)
                outcome = supervised.outcome()
            if not outcome.interrupted and unfinished:
                report([_failed(host, outcome.message) for host in unfinished.values()])
            return outcome


class _Supervised:
    """The supervisor of one batch, from this side.

    Leaving the context ends everything that runs of the batch.
    """

    def __init__(self, batch: Batch, directory: Path, lease: Lease) -> None:
        self._directory = directory
        self._lease = lease
        self._errors = nameless_file(directory)
        self._playbook: Mapping[str, Any] | None = None
        self._end: Mapping[str, Any] | None = None
        self._trouble: BaseException | None = None
        self._over = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "craton.runs.supervisor"],
            cwd=directory,
            env=environment(directory),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )
        self._renewing = threading.Thread(target=self._renew, name=f"lease of {batch.run_id}")
        self._order = _order(batch, directory)

    def __enter__(self) -> _Supervised:
        self._send({"order": dataclasses.asdict(self._order), "deadline": self._deadline()})
        self._renewing.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        self._renewing.join()
        self._hang_up()
        assert self._process.stdout is not None
        # Whoever still writes gets no answer any more, so nobody waits for us.
        self._process.stdout.close()
        self._process.wait()
        if self._end is None:
            end_marked(self._directory)
        self._errors.close()

    def reports(self) -> Iterator[list[Report]]:
        """Yield what happens until nothing of the batch is alive.

        Raises:
            Exception: What the lease raised when it was asked.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
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
        said = self._playbook["output"] or f"exit code {self._playbook['code']}"
        return Outcome(interrupted=False, message=f"ansible-playbook gave up\n{said}"[:MAX_MESSAGE])

    def _renew(self) -> None:
        try:
            while not self._over.wait(_TICK):
                if self._lease.is_cancelled() or self._lease.remaining() <= 0:
                    break
                self._send(self._deadline())
        except BrokenPipeError:
            return
        except Exception as error:
            self._trouble = error
        if not self._over.is_set():
            self._hang_up()

    def _deadline(self) -> float:
        return boottime() + self._lease.remaining()

    def _send(self, value: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(wire.line(value))
        self._process.stdin.flush()

    def _hang_up(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()


def environment(directory: Path) -> dict[str, str]:
    """Return the environment of a batch: nothing of this process that is not meant for Ansible."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED or name.startswith(_PASSED_PREFIXES)
    }
    plugins = os.pathsep.join(filter(None, (passed.get("ANSIBLE_CALLBACK_PLUGINS"), str(_GUARD))))
    return {
        **passed,
        **_SETTINGS,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(directory / "tmp"),
        "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(directory / "cp"),
        "ANSIBLE_CALLBACK_PLUGINS": plugins,
        MARK: str(directory),
        VARIABLE: str(directory / "deadline"),
    }


def _order(batch: Batch, directory: Path) -> Order:
    return Order(
        directory=str(directory),
        bundle=str(batch.bundle.resolve()),
        playbook=str(batch.playbook.resolve()),
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


def _about_spared(count: int) -> str:
    if not count:
        return ""
    return f"{count} processes of the run belong to another user, and may still be alive"
