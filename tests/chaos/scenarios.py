"""One thing that befalls a run each, and how long what is promised takes then."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterable, Set
from contextlib import suppress

import psutil

from craton.runs.board import Board
from craton.runs.models import EventType
from craton.runs.processes import MARK
from tests.faults.scenarios import Figure
from tests.functional.runs.carrying.conductors import House
from tests.functional.runs.carrying.making import counts
from tests.waiting import until

_LEASE = {"lease_seconds": 9}


def kill(house: House) -> list[Figure]:
    """Kill the conductor of a run in the second of three batches."""
    run_id = house.accept(hosts=6, batch_size=2)
    _submit(house, run_id)
    first = house.conductor("first", **_LEASE)
    house.open(0, 1)
    house.began(2, 3)
    house.conductor("second", **_LEASE)
    killed = time.time()
    house.open()
    first.kill()
    run = house.ended(run_id)
    taken = house.events(run_id, [EventType.RUN_TAKEN_OVER])[0].time.timestamp()
    assert run.finished_at is not None
    again = sum(house.lines(host).count("begin") > 1 for host in (0, 1))
    return [
        Figure("seconds until another has the run", taken - killed, 10),
        Figure("seconds until the run has ended", run.finished_at.timestamp() - killed, 15),
        Figure("hosts of finished batches that were touched again", again),
        Figure("hosts that did not end well", 6 - counts(house.store, run_id)["changed"]),
    ]


def terminate(house: House) -> list[Figure]:
    """Tell a conductor to end."""
    run_id = house.accept(hosts=4, batch_size=2)
    _submit(house, run_id)
    first = house.conductor("first", **_LEASE)
    house.began(0, 1)
    house.conductor("second", **_LEASE)
    told = time.time()
    os.kill(first.pid, signal.SIGTERM)
    until(lambda: bool(house.events(run_id, [EventType.RUN_TAKEN_OVER])))
    taken = house.events(run_id, [EventType.RUN_TAKEN_OVER])[0].time.timestamp()
    house.open()
    house.ended(run_id)
    return [Figure("seconds until another has the run", taken - told, 5)]


def cancel(house: House) -> list[Figure]:
    """Cancel a run whose hosts have processes of their own."""
    (house.playbooks / "site.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.raw: echo begin >> {{ trace }}/{{ inventory_hostname }};"
        " setsid setsid sleep 1000 & sleep 1000\n"
    )
    run_id = house.accept(hosts=4, batch_size=4)
    _submit(house, run_id)
    conductor = house.conductor("first")
    house.began(0, 1, 2, 3)
    marks = _marks(psutil.Process(conductor.pid).children(recursive=True))
    alive = len(_marked(marks))
    asked = time.monotonic()
    house.store.request_cancel(run_id, "ada")
    until(lambda: not _marked(marks))
    took = time.monotonic() - asked
    house.ended(run_id)
    return [
        Figure("processes of the run", alive, None),
        Figure("seconds until none is alive", took, 3),
    ]


def restart_redis(house: House) -> list[Figure]:
    """Restart Redis in the midst of a run that somebody follows."""
    run_id = house.accept(hosts=6, batch_size=2)
    _submit(house, run_id)
    house.conductor("first", **_LEASE)
    seen: list[int] = []
    house.began(0, 1)
    for _ in range(2):
        _follow(house, run_id, seen)
        house.redis.process.stop()
        house.redis.process.start()
    house.open()
    run = house.ended(run_id)
    while not seen or seen[-1] < run.last_event:
        _follow(house, run_id, seen)
    gaps = sum(number != place for place, number in enumerate(seen, 1))
    return [
        Figure("events out of place", gaps),
        Figure("hosts that did not end well", 6 - counts(house.store, run_id)["changed"]),
        Figure("attempts", run.attempt, None),
    ]


def follow(house: House) -> list[Figure]:
    """Tell how late a follower hears what happens."""
    house.open()
    run_id = house.accept(hosts=100, batch_size=50)
    lags: list[float] = []

    def listen() -> None:
        last = 0
        while not house.store.get(run_id).state.is_final:
            page = house.store.wait({run_id: last}, 1.0).get(run_id)
            for event in page.items if page else []:
                lags.append(time.time() - event.time.timestamp())
                last = event.id

    thread = threading.Thread(target=listen)
    thread.start()
    _submit(house, run_id)
    house.conductor("first")
    thread.join()
    # The first events are older than whoever follows.
    lags = sorted(lags[3:])
    return [
        Figure("events", len(lags), None),
        Figure("median lag, ms", 1000 * lags[len(lags) // 2], None),
        Figure("99th percentile, ms", 1000 * lags[int(len(lags) * 0.99)], 500),
    ]


def _submit(house: House, run_id: str) -> None:
    board = Board(house.url, 9)
    board.post(run_id)
    board.close()


def _follow(house: House, run_id: str, seen: list[int]) -> None:
    page = house.store.wait({run_id: seen[-1] if seen else 0}, 0.1).get(run_id)
    if page is not None:
        seen.extend(event.id for event in page.items)


def _marks(processes: Iterable[psutil.Process]) -> set[str]:
    """The marks of the batches that processes belong to."""
    found = set()
    for process in processes:
        with suppress(psutil.Error):
            found.add(process.environ().get(MARK, ""))
    return found - {""}


def _marked(marks: Set[str]) -> list[psutil.Process]:
    """What runs for batches of these marks, wherever it hides."""
    return [process for process in psutil.process_iter() if _marks([process]) & marks]
