"""Runs where something is not there: the Redis, a second process, whoever would carry them out."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from craton import config
from craton.api.app import make_app
from craton.backends.memory.driver import MemoryDriver
from craton.cmd.running import running
from craton.driver import Create
from craton.errors import ConfigurationError
from craton.runs.redis import RedisRunStore
from craton.secrets import load_secret_store
from tests.functional.api.client import Client
from tests.functional.commands import Place
from tests.functional.every_route import FLEET
from tests.functional.runs.api.conftest import Desk
from tests.functional.runs.api.following import Stream
from tests.services import redis
from tests.waiting import PATIENCE

#: Seconds within which a client is told that a store is away, and some for a busy machine.
AWAY = 10 + 10


@pytest.mark.parametrize("how", ["paused", "killed"])
def test_a_redis_that_is_away_is_told_within_ten_seconds(
    tmp_path: Path, make_desk: Callable[..., Desk], how: str
) -> None:
    with redis.started(tmp_path / "redis", ["--appendonly", "yes"]) as server:
        store = RedisRunStore(f"redis://127.0.0.1:{server.port}/0", max_events=1000, keep_days=1)
        store.open()
        desk = make_desk(store)
        run = desk.start()
        server.process.pause() if how == "paused" else server.process.kill()
        for method, path in (
            ("GET", "/v1/runs/r"),
            ("GET", f"/v1/runs/r/{run['id']}"),
            ("GET", f"/v1/runs/r/{run['id']}/events"),
            ("POST", "/v1/runs/r"),
        ):
            began = time.monotonic()
            body = {"playbook": "site.yml"} if method == "POST" else None
            answer = desk.client.request(method, path, body)
            assert answer.status_int == 503, answer.text
            assert int(answer.headers["Retry-After"]) > 0
            assert time.monotonic() - began < AWAY
        health = desk.client.get("/healthcheck").json
        assert (health["status"], health["runs"]) == ("ok", "unavailable")
        assert desk.client.get("/v1/hosts/r").json["hosts"]
        server.process.resume() if how == "paused" else server.process.start()
        assert desk.client.get(f"/v1/runs/r/{run['id']}").json["state"] == "queued"
        store.close()


def test_several_processes_without_a_redis_have_no_runs(tmp_path: Path) -> None:
    conf = config.settings(
        files=[], state_path=str(tmp_path), inventory__driver="memory", api__workers=2
    )
    load_secret_store(conf).prepare()
    driver = MemoryDriver(conf)
    driver.open()
    driver.apply(Create(entity=entity) for entity in FLEET)
    api = Client(make_app(driver, conf))
    for path in ("/v1/runs/r", "/v1/runs/r/x", "/v1/playbooks", "/v1/hosts/r/h1/reachability"):
        problem = api.get(path, 501).json
        assert problem["capability"] == "RUNS"
        assert "redis_url" in problem["detail"]
    assert api.get("/healthcheck").json["runs"] == "none"


def test_playbooks_that_nobody_would_run_are_no_configuration(tmp_path: Path) -> None:
    conf = config.settings(files=[], state_path=str(tmp_path), runs__playbook_path=str(tmp_path))
    with pytest.raises(ConfigurationError, match="redis_url"):
        running(conf, carries_out=False)


@pytest.mark.slow
@pytest.mark.xdist_group("runs-api-server")
def test_the_sample_has_a_playbook_that_can_be_run_at_once(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.server("--sample") as server:
        assert server.line(containing="/ui/")
        assert "redis_url" in server.line(containing="in memory")
        (playbook,) = server.get("/v1/playbooks")["playbooks"]
        tenant = server.get("/v1/tenants")["tenants"][0]["id"]
        region = server.get(f"/v1/regions/{tenant}")["regions"][0]["id"]
        hosts = server.get(f"/v1/hosts/{region}?limit=2")["hosts"]
        names = [host["name"] for host in hosts]
        body = {"playbook": playbook["name"], "filters": {"name": names}}
        started = requests.post(f"{server.url}/v1/runs/{region}", json=body, timeout=PATIENCE)
        answer = started.json()
        with Stream(f"{server.url}/v1/runs/{region}/{answer['id']}/events") as stream:
            last = list(stream)[-1]
        assert (last.name, last.data) == ("end", {"state": "succeeded"})
        progress = server.get(f"/v1/runs/{region}/{answer['id']}")["progress"]
        assert progress["ok"] == progress["total"] == 2
