"""The report on a driver: a text for people, and JSON for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from oslo_config import cfg

from craton import __version__
from craton.capabilities import Capabilities
from craton.driver import InventoryDriver
from craton.testing.clauses import CLAUSES
from craton.testing.promises import Verdict
from craton.testing.results import Result, unneeded_waivers, verdict_on

#: What stands in the report in place of a secret.
HIDDEN: Final = "***"

_PASSWORD = re.compile(r"(?<=://)[^/@\s]*(?=@)")


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run found out about one driver.

    Attributes:
        driver: Its name.
        capabilities: What it claims.
        settings: Its options by group, as :func:`public_settings` gives them.
        results: How each test ended.
    """

    driver: str
    capabilities: Capabilities
    settings: Mapping[str, Mapping[str, object]]
    results: Sequence[Result] = field(default=())

    @property
    def verdicts(self) -> dict[str, tuple[Verdict, list[Result]]]:
        """The verdict on each clause of which a test ran, and the results that led to it."""
        found: dict[str, list[Result]] = {}
        for result in self.results:
            found.setdefault(result.clause, []).append(result)
        return {name: (verdict_on(found[name]), found[name]) for name in CLAUSES if name in found}

    @property
    def passed(self) -> bool:
        """Whether no clause is broken, every clause was looked at, and no waiver is idle."""
        verdicts = self.verdicts
        broken = any(verdict is Verdict.BROKEN for verdict, _ in verdicts.values())
        return not broken and verdicts.keys() == CLAUSES.keys() and not self.unneeded

    @property
    def unneeded(self) -> dict[str, str]:
        """The reasons of waivers that are no longer needed, by clause."""
        return {name: reason for (_, name), reason in unneeded_waivers(self.results).items()}

    def document(self) -> dict[str, Any]:
        """Return all of it as a JSON object."""
        return {
            "craton": __version__,
            "contract": InventoryDriver.contract,
            "driver": self.driver,
            "passed": self.passed,
            "capabilities": sorted(found.value for found in self.capabilities.supported),
            "writable": sorted(kind.kind for kind in self.capabilities.writable),
            "settings": self.settings,
            "clauses": {
                name: {
                    "promise": CLAUSES[name],
                    "verdict": verdict.value,
                    "reasons": _reasons(results),
                    "tests": [_test(result) for result in results],
                }
                for name, (verdict, results) in self.verdicts.items()
            },
            "clauses_without_a_test_run": [n for n in CLAUSES if n not in self.verdicts],
            "unneeded_waivers": self.unneeded,
        }

    def text(self) -> str:
        """Return it for people: a line for each clause, and what is to be done."""
        claims = ", ".join(sorted(claim.value for claim in self.capabilities.supported))
        lines = [
            f"driver {self.driver}, contract {InventoryDriver.contract}, craton {__version__}",
            f"claims: {claims or 'nothing'}",
            "",
        ]
        for name, (verdict, results) in self.verdicts.items():
            reasons = "; ".join(_reasons(results))
            lines.append(f"{name:<11} {verdict.value:<23} {reasons or CLAUSES[name]}")
            failed = [result for result in results if result.verdict is Verdict.BROKEN]
            lines += [f"{'':<11} by {result.test}" for result in failed]
        lines += ["", *self._remarks()]
        return "\n".join(lines) + "\n"

    def write(self, directory: Path) -> None:
        """Write ``report.txt`` and ``report.json`` into a directory."""
        directory.mkdir(parents=True, exist_ok=True)
        document = json.dumps(self.document(), ensure_ascii=False, indent=2)
        (directory / "report.txt").write_text(self.text(), encoding="utf-8")
        (directory / "report.json").write_text(document + "\n", encoding="utf-8")

    def _remarks(self) -> list[str]:
        found = [verdict for verdict, _ in self.verdicts.values()]
        counts = ", ".join(
            f"{found.count(verdict)} {verdict.value}" for verdict in Verdict if verdict in found
        )
        remarks = [f"{len(found)} of {len(CLAUSES)} clauses: {counts or 'none'}"]
        for name, reason in self.unneeded.items():
            remarks.append(f"take the waiver of {name} away, the driver keeps it: {reason}")
        if self.verdicts.keys() != CLAUSES.keys() and Verdict.BROKEN not in found:
            remarks.append("nothing is broken, but not every clause was looked at")
        else:
            remarks.append("the driver passes" if self.passed else "the driver does not pass")
        return remarks


def public_settings(driver: InventoryDriver) -> dict[str, dict[str, object]]:
    """Return the values of a driver's own options by group, without secrets."""
    settings = driver.settings
    return {
        group: {
            option.dest: _public(option, (settings if group == "DEFAULT" else settings[group]))
            for option in options
        }
        for group, options in driver.options().items()
    }


def _public(option: cfg.Opt, values: Any) -> object:
    value = values[option.dest]
    if value is None or isinstance(value, bool | int | float):
        return value
    return HIDDEN if option.secret else _PASSWORD.sub(HIDDEN, str(value))


def _reasons(results: Sequence[Result]) -> list[str]:
    return sorted({result.reason for result in results if result.reason})


def _test(result: Result) -> dict[str, object]:
    return {
        "name": result.test,
        "verdict": result.verdict.value,
        "reason": result.reason,
        "seconds": result.seconds,
        "detail": result.detail,
    }
