"""Craton's part in pytest: ``--craton-driver`` and its kin, and the verdicts of the kit.

pytest loads this in every run, so it imports the kit only when a run has to do with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from craton.errors import CratonError

_RESULTS = pytest.StashKey[list[Any]]()
_REPORT = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("craton", "conformance of a Craton inventory driver")
    group.addoption(
        "--craton-driver", metavar="NAME", help="run the conformance kit on this driver"
    )
    group.addoption(
        "--craton-config",
        metavar="FILE",
        action="append",
        default=[],
        help="configuration of the driver; may be repeated",
    )
    group.addoption(
        "--craton-waivers", metavar="FILE", help="clauses that the driver does not keep, with why"
    )
    group.addoption(
        "--craton-clauses",
        metavar="NAMES",
        help="only these clauses or families of them, such as PAGE-4,SCAN",
    )
    group.addoption(
        "--craton-report", metavar="DIR", help="write report.txt, report.json and junit.xml here"
    )
    group.addoption(
        "--craton-wipe", action="store_true", help="delete what the store holds before the run"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Get the named driver ready, and add the shipped tests to the run."""
    config.stash[_RESULTS] = []
    name = config.getoption("craton_driver")
    if name is None:
        return
    try:
        _prepare(config, name)
    except (CratonError, ImportError) as error:
        raise pytest.UsageError(str(error)) from error


def _prepare(config: pytest.Config, name: str) -> None:
    from craton.testing.configured import ConfiguredHarness
    from craton.testing.report import Report, public_settings
    from craton.testing.under_test import HARNESS, SHIPPED
    from craton.testing.waivers import read_waivers

    if config.getoption("numprocesses", default=None):
        raise pytest.UsageError("--craton-driver has one store for all tests; leave -n away")
    file = config.getoption("craton_waivers")
    waivers = read_waivers(Path(file)) if file else {}
    harness = ConfiguredHarness(name, config.getoption("craton_config"), waivers)
    capabilities = harness.prepare(wipe=config.getoption("craton_wipe"))
    config.stash[HARNESS] = harness
    settings = public_settings(harness.load())
    config.stash[_REPORT] = Report(driver=name, capabilities=capabilities, settings=settings)
    given = config.args if config.args_source is config.ArgsSource.ARGS else []
    config.args[:] = [*given, *([] if _names_it(given, SHIPPED) else [str(SHIPPED)])]
    directory = config.getoption("craton_report")
    if directory and not config.option.xmlpath:
        config.option.xmlpath = str(Path(directory) / "junit.xml")


def _names_it(arguments: Sequence[str], shipped: Path) -> bool:
    """Tell whether the arguments name the shipped tests, or a package that has them."""
    paths = [Path(argument.partition("::")[0]).resolve() for argument in arguments]
    return any(path == shipped or path in shipped.parents for path in paths)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the clauses that were chosen; tests that are about no clause stay."""
    words = config.getoption("craton_clauses")
    if not words:
        return
    from craton.testing.clauses import chosen
    from craton.testing.promises import promise_of

    try:
        clauses = chosen(words)
    except CratonError as error:
        raise pytest.UsageError(str(error)) from error
    promises = {item: promise_of(getattr(item, "function", None)) for item in items}
    others = [item for item, found in promises.items() if found and found.clause not in clauses]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in set(others)]


def pytest_report_teststatus(
    report: pytest.TestReport,
) -> tuple[str, str, str] | None:
    """Call a test what it is, when nothing was there to be tested."""
    if report.when != "call" or report.outcome != "passed":
        return None
    verdict = dict(report.user_properties).get("verdict")
    if verdict == "not exercised":
        return "not exercised", "n", "NOT EXERCISED"
    if verdict == "refused as not claimed":
        return "refused as not claimed", "r", "REFUSED"
    return None


class _Recorder:
    """Keeps the results of a run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if any(name == "clause" for name, _ in report.user_properties):
            from craton.testing.results import result_of

            result = result_of(report)
            if result is not None:
                self._config.stash[_RESULTS].append(result)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin to keep results; the workers of a distributed run leave that to its head."""
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(_Recorder(session.config))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for a waiver that is no longer needed, and write the report."""
    results = session.config.stash[_RESULTS]
    if not results:
        return
    from craton.testing.results import unneeded_waivers

    if unneeded_waivers(results) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    directory = session.config.getoption("craton_report")
    if directory and _REPORT in session.config.stash:
        _finished(session.config).write(Path(directory))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was not exercised, and which waivers are to be taken away."""
    results = config.stash[_RESULTS]
    if not results:
        return
    from craton.testing.promises import Verdict
    from craton.testing.results import unneeded_waivers

    idle = unneeded_waivers(results)
    unseen = {
        (result.clause, result.reason)
        for result in results
        if result.verdict is Verdict.NOT_EXERCISED
    }
    if idle or unseen:
        terminalreporter.section("conformance")
    for clause, reason in sorted(unseen):
        terminalreporter.line(f"{clause} has a test that was not exercised: {reason}")
    for (suite, clause), reason in idle.items():
        terminalreporter.line(
            f"{suite}: take the waiver of {clause} away, the driver keeps it: {reason}", red=True
        )
    if _REPORT in config.stash:
        terminalreporter.section("report")
        terminalreporter.write(_finished(config).text())


def _finished(config: pytest.Config) -> Any:
    import dataclasses

    return dataclasses.replace(config.stash[_REPORT], results=config.stash[_RESULTS])
