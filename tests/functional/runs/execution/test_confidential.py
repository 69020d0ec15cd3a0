"""What a run is given in confidence stays in its private directory, and goes with it."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path

import psutil
import pytest

from tests.functional.runs.execution.playing import Held, Stage, Told
from tests.functional.runs.execution.watching import alive, command, mark
from tests.waiting import until

PASSWORD = "correct-horse-battery-staple"

PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.ping: {{data: "{{{{ password }}}}"}}
      no_log: true
    - ansible.builtin.shell: >-
        touch {ready}; while test ! -e {go}; do sleep 0.1; done
"""


def holding(directory: Path) -> list[str]:
    """The files that hold the password."""
    found = []
    for path in directory.rglob("*"):
        if path.is_file() and PASSWORD.encode() in path.read_bytes():
            found.append(str(path))
    return found


def test_extra_variables_are_in_the_private_directory_and_nowhere_else(
    stage: Stage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OS_PASSWORD", PASSWORD)
    paths = {name: tmp_path / name for name in ("ready", "go")}
    stage.host("host")
    stage.write(PLAYBOOK.format(**paths))
    told = Told()
    batch = stage.batch(extra_vars={"password": PASSWORD})
    thread = threading.Thread(target=stage.runner().run, args=(batch, Held(), told))
    thread.start()
    try:
        until(paths["ready"].exists)
        (private,) = stage.private.iterdir()
        assert holding(tmp_path) == [str(private / "env/extravars")]
        assert {path.stat().st_mode & 0o077 for path in (private, private / "env")} == {0}
        processes = [process for process in alive() if str(private) == mark(process)]
        assert len(processes) >= 3
        for process in alive():
            assert PASSWORD not in " ".join(command(process))
        for process in processes:
            assert PASSWORD not in json.dumps(environment(process))
    finally:
        paths["go"].touch()
        thread.join()
    assert told.states() == {"host": "changed"}
    assert holding(tmp_path) == []
    assert list(stage.private.iterdir()) == []
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(told.reports)
    assert PASSWORD in os.environ["OS_PASSWORD"]


def environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}
