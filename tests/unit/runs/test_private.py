"""Where runs keep what must not outlive them, and in which environment Ansible runs."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from craton.errors import ConfigurationError
from craton.runs import private
from craton.runs.deadlines import Deadline, boottime
from craton.runs.environment import environment
from craton.runs.private import PrivateDirectories


def test_a_directory_is_its_owners_alone_and_gone_afterwards(tmp_path: Path) -> None:
    with PrivateDirectories(tmp_path).make() as path:
        assert path.parent == tmp_path
        assert path.stat().st_mode & 0o777 == 0o700
        (path / "closed").mkdir()
        (path / "closed/file").touch()
        (path / "closed").chmod(0)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_used_is_not_swept(tmp_path: Path) -> None:
    directories = PrivateDirectories(tmp_path)
    with directories.make() as path:
        assert PrivateDirectories(tmp_path).sweep() == 0
        assert path.is_dir()


def test_a_directory_that_nobody_uses_is_swept(tmp_path: Path) -> None:
    directories = PrivateDirectories(tmp_path)
    with directories.make() as path:
        name = path.name
    (tmp_path / name).mkdir()
    (tmp_path / name / "secret").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / f"{name}-link").symlink_to(tmp_path / "other")
    assert directories.sweep() == 1
    assert {path.name for path in tmp_path.iterdir()} == {"other", f"{name}-link"}


def test_a_base_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a directory"):
        PrivateDirectories(tmp_path / "missing")


def test_memory_comes_before_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(private, "_is_in_memory", lambda path: path == tmp_path)
    assert PrivateDirectories().base == tmp_path
    monkeypatch.setattr(private, "_is_in_memory", lambda path: False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert PrivateDirectories().base == tmp_path


def test_a_file_system_in_memory_is_known() -> None:
    assert private._is_in_memory(Path("/dev/shm"))
    assert not private._is_in_memory(Path("/proc"))


def test_ansible_gets_nothing_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    given = {
        "OS_PASSWORD": "hunter2",
        "CRATON_REDIS_URL": "redis://:hunter2@127.0.0.1",
        "PYTHONPATH": "/elsewhere",
        "HOME": "/home/craton",
        "LC_ALL": "C.UTF-8",
        "PATH": "/usr/bin",
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_HASH_BEHAVIOUR": "merge",
        "ANSIBLE_CALLBACK_PLUGINS": "/plugins",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    made = environment(Path("/run/private"))
    assert "hunter2" not in repr(made)
    assert {"PYTHONPATH", "OS_PASSWORD"}.isdisjoint(made)
    assert made["ANSIBLE_HOST_KEY_CHECKING"] == "False"
    assert made["ANSIBLE_HASH_BEHAVIOUR"] == "replace"
    assert made["ANSIBLE_CALLBACK_PLUGINS"].startswith("/plugins:")
    assert made["PATH"] == f"{Path(sys.executable).parent}:/usr/bin"
    assert made["ANSIBLE_LOCAL_TEMP"] == "/run/private/tmp"


def test_a_deadline_is_seen_by_whoever_reads_the_file(tmp_path: Path) -> None:
    deadline = Deadline(tmp_path / "deadline", boottime() + 1000)
    other = Deadline(tmp_path / "deadline")
    assert 0 < other.remaining() <= 1000
    deadline.set(boottime() - 1)
    assert other.remaining() <= -1
    assert (tmp_path / "deadline").stat().st_mode & 0o777 == 0o600
