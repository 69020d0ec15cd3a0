"""The kit itself: it accepts what keeps its word, whatever it claims, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from oslo_config import cfg

from craton import config
from craton.backends.memory.driver import MemoryDriver
from craton.capabilities import EVERY_CAPABILITY, Capabilities, Capability
from craton.driver import Change, Delete, InventoryDriver, InventoryReader, Replace
from craton.models import KINDS, E, Entity, Host
from craton.testing import CLAUSES, Harness, Verdict
from craton.testing.results import Result, unneeded_waivers
from craton.testing.runner import run

COMMAND = [sys.executable, "-m", "craton.cmd.conformance"]

#: What takes most of the time, and does nothing for the question here.
SLOW = """
    model or scan_1_yields or scan_2_closing or life_2_close_lets or snapshot_2_leaving or create_4
    or replace_4_an_invalid or filter_2 or filter_5 or filter_9 or text_1 or no_question or get_2
"""
QUICK = ("-k", f"not ({' '.join(SLOW.split())})")


class LessDriver(MemoryDriver):
    """Its snapshots claim what it claims."""

    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        with super()._snapshot() as reader:
            reader.capabilities = self.capabilities
            yield reader


class LessHarness(Harness):
    """The memory driver, claiming less than it can do; filled through a driver that can."""

    no_outage = "a dict in this process is never away"
    shared = False

    def __init__(
        self, capabilities: Capabilities, waivers: Mapping[str, str] | None = None
    ) -> None:
        self.capabilities, self.waivers = capabilities, waivers or {}

    def settings(self) -> cfg.ConfigOpts:
        return config.settings(files=[], inventory__driver="memory")

    def reset(self) -> None:
        """A new driver is empty."""

    def load(self) -> InventoryDriver:
        driver = LessDriver(self.settings())
        driver.capabilities = self.capabilities
        return driver

    def seed(self, driver: InventoryDriver, entities: Sequence[E]) -> list[E]:
        able = MemoryDriver(self.settings())
        able.state = driver.state  # type: ignore[attr-defined]
        stored = super().seed(able, entities)
        driver.state = able.state  # type: ignore[attr-defined]
        return stored


FULL = EVERY_CAPABILITY - {Capability.MIGRATIONS}


def claims(
    supported: frozenset[Capability], writable: Sequence[type[Entity]] = KINDS
) -> Capabilities:
    return Capabilities(supported=supported, writable=frozenset(writable))


PARTIAL = {
    **{f"without-{found.value}": claims(FULL - {found}) for found in sorted(FULL, key=str)},
    "nothing": claims(frozenset()),
    "hosts-alone": claims(FULL, [Host]),
}


def broken(results: Sequence[Result]) -> dict[str, str]:
    return {found.test: found.detail for found in results if found.verdict is Verdict.BROKEN}


@pytest.mark.parametrize("name", PARTIAL)
def test_a_driver_that_claims_less_passes(name: str) -> None:
    results = run(LessHarness(PARTIAL[name]), *QUICK)
    assert broken(results) == {}
    assert Verdict.REFUSED in {found.verdict for found in results}
    assert len(results) > 130


class Overbearing(LessHarness):
    """Claims nothing, and does everything all the same."""

    def load(self) -> InventoryDriver:
        driver = super().load()
        driver.capabilities = _Lenient(supported=frozenset())
        return driver


class _Lenient(Capabilities):
    def require(self, capability: Capability) -> None:
        """Do not mind."""

    def require_writable(self, kind: type[Entity]) -> None:
        """Do not mind."""


def test_a_driver_that_does_what_it_does_not_claim_is_caught() -> None:
    clauses = "CREATE-5,REPLACE-3,BATCH-3,SNAPSHOT-2,PAGE-1,PAGE-5,SCAN-4"
    results = run(Overbearing(claims(frozenset())), "--craton-clauses", clauses)
    caught = {found.clause for found in results if found.verdict is Verdict.BROKEN}
    assert caught == set(clauses.split(","))
    assert all("claim" in found.detail for found in results if found.verdict is Verdict.BROKEN)


class Forgetful(LessHarness):
    """Loses every second write of a batch, and takes the revision for granted."""

    def load(self) -> InventoryDriver:
        driver = _ForgetfulDriver(self.settings())
        driver.capabilities = self.capabilities
        return driver


class _ForgetfulDriver(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        super()._write(
            dataclasses.replace(change, if_revision=None)
            if isinstance(change, Replace | Delete) and change.if_revision is not None
            else change
            for change in changes
        )


def test_a_fault_is_found_by_the_clause_that_it_breaks() -> None:
    results = run(Forgetful(claims(FULL)), *QUICK)
    caught = {found.clause for found in results if found.verdict is Verdict.BROKEN}
    plain = {"REPLACE-3", "REPLACE-6", "DELETE-2", "BATCH-4"}
    assert caught == {*plain, "VERBATIM-1", "RECORD-1", "RECORD-2"}


def test_a_waiver_covers_its_clause_and_no_other() -> None:
    waivers = {"REPLACE-3": "takes no notice", "DELETE-2": "takes no notice"}
    chosen = ("--craton-clauses", "REPLACE-3,DELETE-2,BATCH-4")
    results = run(Forgetful(claims(FULL), waivers), *chosen)
    verdicts = {found.clause: found.verdict for found in results if found.verdict != Verdict.KEPT}
    assert verdicts == {
        "REPLACE-3": Verdict.WAIVED,
        "DELETE-2": Verdict.WAIVED,
        "BATCH-4": Verdict.BROKEN,
    }
    assert unneeded_waivers(results) == {}


def test_a_waiver_that_is_not_needed_is_told() -> None:
    waivers = {"GET-1": "used to be slow", "GET-2": "used to be wrong"}
    results = run(LessHarness(claims(FULL), waivers), "--craton-clauses", "GET-1")
    [(suite, clause)] = unneeded_waivers(results)
    assert (suite.rpartition("::")[2], clause) == ("TestDriver", "GET-1")


def test_a_waiver_is_not_judged_by_a_part_of_its_tests() -> None:
    harness = LessHarness(claims(FULL), {"GET-1": "used to be slow"})
    results = run(harness, "-k", "get_1_returns_every")
    assert len(results) == 1
    assert unneeded_waivers(results) == {}


def test_what_cannot_be_exercised_is_not_called_kept() -> None:
    results = run(LessHarness(claims(FULL)), "--craton-clauses", "ERROR-2,LIFE-4")
    unseen = [found for found in results if found.verdict is Verdict.NOT_EXERCISED]
    assert {found.clause for found in unseen} == {"ERROR-2", "LIFE-4"}
    assert {found.reason for found in unseen} == {LessHarness.no_outage}


# -- the doors ---------------------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A configuration of the sql driver with a secret in it."""
    file = tmp_path / "craton.conf"
    file.write_text(
        f"[DEFAULT]\nstate_path = {tmp_path}/state\n"
        f"[database]\nconnection = sqlite:///{tmp_path}/sesame.sqlite\n"
    )
    return file


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300
    )


def test_the_command_writes_three_reports(state: Path, tmp_path: Path) -> None:
    report = tmp_path / "report"
    chosen = ("--clauses", "GET,LIFE-3,ERROR-2")
    done = command("--driver", "sql", "--config", state, "--report", report, *chosen)
    assert done.returncode == 0, done.stdout + done.stderr
    text = (report / "report.txt").read_text()
    assert text in done.stdout
    document = json.loads((report / "report.json").read_text())
    assert (document["driver"], document["contract"]) == ("sql", 1)
    assert set(document["capabilities"]) == {found.value for found in EVERY_CAPABILITY}
    assert document["writable"] == sorted(kind.kind for kind in KINDS)
    verdicts = {name: found["verdict"] for name, found in document["clauses"].items()}
    assert verdicts == {
        "LIFE-3": "kept",
        "GET-1": "kept",
        "GET-2": "kept",
        "GET-3": "kept",
        "ERROR-2": "not exercised",
    }
    assert not document["passed"]
    assert len(document["clauses_without_a_test_run"]) == len(CLAUSES) - len(verdicts)
    assert document["settings"]["database"]["connection"] == "***"
    junit = (report / "junit.xml").read_text()
    clauses = {
        found.get("value")
        for found in ElementTree.fromstring(junit).iter("property")
        if found.get("name") == "clause"
    }
    assert clauses == set(verdicts)
    assert not any("sesame" in found for found in (text, json.dumps(document), junit))


def test_the_command_refuses_a_store_that_is_not_empty(state: Path) -> None:
    chosen = ("--driver", "sql", "--config", state, "--clauses", "GET-2")
    fill = (
        "from craton import config, loader; from craton.models import Tenant;"
        f"conf = config.settings(files=[{str(state)!r}]); driver = loader.load(conf);"
        "driver.migrations().upgrade(); driver.open();"
        "print(len(list(driver.scan(Tenant))), driver.create(Tenant(name='mine')).id)"
    )
    subprocess.run([sys.executable, "-c", fill], check=True, capture_output=True)
    refused = command(*chosen)
    assert refused.returncode == 2
    assert "not empty" in refused.stderr
    assert "--wipe" in refused.stderr
    assert command(*chosen, "--wipe").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--driver", "oracle"), "no inventory driver is called 'oracle'; installed: "),
        (("--driver", "memory", "--config", "/nowhere.conf"), "/nowhere.conf"),
        (("--driver", "memory", "--waivers", "/nowhere.ini"), "/nowhere.ini"),
        (("--driver", "memory", "--clauses", "PAGE-44"), "near: PAGE-4"),
        (("--new", "Bad-Name", "x"), "lower-case letters"),
        ((), "--driver"),
    ],
)
def test_the_command_says_why_it_cannot_begin(arguments: tuple[str, ...], words: str) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("waivers", "code", "words"),
    [
        ("[waivers]\nPAGE-44 = because\n", 2, "near: PAGE-4"),
        ("[waivers]\nPAGE-4 =\n", 2, "needs a reason"),
        ("PAGE-4 = because\n", 2, "no file of waivers"),
        ("[other]\n", 2, "has no section [waivers]"),
        ("[waivers]\nGET-2 = it used to be wrong\n", 1, "take the waiver of GET-2 away"),
    ],
)
def test_waivers_are_read_strictly(tmp_path: Path, waivers: str, code: int, words: str) -> None:
    file = tmp_path / "waivers.ini"
    file.write_text(waivers)
    done = command("--driver", "memory", "--waivers", file, "--clauses", "GET-2")
    assert done.returncode == code
    assert words in done.stdout + done.stderr


def test_pytest_runs_the_kit_on_a_configured_driver(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    pytest_ = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    kit = ["--craton-driver", "memory", "--craton-clauses", "GET-2,LIFE-3,ERROR-2"]
    done = subprocess.run(
        [*pytest_, *kit, "test_own.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "13 passed" in done.stdout
    assert "3 refused as not claimed, 2 not exercised" in done.stdout
    named = subprocess.run(
        [*pytest_, *kit, "--pyargs", "craton.testing.suite"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "12 passed" in named.stdout
    assert "3 refused as not claimed, 2 not exercised" in named.stdout


def test_a_distributed_run_has_no_single_store(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--craton-driver", "memory", "-n", "2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "leave -n away" in done.stderr


MISSING = "import sys; sys.modules[{!r}] = None; "
MAIN = "from craton.cmd.conformance import main; sys.exit(main(['--driver', 'memory']))"


@pytest.mark.parametrize("module", ["hypothesis", "pytest"])
def test_a_missing_extra_is_named_by_the_package(module: str) -> None:
    code = MISSING.format(module) + "import craton.testing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"needs {module}; run: pip install 'craton[testing]'" in done.stderr


@pytest.mark.parametrize("module", ["hypothesis", "pytest"])
def test_a_missing_extra_is_named_by_the_command(module: str, tmp_path: Path) -> None:
    # pytest looks at hypothesis before anything else, so that vanishes when plugins are loaded.
    (tmp_path / "vanished.py").write_text(MISSING.format("hypothesis"))
    code = (MISSING.format("pytest") if module == "pytest" else "import sys; ") + MAIN
    options = "-p no:hypothesispytest -p no:schemathesis -p vanished"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_ADDOPTS": options, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"needs {module}; run: pip install 'craton[testing]'" in done.stderr
    assert "Traceback" not in done.stderr
