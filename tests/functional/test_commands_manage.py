"""craton-manage: the versions of a store's schema."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.functional.commands import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def manage(place: Place, *action: str) -> subprocess.CompletedProcess[str]:
    path = place.configuration("")
    return place.run("craton-manage", "--config-file", path, "db", *action)


def test_a_schema_goes_up_and_down(place: Place) -> None:
    newest = manage(place, "history").stdout.splitlines()[-1].split()[0]
    for _ in range(2):
        done = manage(place, "upgrade")
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{newest}\n", "")
    done = manage(place, "downgrade", "base")
    assert (done.returncode, done.stdout) == (0, "base\n")
    assert newest in done.stderr
    assert manage(place, "current").stdout == "base\n"


def test_a_version_that_does_not_exist_is_refused(place: Place) -> None:
    done = manage(place, "upgrade", "9999")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "9999" in done.stderr


def test_a_driver_without_a_schema_says_so(place: Place) -> None:
    path = place.configuration("[inventory]\ndriver = memory")
    done = place.run("craton-manage", "--config-file", path, "db", "upgrade")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "'memory' has no schema" in done.stderr
