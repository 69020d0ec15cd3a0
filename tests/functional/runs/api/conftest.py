"""The API with runs on both stores, on a small fleet, and somebody who takes runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from craton import config
from craton.api.app import make_app
from craton.api.runs import Runs
from craton.backends.memory.driver import MemoryDriver
from craton.driver import Create, InventoryDriver
from craton.errors import Unavailable
from craton.runs.dispatch import Dispatcher
from craton.runs.memory import MemoryRunStore
from craton.runs.models import Run
from craton.runs.redis import RedisRunStore
from craton.runs.store import RunStore
from craton.secrets import SecretStore, load_secret_store
from tests.functional.api.client import Client
from tests.functional.every_route import FLEET, secret_and_payload
from tests.services import redis
from tests.services.redis import Redis


class Noting(Dispatcher):
    """Takes note of what is handed over; its board may be away."""

    def __init__(self) -> None:
        self.taken: list[Run] = []
        self.is_away = False

    def start(self) -> None:
        """Begin; there is nothing to do."""

    def submit(self, run: Run) -> None:
        if self.is_away:
            raise Unavailable("the board is away")
        self.taken.append(run)

    def stop(self) -> None:
        """End; there is nothing to do."""


@dataclass
class Desk:
    """The API, and what stands behind it."""

    client: Client
    runs: Runs
    store: RunStore
    driver: InventoryDriver
    dispatcher: Noting
    secrets: SecretStore

    def start(self, status: int = 202, **body: object) -> dict[str, Any]:
        """Start a run in the region of the fleet."""
        given = {"playbook": "site.yml", **body}
        run: dict[str, Any] = self.client.post("/v1/runs/r", given, status).json
        return run

    def announce(self, *hosts: str, **body: object) -> dict[str, Any]:
        """Announce a run of somebody's own Ansible."""
        given = {"origin": "reported", "playbook": "site.yml", "hosts": list(hosts), **body}
        run: dict[str, Any] = self.client.post("/v1/runs/r", given).json
        return run

    def tell(
        self, run: dict[str, Any], *events: dict[str, Any], status: int = 204, **body: Any
    ) -> Any:
        """Report what happened in it."""
        given = {"first": 1, "events": list(events), **body}
        answer = self.client.post(f"/v1/runs/r/{run['id']}/events", given, status)
        return answer.json if answer.body else None


@pytest.fixture(scope="module")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with redis.started(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Iterator[RunStore]:
    """An open, empty run store."""
    found: RunStore
    if request.param == "memory":
        found = MemoryRunStore(max_events=1000, keep_days=1)
    else:
        server: Redis = request.getfixturevalue("shared_redis")
        server.clear()
        url = f"redis://127.0.0.1:{server.port}/0"
        found = RedisRunStore(url, max_events=1000, keep_days=1)
    found.open()
    yield found
    found.close()


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Put the API on a run store; options are those of ``[runs]``."""
    playbooks = tmp_path / "playbooks"
    playbooks.mkdir()
    for name in ("site.yml", "other.yml"):
        (playbooks / name).write_text("[]\n")
    opened: list[Desk] = []

    def make(store: RunStore, secrets: SecretStore | None = None, **options: Any) -> Desk:
        given: dict[str, Any] = {"playbook_path": str(playbooks), **options}
        conf = config.settings(
            files=[],
            state_path=str(tmp_path),
            inventory__driver="memory",
            **{f"runs__{name}": value for name, value in given.items()},
        )
        secrets = secrets or load_secret_store(conf)
        secrets.prepare()
        secrets.start()
        driver = MemoryDriver(conf)
        driver.open()
        driver.apply(Create(entity=entity) for entity in (*FLEET, *secret_and_payload(secrets)))
        dispatcher = Noting()
        runs = Runs.of(conf, store, dispatcher)
        client = Client(make_app(driver, conf, runs=runs))
        desk = Desk(client, runs, store, driver, dispatcher, secrets)
        opened.append(desk)
        return desk

    yield make
    for desk in opened:
        desk.runs.watchers.stop()
        desk.driver.close()


@pytest.fixture
def desk(make_desk: Callable[..., Desk], store: RunStore) -> Desk:
    """The API on one of the stores."""
    return make_desk(store)
