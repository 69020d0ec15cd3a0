"""craton-manage copy: from one configuration to another, told in lines and exit codes."""

from __future__ import annotations

import dataclasses
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from oslo_config import cfg

from craton import config, loader, sample
from craton.backends.wrappers.faults import Fault, OnCall
from craton.backends.wrappers.faulty import FaultyDriver
from craton.backends.wrappers.operations import WRITES, Operation
from craton.capabilities import EVERY_CAPABILITY, Capabilities, Capability
from craton.cmd import copy, manage
from craton.cmd.progress import Lines
from craton.driver import InventoryDriver
from craton.models import Entity, Host, Tenant
from craton.variables import Variables
from tests import backends
from tests.fleets import everything, fill
from tests.functional.commands import BIN, Place
from tests.waiting import PATIENCE


@dataclasses.dataclass
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


class Stores:
    """Configurations by name, each with a state of its own."""

    def __init__(self, directory: Path, template: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory, self.template, self.capsys = directory, template, capsys
        self.place = Place(directory)

    def add(
        self, name: str, *, prepared: bool = True, like: Path | None = None, text: str = ""
    ) -> str:
        """Make an SQLite store (or what the text says), and return its configuration file."""
        state = self.directory / name
        if prepared:
            shutil.copytree(like or self.template, state)
        path = self.directory / f"{name}.conf"
        path.write_text(f"[DEFAULT]\nstate_path = {state}\n{text}\n")
        return str(path)

    def copy(self, source: str, target: str, *options: str) -> Done:
        """Run the command in this process."""
        code = manage.main([*self.arguments(source, target), *options])
        said = self.capsys.readouterr()
        return Done(code, said.out, said.err)

    def copy_apart(self, source: str, target: str) -> subprocess.CompletedProcess[str]:
        """Run the command as its users do."""
        return self.place.run("craton-manage", *self.arguments(source, target))

    @staticmethod
    def arguments(source: str, target: str) -> tuple[str, ...]:
        return "copy", "--from", source, "--to", target


@pytest.fixture
def stores(
    tmp_path: Path, template_of: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> Stores:
    return Stores(tmp_path, template_of("sql"), capsys)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, template_of: Callable[[str], Path]) -> Path:
    """The state of a store with 2,464 entities, to be copied."""
    state = tmp_path_factory.mktemp("large") / "state"
    with backends.opened("sql", state, template_of("sql")) as driver:
        fill(driver, hosts=1200, groups=30)
        assert len(everything(driver)) == 2464
    return state


def opened(path: str) -> InventoryDriver:
    return loader.load(config.settings([f"--config-file={path}"]))


def filled(path: str, **sizes: int) -> str:
    with opened(path) as driver:
        fill(driver, **sizes)
    return path


def content(path: str) -> dict[tuple[type[Entity], str], Entity]:
    with opened(path) as driver:
        return everything(driver)


def test_a_copy_ends_with_a_table_of_both_sides(stores: Stores) -> None:
    source, target = filled(stores.add("a"), hosts=12, groups=3), stores.add("b")
    done = stores.copy_apart(source, target)
    assert done.returncode == 0, done.stderr
    assert content(source) == content(target)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == "Created 34, replaced 0, left alone 0.".split()
    assert lines[1] == "REGION KIND SOURCE TARGET DIGEST".split()
    assert [line[:-1] for line in lines[2:]] == [
        "tenants 2 2 equal".split(),
        "regions 2 2 equal".split(),
        "tenant 0/region 0 groups 3 3 equal".split(),
        "tenant 0/region 0 hosts 12 12 equal".split(),
        "tenant 1/region 1 groups 3 3 equal".split(),
        "tenant 1/region 1 hosts 12 12 equal".split(),
    ]
    assert len({line[-1] for line in lines[2:]}) == 6
    assert "copying: 34 of 34 entities" in done.stderr
    assert "comparing: 68 of 68 entities" in done.stderr

    again = stores.copy(source, target)
    assert (again.returncode, again.stdout, again.stderr.count("\n")) == (1, "", 1)
    assert "the target is not empty: there are tenants" in again.stderr
    resumed = stores.copy(source, target, "--resume")
    assert resumed.returncode == 0
    assert "Created 0, replaced 0, left alone 34." in resumed.stdout


def test_planted_differences_are_named_and_the_exit_code_tells(stores: Stores) -> None:
    source, target = filled(stores.add("a"), hosts=9), stores.add("b")
    assert stores.copy(source, target).returncode == 0
    with opened(target) as driver:
        changed = dataclasses.replace(driver.get(Host, "r0h1"), variables=Variables(), templated=())
        driver.replace(changed)
        driver.delete(Host, "r0h2")
        driver.create(Host(id="extra", region_id="r0", name="extra"))
        driver.replace(dataclasses.replace(driver.get(Tenant, "t1"), customer="another"))
    before = content(target)
    done = stores.copy(source, target, "--verify-only")
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if "differ" in line] == [
        "craton-manage: tenants differ: 1 different (t1)",
        "craton-manage: hosts of tenant 0/region 0 differ: 1 only in the source (r0h2), "
        "1 only in the target (extra), 1 different (r0h1)",
    ]
    assert [line.split()[-5:-2] for line in done.stdout.splitlines() if "DIFFERENT" in line] == [
        ["2", "2", "DIFFERENT"],
        ["9", "9", "DIFFERENT"],
    ]
    assert content(target) == before

    done = stores.copy(source, target, "--resume")
    assert done.returncode == 1
    assert "Created 1, replaced 2" in done.stdout
    assert "hosts of tenant 0/region 0 differ: 1 only in the target (extra)\n" in done.stderr


def test_a_dry_run_tells_what_would_be_copied_and_writes_nothing(stores: Stores) -> None:
    source, target = filled(stores.add("a"), hosts=9, groups=2), stores.add("b")
    done = stores.copy(source, target, "--dry-run")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == "REGION KIND CREATE REPLACE EQUAL".split()
    assert "tenant 1/region 1 hosts 9 0 0".split() in lines
    assert done.stdout.endswith("Nothing was written.\n")
    assert content(target) == {}


def test_an_inventory_leaves_the_example_driver_and_comes_back(stores: Stores) -> None:
    source, files, target = (
        stores.add("a"),
        stores.add(
            "files",
            prepared=False,
            text=f"[inventory]\ndriver = directory\n[directory]\npath = {stores.directory}/fleet",
        ),
        stores.add("b"),
    )
    with opened(source) as driver:
        sample.load(driver)
    for one, other in ((source, files), (files, target)):
        done = stores.copy(one, other)
        assert done.returncode == 0, done.stderr
    assert content(source) == content(files) == content(target)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot open the target ({}): the database is at version none"),
        (
            "[database]\nconnection = sqlite:////dev/null/craton.sqlite",
            "cannot open the target ({}): the database cannot be reached",
        ),
        ("[inventory]\ndriver = nosuch", "cannot use the target ({}): no inventory driver is"),
    ],
    ids=["outdated", "away", "unknown"],
)
def test_a_target_that_cannot_be_used_is_one_line(stores: Stores, text: str, words: str) -> None:
    source = filled(stores.add("a"), hosts=1)
    target = stores.add("b", prepared=False, text=text)
    done = stores.copy(source, target)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"craton-manage: {words.format(target)}" in done.stderr


def test_a_store_is_not_copied_onto_itself(stores: Stores) -> None:
    source = filled(stores.add("a"), hosts=1)
    done = stores.copy(source, source, "--resume")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "source and target are the same store" in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["copy", "--from", "a.conf"],
        ["--config-file", "x.conf", "copy", "--from", "a.conf", "--to", "b.conf"],
        ["copy", "--from", "a.conf", "--to", "b.conf", "--verify-only", "--dry-run"],
        ["copy", "--from", "a.conf", "--to", "b.conf", "--verify-only", "--resume"],
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        manage.main(options)
    assert caught.value.code == 2
    assert "usage: craton-manage" in capsys.readouterr().err


#: Runs the command, with something that happens inside of the second half of one of its batches.
IN_BETWEEN = """
import itertools, os, signal, sys
from craton.driver import InventoryDriver
from craton.cmd import manage

batches = itertools.count(1)
apply = InventoryDriver.apply

def apply_and_strike(self, changes):
    number = next(batches)
    def struck():
        for position, change in enumerate(changes):
            if (number, position) == ({batch}, 5):
                os.kill(os.getpid(), signal.{signal})
            yield change
    return apply(self, struck())

InventoryDriver.apply = apply_and_strike
sys.exit(manage.main(sys.argv[1:]))
"""


def struck(
    stores: Stores, source: str, target: str, *, batch: int, signal: signal.Signals
) -> subprocess.CompletedProcess[str]:
    """Copy in a process that gets a signal in the middle of a batch."""
    program = IN_BETWEEN.format(batch=batch, signal=signal.name)
    return subprocess.run(
        [sys.executable, "-c", program, *stores.arguments(source, target)],
        env=stores.place.environment(),
        cwd=stores.directory,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("batch", [3, 6])
def test_a_copy_that_was_killed_is_resumed_and_nothing_is_doubled(
    stores: Stores, large: Path, batch: int
) -> None:
    source, target = stores.add("a", like=large), stores.add("b")
    done = struck(stores, source, target, batch=batch, signal=signal.SIGKILL)
    assert done.returncode == -signal.SIGKILL
    whole, part = content(source), content(target)
    assert part.items() < whole.items()
    # What was in the middle left nothing.
    assert len(part) == {3: 4, 6: 1034}[batch]
    assert stores.copy(source, target).returncode == 1
    resumed = stores.copy(source, target, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert content(target) == whole


def test_ctrl_c_ends_a_copy_between_two_batches_and_says_how_to_go_on(
    stores: Stores, large: Path
) -> None:
    source, target = stores.add("a", like=large), stores.add("b")
    done = struck(stores, source, target, batch=4, signal=signal.SIGINT)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.splitlines()[-1] == (
        "craton-manage: interrupted; what was copied stays, and --resume goes on from there"
    )
    assert "Traceback" not in done.stderr
    assert len(content(target)) == 534
    resumed = stores.copy(source, target, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert f"Created {2464 - 534}, replaced 0, left alone 534." in resumed.stdout


def test_a_terminal_sees_a_bar(stores: Stores, large: Path) -> None:
    source, target = stores.add("a", like=large), stores.add("b")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    process = subprocess.Popen(
        [str(BIN / "craton-manage"), *stores.arguments(source, target)],
        env=stores.place.environment(),
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    seen = b""
    try:
        while piece := _read(ours):
            seen += piece
        assert process.wait(PATIENCE) == 0, seen
    finally:
        process.kill()
        process.communicate()
        os.close(ours)
    text = seen.decode()
    assert "copying: 100%" in text
    assert "2464/2464" in text
    assert "comparing: 100%" in text
    assert "4928/4928" in text


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""  # whoever wrote to it is gone


class Meddling(Lines):
    """An observer that changes the source as soon as the first hosts are copied."""

    source = ""
    left = True

    def advance(self, count: int) -> None:
        super().advance(count)
        if self.left and self._where.startswith("hosts"):
            self.left = False
            with opened(self.source) as driver:
                host = driver.get(Host, "r0h0")
                driver.replace(dataclasses.replace(host, ssh_port=4711))
                driver.delete(Host, "r1h0")


@pytest.fixture
def meddling(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, Meddling]:
    source, target = filled(stores.add("a")), stores.add("b")
    observer = Meddling()
    observer.source = source
    monkeypatch.setattr(copy, "progress", lambda: observer)
    return source, target, observer


def test_a_copy_has_one_state_of_the_source(
    meddling: tuple[str, str, Meddling], capsys: pytest.CaptureFixture[str]
) -> None:
    source, target, observer = meddling
    before = content(source)
    assert manage.main(["copy", "--from", source, "--to", target]) == 0
    assert not observer.left
    assert content(target) == before != content(source)


@pytest.mark.parametrize("options", [[], ["--no-snapshot"]], ids=["unclaimed", "unwanted"])
def test_without_a_snapshot_the_source_must_be_quiet_and_the_comparison_tells(
    meddling: tuple[str, str, Meddling],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
) -> None:
    source, target, _ = meddling
    load = loader.load

    def load_with_less(settings: cfg.ConfigOpts) -> InventoryDriver:
        driver = load(settings)
        driver.capabilities = Capabilities(supported=EVERY_CAPABILITY - {Capability.SNAPSHOT})
        return driver

    if not options:
        monkeypatch.setattr(loader, "load", load_with_less)
    assert manage.main(["copy", "--from", source, "--to", target, *options]) == 1
    said = capsys.readouterr().err
    assert "read without a snapshot: nobody may write to it until this ends" in said
    assert "hosts of tenant 0/region 0 differ: 1 different (r0h0)" in said


@pytest.mark.parametrize(
    ("options", "operations", "words"),
    [
        ([], WRITES, "cannot write group "),
        (["--resume"], WRITES, "cannot write group "),
        (["--dry-run"], {Operation.SCAN}, "cannot read "),
    ],
)
def test_a_store_that_goes_away_is_one_line_that_says_how_to_go_on(
    stores: Stores,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    operations: Collection[Operation],
    words: str,
) -> None:
    source, target = filled(stores.add("a")), stores.add("b")
    load, planned = loader.load, OnCall(3, Fault(), operations)

    def load_faulty(settings: cfg.ConfigOpts) -> InventoryDriver:
        # Of what is loaded, the one that the fault is for: the target writes, the source is read.
        mine = settings.state_path.endswith("/b" if operations is WRITES else "/a")
        return FaultyDriver(load(settings), planned) if mine else load(settings)

    with monkeypatch.context() as patch:
        patch.setattr(loader, "load", load_faulty)
        done = stores.copy(source, target, *options)
    assert planned.reached
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"craton-manage: {words}")
    assert "a planned fault" in done.stderr
    hint = "; what was copied stays, and --resume goes on from there\n"
    assert done.stderr.endswith(hint) == ("--dry-run" not in options)
    assert stores.copy(source, target, "--resume").returncode == 0
    assert content(source) == content(target)


def test_a_signal_handler_is_put_back(stores: Stores) -> None:
    before = signal.getsignal(signal.SIGINT)
    source, target = filled(stores.add("a"), hosts=1), stores.add("b")
    assert manage.main(["copy", "--from", source, "--to", target]) == 0
    assert signal.getsignal(signal.SIGINT) is before
