"""The server is killed under load, again and again: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from craton.models import Host
from tests import backends
from tests.functional.commands import Place, Running
from tests.services import mongo
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("mongo")]

WRITERS = 4
KILLS = 2


class Writer(threading.Thread):
    """Creates hosts and counts in a variable of one, through the API, until told to stop."""

    def __init__(self, api: Running, region: str, number: int) -> None:
        super().__init__(daemon=True)
        self.hosts = f"{api.url}/v1/hosts/{region}"
        self.number = number
        self.stopped = threading.Event()
        #: The ids of the hosts that were acknowledged, by name.
        self.created: dict[str, str] = {}
        #: The last count that was acknowledged, and the last one that was asked for.
        self.counted = self.asked = 0
        self.refused = 0
        self.errors: list[str] = []
        self.counter = self.post("counter").json()["id"]

    def run(self) -> None:
        attempt = 0
        while not self.stopped.is_set() and not self.errors:
            attempt += 1
            name = f"h{attempt}"
            answer = self.post(name)
            if self.accepted(answer):
                self.created[answer.json()["name"]] = answer.json()["id"]
            self.asked += 1
            answer = requests.put(
                f"{self.hosts}/{self.counter}/variables/count", json=self.asked, timeout=PATIENCE
            )
            if self.accepted(answer):
                self.counted = self.asked

    def post(self, name: str) -> requests.Response:
        host = {"name": f"w{self.number}-{name}"}
        return requests.post(self.hosts, json=host, timeout=PATIENCE)

    def accepted(self, answer: requests.Response) -> bool:
        if answer.status_code in (200, 201):
            return True
        # MongoDB knows after a restart what it committed, and tells who asks again. The server of
        # the tests does not, so what it has made is made once more, and is there already.
        if answer.status_code == 409 and self.refused:
            return False
        if answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0:
            self.refused += 1
            time.sleep(0.05)
        else:
            self.errors.append(f"{answer.status_code} {answer.text}")
        return False

    @property
    def done(self) -> int:
        return len(self.created) + self.counted


@contextmanager
def working(writers: list[Writer]) -> Iterator[None]:
    """Let writers work in the block."""
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        for writer in writers:
            writer.stopped.set()
        for writer in writers:
            writer.join(PATIENCE)


def check_errors(writers: list[Writer]) -> None:
    assert [error for writer in writers for error in writer.errors] == []


def wait_for(writers: list[Writer], more: int) -> None:
    """Wait until each writer has had so many more answers."""
    goals = [writer.done + more for writer in writers]
    deadline = time.monotonic() + PATIENCE
    while any(writer.done < goal for writer, goal in zip(writers, goals, strict=True)):
        check_errors(writers)
        assert time.monotonic() < deadline, "the writers do not get on"
        time.sleep(0.05)


def test_what_was_acknowledged_outlives_a_killed_server(tmp_path: Path) -> None:
    with mongo.started(tmp_path / "mongo", ["--sync-on-commit"]) as server:
        backends.make_mongo(server.uri, "craton").migrations().upgrade()
        place = Place(tmp_path)
        options = f"[inventory]\ndriver = mongo\n[mongo]\nuri = {server.uri}\ntimeout = 2\n"
        with place.api(options) as api:
            tenant = api.create("/v1/tenants", name="t")
            region = api.create(f"/v1/regions/{tenant}", name="r")
            writers = [Writer(api, region, number) for number in range(WRITERS)]
            with working(writers):
                for _ in range(KILLS):
                    wait_for(writers, 10)
                    refused = sum(writer.refused for writer in writers)
                    server.own.kill()
                    while sum(writer.refused for writer in writers) < refused + WRITERS:
                        check_errors(writers)
                        time.sleep(0.05)
                    server.own.start()
                wait_for(writers, 10)
            check_errors(writers)
        with backends.make_mongo(server.uri, "craton") as driver:
            stored = list(driver.scan(Host))
        check(stored, writers)


def check(stored: list[Host], writers: list[Writer]) -> None:
    assert max(Counter(host.name for host in stored).values()) == 1
    by_name = {host.name: host for host in stored}
    for writer in writers:
        kept = {name: by_name[name].id for name in writer.created if name in by_name}
        assert kept == writer.created
        counter = by_name[f"w{writer.number}-counter"]
        assert writer.counted <= counter.variables.get("count", 0) <= writer.asked  # type: ignore[operator]
