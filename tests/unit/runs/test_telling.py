"""The plugin tells everything once, in order, whatever the server does."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from craton.ansible.callback_plugins import craton as plugin


class Scripted:
    """A server that fails where its test wants; it takes what it does not fail."""

    def __init__(self, *faults: BaseException | None) -> None:
        self.faults = list(faults)
        self.requests: list[tuple[str, Mapping[str, Any], str | None]] = []

    def post(self, path: str, body: Mapping[str, Any], key: str | None = None) -> Any:
        self.requests.append((path, body, key))
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        return {"id": "run-1"} if not path else None


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_PAUSE", "_LONGEST_PAUSE", "_LOOK"):
        monkeypatch.setattr(plugin, name, 0.001)


@pytest.fixture
def backlog() -> Iterator[plugin.Backlog]:
    made = plugin.Backlog(None, 2**20)
    yield made
    made.close()


def told(
    server: Any, backlog: plugin.Backlog, count: int, run_state: str = "succeeded"
) -> plugin.Teller:
    teller = plugin.Teller(server, backlog, {"playbook": "site.yml"})
    teller.start()
    for number in range(count):
        backlog.add({"type": "host.ok", "number": number})
    teller.end(run_state, 30)
    return teller


def taken(server: Scripted) -> list[int]:
    """The numbers of the events that were taken, each at the place that its request gave it."""
    found: dict[int, int] = {}
    for path, body, _ in server.requests:
        if path:
            for place, event in enumerate(body["events"], body["first"]):
                assert found.setdefault(place, event["number"]) == event["number"]
    return [found[place] for place in sorted(found)]


def test_events_are_told_in_order_and_the_end_comes_with_the_last(backlog: plugin.Backlog) -> None:
    server = Scripted()
    assert told(server, backlog, 1200, "failed").done
    assert taken(server) == list(range(1200))
    states = [body["run_state"] for path, body, _ in server.requests if path]
    assert states[-1] == "failed"
    assert set(states[:-1]) == {None}
    assert all(len(body["events"]) <= 500 for path, body, _ in server.requests if path)


def test_what_failed_is_told_again_under_the_same_number_and_key(backlog: plugin.Backlog) -> None:
    away = OSError("away")
    server = Scripted(away, away, None, away, None, away)
    assert told(server, backlog, 700).done
    assert taken(server) == list(range(700))
    keys = [key for path, _, key in server.requests if not path]
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_a_server_that_refuses_is_left_alone(backlog: plugin.Backlog) -> None:
    server = Scripted(None, plugin.Refused("run_ended"))
    teller = told(server, backlog, 10)
    assert (teller.done, teller.trouble) == (False, "run_ended")
    assert len(server.requests) == 2


def test_whatever_goes_wrong_stays_in_the_thread(backlog: plugin.Backlog) -> None:
    teller = told(Scripted(KeyError("id")), backlog, 10)
    assert (teller.done, teller.trouble) == (False, "KeyError: 'id'")


def test_an_empty_request_is_a_sign_of_life(
    monkeypatch: pytest.MonkeyPatch, backlog: plugin.Backlog
) -> None:
    monkeypatch.setattr(plugin, "_HEARTBEAT", 0.0)
    server = Scripted()
    teller = plugin.Teller(server, backlog, {})  # type: ignore[arg-type]
    teller.start()
    while len(server.requests) < 3:
        teller.join(0.01)
    teller.end("succeeded", 30)
    assert server.requests[1][1] == {"first": 1, "events": [], "run_state": None}


def test_a_backlog_without_room_keeps_what_is_needed(tmp_path: Path) -> None:
    backlog = plugin.Backlog(str(tmp_path), 200)
    for type in ("host.ok", "host.failed", "host.finished"):
        for _ in range(50):
            backlog.add({"type": type})
    events, _ = backlog.first()
    kinds = [event["type"] for event in events]
    assert kinds.count("host.failed") == kinds.count("host.finished") == 50
    assert backlog.dropped == 50 - kinds.count("host.ok") > 0
    assert list(tmp_path.iterdir()) == []
    backlog.close()


def test_a_backlog_gives_its_room_back(backlog: plugin.Backlog) -> None:
    for number in range(1000):
        backlog.add({"type": "host.ok", "number": number, "message": "x" * 4096})
        events, size = backlog.first()
        assert [event["number"] for event in events] == [number]
        assert not backlog.holds_more(size)
        backlog.drop(size)
    assert backlog.dropped == 0


def test_a_backlog_that_is_never_empty_stays_small(tmp_path: Path) -> None:
    backlog = plugin.Backlog(str(tmp_path), 20_000)
    found = []
    for number in range(1000):
        for part in range(2):
            backlog.add({"type": "host.failed", "number": 2 * number + part, "message": "x" * 200})
        # One of two, as if the server were slow.
        event, *_ = backlog.first()[0]
        found.append(event["number"])
        backlog.drop(len(json.dumps(event)) + 1)
    waiting = 1000 * 260
    assert os.fstat(backlog._file.fileno()).st_size < waiting + 2 * 20_000
    while events := backlog.first()[0]:
        found += [event["number"] for event in events]
        backlog.drop(backlog.first()[1])
    assert found == list(range(2000))
    assert backlog.dropped == 0
    backlog.close()


def test_a_disk_that_is_full_loses_events_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    backlog = plugin.Backlog(None, 2**20)
    backlog.add({"type": "host.failed", "number": 1})

    def full(*arguments: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        backlog.add({"type": "host.failed", "number": 2})
    backlog.add({"type": "host.failed", "number": 3})
    assert [event["number"] for event in backlog.first()[0]] == [1, 3]
    assert backlog.dropped == 1
    backlog.close()


def test_a_long_event_is_told_with_the_others(backlog: plugin.Backlog) -> None:
    server = Scripted()
    teller = plugin.Teller(server, backlog, {})  # type: ignore[arg-type]
    for number in range(200):
        backlog.add({"type": "host.ok", "number": number, "message": "x" * 4096})
    teller.start()
    teller.end("succeeded", 30)
    assert taken(server) == list(range(200))
