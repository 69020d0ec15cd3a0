"""craton-manage changes: what becomes of old records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from craton.backends.wrappers import LoggedDriver
from craton.changes import place_at
from craton.cmd import changes, manage
from craton.driver import Create, InventoryDriver
from craton.errors import NotFound
from craton.models import ChangeRecord, Tenant
from tests import backends
from tests.functional.commands import Place

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def fill(driver: InventoryDriver, days: int) -> None:
    """Store a record of each of some days, the last one at noon."""
    places = [f"{place_at(NOON - timedelta(days=n))}Z-x" for n in range(days)]
    driver.apply(
        Create(
            entity=ChangeRecord(
                id=place, name=place, operation="create", entity_kind="host", entity_id="h"
            )
        )
        for place in places
    )


def test_old_records_go_in_steps_and_the_others_stay(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(changes, "_STEP", 7)
    file = place.configuration("")
    prune = ["--config-file", file, "changes", "prune", "--before"]
    with backends.opened("sql", place.state) as driver:
        fill(driver, 30)
        assert manage.main([*prune, "2026-02-10", "--dry-run"]) == 0
        assert capsys.readouterr().out == "10 records would be removed\n"
        assert driver.count(ChangeRecord) == 30
        assert manage.main([*prune, "2026-02-10"]) == 0
        assert capsys.readouterr().out == "10 records removed\n"
        assert min(record.name for record in driver.scan(ChangeRecord)) > "2026-02-10T12"
        # A time has an offset, or is in UTC.
        for before, removed in (
            ("2026-02-10T12:00:00", 0),
            ("2026-02-10T13:00:00.001+01:00", 1),
            ("2026-02-12T00:00:00Z", 1),
        ):
            assert manage.main([*prune, before]) == 0
            assert capsys.readouterr().out == f"{removed} records removed\n"


def test_it_can_be_broken_off_and_run_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(changes, "_STEP", 10)
    prune = ["--config-file", place.configuration(""), "changes", "prune", "--before", "2026-03-02"]
    remove = changes._remove
    calls: list[list[ChangeRecord]] = []

    def interrupted(driver: InventoryDriver, records: list[ChangeRecord]) -> None:
        remove(driver, records)
        calls.append(records)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with backends.opened("sql", place.state) as driver:
        fill(driver, 35)
        monkeypatch.setattr(changes, "_remove", interrupted)
        assert manage.main(prune) == 130
        assert "interrupted; 10 records are removed" in capsys.readouterr().err
        assert driver.count(ChangeRecord) == 15
        assert manage.main(prune) == 0
        assert capsys.readouterr().out == "15 records removed\n"
        assert driver.count(ChangeRecord) == 0


def test_somebody_else_may_prune_meanwhile(driver: InventoryDriver) -> None:
    fill(driver, 5)
    records = list(driver.scan(ChangeRecord))
    driver.delete(ChangeRecord, records[2].id)
    changes._remove(driver, records)
    assert driver.count(ChangeRecord) == 0


def test_pruning_leaves_no_record(driver: InventoryDriver) -> None:
    logged = LoggedDriver(driver)
    tenant = logged.create(Tenant(name="acme"))
    changes._remove(logged, list(driver.scan(ChangeRecord)))
    assert driver.count(ChangeRecord) == 0
    with pytest.raises(NotFound):
        logged.delete(Tenant, tenant.id + "x")


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "2026", "9999-12-31T23:59:59-01:00"])
def test_what_is_no_time_is_refused(
    place: Place, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    arguments = ["--config-file", place.configuration(""), "changes", "prune", "--before", text]
    with pytest.raises(SystemExit):
        manage.main(arguments)
    assert "is no date and no time" in capsys.readouterr().err


def test_a_driver_without_a_log_says_so(place: Place) -> None:
    repository = place.directory / "inventory"
    file = place.configuration(f"[inventory]\ndriver = directory\n[directory]\npath = {repository}")
    done = place.run(
        "craton-manage", "--config-file", file, "changes", "prune", "--before=2026-01-01"
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "does not write changes" in done.stderr
