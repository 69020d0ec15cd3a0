"""Several processes on one mirror: one syncs at a time; one that lost its turn writes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from craton.backends.cmdb.lease import Lease, LeaseLostError
from craton.driver import Change, InventoryDriver
from craton.errors import CratonError, ReadOnly, Unavailable
from craton.models import Host
from tests.cmdbs import changed
from tests.functional.cmdb.conftest import Mirror
from tests.functional.cmdb.fleet import FLEET, HOST, HOSTS
from tests.functional.commands import BIN
from tests.waiting import PATIENCE, until


@pytest.fixture
def overlay() -> str:
    """Processes share a store, so it is not in memory."""
    return "sql"


def manage(mirror: Mirror, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", str(BIN / "craton-manage"), "--config-file",
         str(mirror.file), "cmdb", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip


def done(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, out, errors


def lease(mirror: Mirror, seconds: float) -> None:
    text = mirror.file.read_text().replace("[cmdb]\n", f"[cmdb]\nlease = {seconds}\n")
    mirror.file.write_text(text)


def test_the_command_tells_what_it_did(mirror: Mirror) -> None:
    mirror.cmdb.put(*FLEET, changed(HOSTS[9], id="twin", name="twin", region_id="nowhere"))
    code, out, errors = done(manage(mirror, "sync"))
    assert (code, errors) == (0, "")
    assert "10 hosts created" in out
    assert "1 objects rejected" in out
    mirror.cmdb.remove(*HOSTS[:4])
    code, out, _ = done(manage(mirror, "sync", "--full"))
    assert (code, "north would lose 4 of 10 hosts" in out) == (3, True)
    code, out, _ = done(manage(mirror, "status"))
    assert (code, "held       north" in out, "host twin (" in out) == (3, True, True)
    code, out, _ = done(manage(mirror, "sync", "--confirm"))
    assert (code, out.startswith("4 hosts deleted")) == (0, True)


def test_the_command_tells_what_went_wrong(mirror: Mirror) -> None:
    mirror.cmdb.suffer(fail_at=0, message="nobody is there")
    code, out, errors = done(manage(mirror, "sync"))
    assert (code, out, errors.count("\n")) == (1, "", 1)
    assert "nobody is there" in errors
    code, out, _ = done(manage(mirror, "status"))
    assert (code, "never synced" in out, "nobody is there" in out) == (1, True, True)


def test_of_two_that_sync_at_once_one_does_the_work(
    filled: InventoryDriver, mirror: Mirror
) -> None:
    mirror.cmdb.put(changed(HOST, active=False))
    mirror.cmdb.suffer(slow=0.5)
    before = mirror.cmdb.streams()
    with mirror.driver() as other, ThreadPoolExecutor(8) as pool:
        drivers = [filled, other] * 4
        reports = list(pool.map(lambda driver: driver.sync(), drivers))
    # All were asked at one moment; a second stream is for those that came when the first had begun.
    assert mirror.cmdb.streams() - before <= 2
    assert sum(report.changed for report in reports) == 1


def test_who_does_not_want_to_wait_is_told(filled: InventoryDriver, mirror: Mirror) -> None:
    held = Lease.acquire(filled._store, 60)  # type: ignore[attr-defined]
    assert held is not None
    with pytest.raises(Unavailable, match="another sync"):
        filled.sync(patience=0)
    assert filled.get(Host, HOST.id).id == HOST.id


def test_a_failure_is_shared_by_those_that_waited_for_it(
    filled: InventoryDriver, mirror: Mirror
) -> None:
    mirror.cmdb.suffer(slow=0.5, fail_at=0)
    before = mirror.cmdb.streams()

    def attempt(_: int) -> str:
        with pytest.raises(CratonError) as caught:
            filled.sync()
        return caught.value.code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(attempt, range(6))) == {"owner_unavailable"}
    assert mirror.cmdb.streams() - before <= 2


def test_the_turn_of_a_process_that_was_killed_passes_on(mirror: Mirror) -> None:
    lease(mirror, 2)
    mirror.cmdb.put(*FLEET)
    mirror.cmdb.suffer(hang_at=5)
    process = manage(mirror, "sync")
    until(lambda: mirror.cmdb.streams() == 1)
    process.kill()
    process.communicate()
    mirror.cmdb.suffer()
    with mirror.driver() as driver:
        assert driver.mirror_status().synced_at is None
        assert driver.sync().created["host"] == 10


def test_an_interrupted_sync_gives_its_turn_back(mirror: Mirror) -> None:
    mirror.cmdb.put(*FLEET)
    mirror.cmdb.suffer(hang_at=5)
    process = manage(mirror, "sync")
    until(lambda: mirror.cmdb.streams() == 1)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    code, _, errors = done(process)
    assert (code, "interrupted" in errors) == (130, True)
    mirror.cmdb.suffer()
    with mirror.driver() as driver:
        assert driver.sync(patience=0).created["host"] == 10


def test_who_lost_the_turn_writes_nothing(
    filled: InventoryDriver, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease(mirror, 1)
    mirror.cmdb.put(changed(HOST, ssh_port=1))
    reading, go_on = threading.Event(), threading.Event()
    with mirror.driver() as slow, mirror.driver() as fast:
        original = slow._adapter.changes  # type: ignore[attr-defined]

        def changes(since: str | None) -> object:
            for item in original(since):
                reading.set()
                assert go_on.wait(PATIENCE)
                yield item

        monkeypatch.setattr(slow._adapter, "changes", changes)  # type: ignore[attr-defined]
        with ThreadPoolExecutor(1) as pool:
            lost = pool.submit(slow.sync)
            assert reading.wait(PATIENCE)
            mirror.cmdb.put(changed(HOST, ssh_port=2))
            assert fast.sync().updated == {"host": 1}
            status = fast.mirror_status()
            go_on.set()
            with pytest.raises(LeaseLostError):
                lost.result(PATIENCE)
        assert fast.get(Host, HOST.id).ssh_port == 2
        fresh = mirror.driver()
        with fresh:
            assert fresh.mirror_status() == status


def test_a_write_of_craton_and_a_sync_at_once_lose_nothing(
    filled: InventoryDriver, mirror: Mirror
) -> None:
    def amend(number: int) -> None:
        def change(host: Host) -> Host:
            return changed(host, variables=host.variables.merged({f"own_{number}": number}))  # type: ignore[no-any-return]

        filled.update(Host, HOST.id, change)

    def follow() -> None:
        for number in range(8):
            mirror.cmdb.put(changed(HOST, ssh_port=number + 1))
            filled.sync()

    with ThreadPoolExecutor(2) as pool:
        following = pool.submit(follow)
        for number in range(12):
            amend(number)
        following.result(PATIENCE)
    filled.sync()
    host = filled.get(Host, HOST.id)
    assert host.ssh_port == 8
    assert {name for name in host.variables if name.startswith("own_")} == {
        f"own_{number}" for number in range(12)
    }


def test_a_write_does_not_pass_a_sync_that_takes_the_variable_over(
    filled: InventoryDriver, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entity stays the same when the CMDB has the value that Craton had; its owner does not."""
    host = filled.get(Host, HOST.id)
    host = filled.replace(changed(host, variables=host.variables.merged({"x": 1})))
    store = filled._store  # type: ignore[attr-defined]
    write = store._write

    def overtaken(changes: Iterator[Change]) -> None:
        monkeypatch.setattr(store, "_write", write)
        made = list(changes)
        mirror.cmdb.put(changed(HOST, variables=HOST.variables.merged({"x": 1})))
        with mirror.driver() as other:
            other.sync()
        write(iter(made))

    monkeypatch.setattr(store, "_write", overtaken)
    with pytest.raises(ReadOnly):
        filled.replace(changed(host, variables=host.variables.merged({"x": 2})))
    assert filled.get(Host, HOST.id) == host


def test_a_service_fills_its_mirror_and_keeps_it_fresh(mirror: Mirror, tmp_path: Path) -> None:
    text = mirror.file.read_text().replace("[cmdb]\n", "[cmdb]\nmax_age = 1\n")
    mirror.file.write_text(f"{text}[api]\nport = 0\nworkers = 1\n")
    mirror.cmdb.put(*FLEET)
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", str(BIN / "craton-server"), "--config-file",
         str(mirror.file), "--port", "0"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        greeting = next(line for line in process.stdout if "Craton serves" in line)
        url = greeting.split()[-1]

        def port_is(port: int | None) -> bool:
            answer = requests.get(f"{url}/v1/hosts/r/h0", timeout=PATIENCE)
            return answer.status_code == 200 and answer.json()["ssh_port"] == port

        until(lambda: port_is(None))
        mirror.cmdb.put(changed(HOST, ssh_port=22))
        until(lambda: port_is(22))
        mirror.cmdb.suffer(hang_at=0)
        until(lambda: requests.get(f"{url}/v1/hosts/r/h0", timeout=PATIENCE).headers["Age"] >= "2")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.communicate()
