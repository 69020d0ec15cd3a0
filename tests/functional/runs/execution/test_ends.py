"""Nothing of a batch outlives it: no process, however it hides, no file, and no lease."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from craton.runs.batch import Outcome
from craton.runs.deadlines import boottime
from craton.runs.models import EventType, Report
from craton.runs.private import PrivateDirectories
from craton.runs.processes import MARK
from tests.functional.runs.execution.playing import Held, Stage, Told
from tests.functional.runs.execution.watching import alive, command, is_playing, mark, running
from tests.waiting import PATIENCE, until

HIDING = """
import os, sys
for _ in range(2):
    if os.fork():
        os._exit(0)
    os.setsid()
os.closerange(0, 256)
os.execve('/bin/sleep', ['sleep', sys.argv[1]], {{}})
"""

DEEP = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.shell: >-
        setsid nohup sh -c "setsid sleep {token} & sleep {token}" >/dev/null 2>&1 &
    - ansible.builtin.command: python3 {hiding} {token}
    - ansible.builtin.command: sleep {token}
      async: 86400
      poll: 0
    - ansible.builtin.shell: >-
        sh -c 'sleep {token} & touch {ready}; sleep {token}; true'; touch {over}
    - ansible.builtin.command: touch {over}
"""

SHALLOW = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: touch {ready}
    - ansible.builtin.command: sleep {token}
"""


class Deep:
    """A playbook that starts processes in every way to get lost, and waits for ever."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        # A time to sleep that nobody else sleeps: so the processes are known.
        self.token = f"86400.{uuid.uuid4().int % 10**12}"
        self.ready, self.over = stage.directory / "ready", stage.directory / "over"
        hiding = stage.directory / "hiding.py"
        hiding.write_text(HIDING.format())
        stage.host("host")
        stage.write(DEEP.format(token=self.token, hiding=hiding, ready=self.ready, over=self.over))

    def wait_until_ready(self) -> None:
        until(self.ready.exists)
        until(lambda: len(self.sleeping()) >= 6)

    def sleeping(self) -> list[psutil.Process]:
        return [process for process in alive() if ["sleep", self.token] == command(process)]

    def processes(self) -> list[psutil.Process]:
        """All that is alive of the batch."""
        return [
            process
            for process in alive()
            if any(self.token in word for word in command(process))
            or str(self.stage.private) in mark(process)
        ]


@pytest.fixture
def deep(stage: Stage) -> Iterator[Deep]:
    playbook = Deep(stage)
    yield playbook
    for process in playbook.processes():
        with suppress(psutil.Error):
            process.kill()


@contextmanager
def carried_out(deep: Deep, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    """Run the batch in a process of its own."""
    module = "tests.functional.runs.execution.carrying"
    arguments = [str(deep.stage.directory), str(seconds)]
    process = subprocess.Popen([sys.executable, "-m", module, *arguments])
    try:
        deep.wait_until_ready()
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_cancel_ends_every_process_however_deep(deep: Deep) -> None:
    lease, told = Held(), Told()
    with running(deep.stage, lease, told) as result:
        deep.wait_until_ready()
        lease.cancelled.set()
        until(lambda: "outcome" in result)
        assert deep.processes() == []
    assert result["outcome"] == Outcome(interrupted=True)
    assert told.states() == {}
    assert not deep.over.exists()
    assert list(deep.stage.private.iterdir()) == []


def test_a_playbook_that_ends_leaves_no_process_behind(deep: Deep) -> None:
    playbook = deep.stage.playbook.read_text()
    deep.stage.playbook.write_text("".join(playbook.splitlines(keepends=True)[:-2]))
    with running(deep.stage, Held(), Told()) as result:
        until(lambda: "outcome" in result)
    assert result["outcome"] == Outcome(interrupted=False)
    assert deep.processes() == []


def test_a_report_that_is_not_taken_ends_the_batch(deep: Deep) -> None:
    def refuse(reports: Sequence[Report]) -> None:
        if any(report.type is EventType.HOST_CHANGED for report in reports):
            raise RuntimeError("not taken")

    deep.stage.write(SHALLOW.format(token=deep.token, ready=deep.ready))
    with running(deep.stage, Held(), refuse) as result:
        until(lambda: result)
        assert deep.processes() == []
    assert str(result["error"]) == "not taken"


def test_a_lease_that_is_over_ends_the_batch(deep: Deep) -> None:
    deep.stage.write(SHALLOW.format(token=deep.token, ready=deep.ready))
    lease = Held()
    with running(deep.stage, lease, Told()) as result:
        until(deep.ready.exists)
        lease.seconds = 0
        until(lambda: "outcome" in result)
        assert deep.processes() == []
    assert result["outcome"].interrupted


def test_what_a_killed_conductor_started_ends_with_it(deep: Deep) -> None:
    with carried_out(deep, seconds=PATIENCE) as process:
        process.kill()
        until(lambda: not deep.processes())
    until(lambda: not list(deep.stage.private.iterdir()))
    assert not deep.over.exists()


def test_a_conductor_that_is_stopped_past_its_lease_touches_nothing_more(deep: Deep) -> None:
    with carried_out(deep, seconds=2) as process:
        process.send_signal(signal.SIGSTOP)
        until(lambda: deep.processes() == [])
        assert not deep.over.exists()
        process.send_signal(signal.SIGCONT)
        assert process.wait(PATIENCE) == 0
    assert (deep.stage.directory / "outcome").read_text() == "True"
    assert not deep.over.exists()


def test_a_machine_that_was_suspended_past_the_lease_begins_no_task(stage: Stage) -> None:
    """Everything is stopped at once, and Ansible alone goes on: nobody is there to end it."""
    over, ready, go = (stage.directory / name for name in ("over", "ready", "go"))
    stage.host("host")
    stage.write(
        f"""
        - hosts: all
          gather_facts: false
          tasks:
            - ansible.builtin.shell: touch {ready}; while test ! -e {go}; do sleep 0.1; done
            - ansible.builtin.command: touch {over}
        """
    )
    lease = Held(seconds=3)
    with running(stage, lease, Told()) as result:
        until(ready.exists)
        marked = [process for process in alive() if str(stage.private) in mark(process)]
        (supervisor,) = (
            process
            for process in marked
            if "craton.runs.supervisor" in command(process) and process.ppid() == os.getpid()
        )
        supervisor.suspend()
        try:
            stopped = boottime()
            until(lambda: boottime() > stopped + 3.5)
            go.touch()
            until(lambda: not [process for process in marked if is_playing(process)])
            assert not over.exists()
        finally:
            supervisor.resume()
        until(lambda: "outcome" in result)
    assert result["outcome"].interrupted


def test_a_killed_supervisor_takes_the_batch_with_it(deep: Deep) -> None:
    told = Told()
    with running(deep.stage, Held(), told) as result:
        deep.wait_until_ready()
        (supervisor,) = (
            process
            for process in psutil.Process().children()
            if "craton.runs.supervisor" in command(process)
        )
        supervisor.kill()
        until(lambda: "outcome" in result)
    left = {tuple(command(process)) for process in deep.processes()}
    # What gave up its environment is known to nobody any more.
    assert left <= {("sleep", deep.token)}
    assert len(deep.processes()) <= 1
    assert not result["outcome"].interrupted
    assert told.states() == {"host": "failed"}


def test_what_is_left_of_processes_that_are_gone_is_swept_at_the_next_start(
    stage: Stage, tmp_path: Path
) -> None:
    program = (
        "import os, sys, subprocess, pathlib;"
        "from craton.runs.private import PrivateDirectories;"
        f"made = PrivateDirectories(pathlib.Path({str(stage.private)!r})).make();"
        "path = made.__enter__();"
        "(path / 'secret').write_text('hunter2'); (path / 'secret').chmod(0);"
        f"environment = {{**os.environ, {MARK!r}: str(path)}};"
        "child = subprocess.Popen(['sleep', '86400'], env=environment, stdout=subprocess.DEVNULL);"
        "print(child.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    found = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    left = psutil.Process(int(found.stdout))
    assert [path.stat().st_mode & 0o777 for path in stage.private.iterdir()] == [0o700]
    directories = PrivateDirectories(stage.private)
    with directories.make() as mine:
        assert directories.sweep() == 1
        assert list(stage.private.iterdir()) == [mine]
    until(lambda: not left.is_running() or left.status() == psutil.STATUS_ZOMBIE)
