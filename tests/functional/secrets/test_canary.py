"""Nothing of a payload stays in the clear where a store was at work, even when it logs all it can.

The search itself is tested by planting leaks.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.functional.secrets.canary import Canary, process_texts
from tests.functional.secrets.conftest import PROJECT, USER
from tests.services.barbican import Barbican
from tests.services.keystone import DOMAIN, PASSWORD, Keystone
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("openstack")]

PROGRAM = Path(__file__).with_name("sealing_process.py")

FERNET = "[secrets]\nstore = fernet\n"
CASTELLAN = """[secrets]
store = castellan
[key_manager]
auth_type = keystone_password
auth_url = {url}
username = {user}
password = {password}
project_name = {project}
user_domain_name = {domain}
project_domain_name = {domain}
"""


@dataclass
class Seen:
    """What a process showed: its log, its texts in ``/proc``, the sealed text."""

    log: bytes
    texts: list[bytes]
    sealed: bytes


def watch(directory: Path, options: str, canary: Canary, *arguments: str) -> Seen:
    """Let a process seal the canary, and look at all that can be seen of it meanwhile."""
    temporary = directory / "tmp"
    temporary.mkdir()
    file = directory / "craton.conf"
    file.write_text(
        f"[DEFAULT]\nstate_path = {directory / 'state'}\ndebug = true\nuse_stderr = true\n{options}"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    with (
        (directory / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, str(PROGRAM), str(file), *arguments],
            env=environment,
            cwd=temporary,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(canary.payload.hex().encode() + b"\n")
        process.stdin.flush()
        sealed = process.stdout.readline()
        texts = list(process_texts(process.pid)) if sealed else []
        process.communicate(b"\n", timeout=PATIENCE)
    text = (directory / "log").read_bytes()
    assert process.returncode == 0, text.decode()[-4000:]
    return Seen(text, texts, sealed)


@pytest.fixture
def options(request: pytest.FixtureRequest, store_name: str, tmp_path: Path) -> str:
    """The configuration of each store."""
    if store_name == "castellan":
        request.getfixturevalue("barbican")
        keystone = request.getfixturevalue("keystone")
        return CASTELLAN.format(
            url=keystone.url, user=USER, password=PASSWORD, project=PROJECT, domain=DOMAIN
        )
    request.getfixturevalue("fernet")
    keys = tmp_path / "secret-keys"
    return FERNET + f"key_repository = {keys}\n"


@pytest.fixture(params=["fernet", "castellan"])
def store_name(request: pytest.FixtureRequest) -> str:
    """The name of each store."""
    return str(request.param)


def test_a_payload_leaves_no_trace(options: str, store_name: str, tmp_path: Path) -> None:
    canary = Canary()
    (tmp_path / "run").mkdir()
    seen = watch(tmp_path / "run", options, canary)
    assert canary.found_in(seen.log) == []
    assert canary.found_below(tmp_path) == []
    assert [found for text in seen.texts for found in canary.found_in(text)] == []
    assert canary.found_in(seen.sealed) == []
    # It did log what it could.
    assert b" DEBUG " in seen.log
    assert seen.log.count(b"refused: ") == 4
    if store_name == "castellan":
        assert b"POST /v1/secrets/" in seen.log
        assert PASSWORD.encode() not in seen.log


def test_barbican_s_files_hold_no_trace(
    keystone: Keystone, barbican: Barbican, tmp_path: Path
) -> None:
    canary = Canary()
    options = CASTELLAN.format(
        url=keystone.url, user=USER, password=PASSWORD, project=PROJECT, domain=DOMAIN
    )
    watch(tmp_path, options, canary)
    assert canary.found_below(barbican.directory) == []


@pytest.mark.parametrize("leak", ["--leak-log", "--leak-file"])
@pytest.mark.parametrize("store_name", ["fernet"], indirect=True)
def test_a_planted_leak_is_found(options: str, leak: str, tmp_path: Path) -> None:
    canary = Canary()
    (tmp_path / "run").mkdir()
    seen = watch(tmp_path / "run", options, canary, leak)
    found = canary.found_below(tmp_path)
    assert bool(canary.found_in(seen.log)) == (leak == "--leak-log")
    assert any(str(tmp_path / "run" / "tmp") in text for text in found) == (leak == "--leak-file")


def test_a_leak_into_arguments_or_environment_is_found() -> None:
    canary = Canary()
    for arguments, environment in (((canary.word,), {}), ((), {"SECRET": canary.word})):
        with subprocess.Popen(
            [sys.executable, "-c", "print(flush=True); input()", *arguments],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            # Only now is it the program, and not what is about to become it.
            process.stdout.readline()
            found = [name for text in process_texts(process.pid) for name in canary.found_in(text)]
            process.communicate(b"\n", timeout=PATIENCE)
        assert found == ["raw"]


def test_every_way_of_writing_it_is_found() -> None:
    canary = Canary()
    traces = canary.traces()
    assert len(set(traces.values())) == len(traces)
    for name, trace in traces.items():
        assert name in canary.found_in(b"x" + trace + b"y")
    assert canary.found_in(b"nothing of the kind") == []
