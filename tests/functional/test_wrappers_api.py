"""Every route of the API while its store fails, at each use of the store that the route makes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from webtest import TestResponse

from craton import config
from craton.api.app import make_app
from craton.api.limits import Limits
from craton.api.routes import table
from craton.backends.wrappers import Fault, FaultyDriver, OnCall, Operation, Plan
from craton.backends.wrappers.operations import WRITES
from craton.driver import Create, Delete, InventoryDriver
from craton.errors import BackendFault, Unavailable
from craton.models import KINDS, ChangeRecord, Entity, Payload, Secret, links
from craton.secrets import SecretStore, load_secret_store
from tests import backends
from tests.functional.api.client import Client
from tests.functional.every_route import (
    EXAMPLES,
    FLEET,
    NEEDS_A_SERVER,
    RUN_EXAMPLES,
    Example,
    secret_and_payload,
)

BYTES = "application/octet-stream"
SECRET = "mysql://craton:hunter2@db.internal"


def misbehaving() -> Exception:
    return BackendFault(SECRET)


def a_bug() -> Exception:
    return RuntimeError(SECRET)


FAULTS = {
    "away": Fault(),
    "misbehaving": Fault(error=misbehaving),
    "a bug of the driver": Fault(error=a_bug),
    "torn": Fault(rows=1),
    "torn late": Fault(rows=2, error=misbehaving),
    "slow": Fault(error=None, seconds=3600),
    "answer lost": Fault(committed=True),
    "answer lost by a bug": Fault(committed=True, error=a_bug),
}
STATUS_OF = {Unavailable: 503, BackendFault: 500, RuntimeError: 500}

WRITING = [
    example
    for example in EXAMPLES
    if example.method != "GET"  # every other method changes the fleet
]


class Switched:
    """A plan that is put in place for some requests."""

    def __init__(self) -> None:
        self.plan: OnCall | None = None

    def fault(self, operation: Operation, kind: type[Entity] | None) -> Fault | None:
        return self.plan.fault(operation, kind) if self.plan else None


@dataclasses.dataclass
class Failing:
    """The API on a store that fails when told to."""

    inner: InventoryDriver
    client: Client
    switch: Switched
    slept: list[float]
    store: SecretStore

    def send(self, example: Example, plan: OnCall | None = None) -> TestResponse:
        self.switch.plan = plan
        try:
            return self.client.request(
                example.method,
                example.path,
                example.body,
                raw=example.raw,
                content_type="application/json" if example.raw is None else BYTES,
            )
        finally:
            self.switch.plan = None

    def fill(self) -> None:
        """Bring the fleet back to how it was."""
        for tenant in list(self.inner.scan(KINDS[0])):
            self.inner.delete(KINDS[0], tenant.id, cascade=True)
        log = list(self.inner.scan(ChangeRecord))
        self.inner.apply(Delete(kind=ChangeRecord, id=record.id) for record in log)
        fleet = (*FLEET, *secret_and_payload(self.store))
        self.inner.apply(Create(entity=entity) for entity in fleet)

    def picture(self) -> list[object]:
        """Tell everything that is stored, but ids that were made, revisions and times; and what
        the log says of how it came to that.
        """
        stored = [entity for kind in KINDS[:-1] for entity in self.inner.scan(kind)]
        assert ChangeRecord is KINDS[-1]
        names = {entity.id: entity.name for entity in stored}  # type: ignore[attr-defined]
        log = [
            (record.operation, record.entity_kind, record.entity_name, record.fields)
            for record in self.inner.scan(ChangeRecord)
        ]
        return [log] + [
            self.opened(entity) if isinstance(entity, Payload) else drawn(entity, names)
            for entity in stored
        ]

    def opened(self, payload: Payload) -> object:
        secret = self.inner.get(Secret, payload.secret_id)
        return secret.id, self.store.open(payload.sealed, secret.host_id, secret.name)


def drawn(entity: Entity, names: dict[str, str]) -> object:
    linked = {field for field, _ in links(type(entity))}
    unsaid = {"id", "revision", "created_at", "updated_at"}
    return [
        sorted(names[id] for id in value) if field.name in linked else value
        for field in dataclasses.fields(entity)
        if field.name not in unsaid
        for value in [getattr(entity, field.name)]
    ]


@contextmanager
def failing(inner: InventoryDriver, state: Path) -> Iterator[Failing]:
    switch = Switched()
    slept: list[float] = []
    plan: Plan = switch
    driver = FaultyDriver(inner, plan, sleep=slept.append)
    settings = config.settings(files=[], state_path=str(state))
    store = load_secret_store(settings)
    store.prepare()
    client = Client(make_app(driver, settings))
    yield Failing(inner=inner, client=client, switch=switch, slept=slept, store=store)


@pytest.fixture(scope="module")
def on_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failing]:
    """The API on a memory driver, which is filled anew fast enough for every request."""
    state = tmp_path_factory.mktemp("state")
    with backends.opened("memory", state) as inner, failing(inner, state) as api:
        yield api


@pytest.fixture
def on_sql(tmp_path: Path, template_of: Callable[[str], Path]) -> Iterator[Failing]:
    """The API on a database."""
    state = tmp_path / "state"
    with backends.opened("sql", state, template_of("sql")) as inner, failing(inner, state) as api:
        yield api


def check_failure(answer: TestResponse, error: Exception, route: str) -> None:
    """Check the answer to a request that could not be fulfilled."""
    status = STATUS_OF[type(error)]
    if route == "/healthcheck" and isinstance(error, BackendFault):
        status = 503  # whoever asks whether the service is well must be told that it is not
    assert answer.status_int == status, answer.text
    assert (answer.status_int == 503) == ("Retry-After" in answer.headers)
    assert answer.json["code"] == ("unavailable" if status == 503 else "internal_error")
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text


def test_the_examples_use_every_route() -> None:
    limits = Limits.of(config.settings(files=[]))
    used = {(example.method, example.route) for example in (*EXAMPLES, *RUN_EXAMPLES)}
    assert used == set(table(limits)) - {NEEDS_A_SERVER}


@pytest.mark.parametrize(
    ("example", "fault"),
    [
        pytest.param(example, fault, id=f"{example} {name}")
        for example in EXAMPLES
        for name, fault in FAULTS.items()
        if example in WRITING or not fault.committed
    ],
)
def test_a_fault_at_any_use_of_the_store(
    on_memory: Failing, example: Example, fault: Fault
) -> None:
    api = on_memory
    api.fill()
    before = api.picture()
    expected = api.send(example)
    assert expected.status_int < 400, expected.text
    after = api.picture()
    assert (after != before) == (example in WRITING)
    number = 1
    while True:
        if example in WRITING:
            api.fill()
        plan = OnCall(number, fault)
        answer = api.send(example, plan)
        if not plan.reached:
            break
        number += 1
        stored = api.picture()
        if answer.status_int < 400:
            # What failed was not needed, or was nothing but slow: then the answer is the whole one.
            assert fault.error is None or fault.rows
            assert stored == after
            if example not in WRITING:
                assert answer.body == expected.body
        else:
            assert fault.error is not None
            check_failure(answer, fault.error(), example.route)
            assert stored in ([before, after] if fault.committed else [before])
        again = api.send(example)
        assert again.status_int < 500
        assert api.picture()[1:] == after[1:]
        if stored == before:
            # What was done a second time, the log has a second time.
            assert api.picture() == after
            assert again.status_int == expected.status_int
            assert example in WRITING or again.body == expected.body
    assert answer.status_int == expected.status_int


@pytest.mark.parametrize("committed", [False, True], ids=["before the commit", "answer lost"])
@pytest.mark.parametrize("example", WRITING, ids=str)
def test_a_write_to_a_database_fails_as_a_whole(
    on_sql: Failing, example: Example, committed: bool
) -> None:
    on_sql.fill()
    before = on_sql.picture()
    plan = OnCall(1, Fault(committed=committed), WRITES)
    answer = on_sql.send(example, plan)
    assert plan.reached
    check_failure(answer, Unavailable(""), example.route)
    assert (on_sql.picture() == before) == (not committed)
    again = on_sql.send(example)
    assert again.status_int < (500 if committed else 400)
    assert on_sql.picture() != before


def test_a_slow_store_is_waited_for(on_memory: Failing) -> None:
    on_memory.fill()
    on_memory.slept.clear()
    assert on_memory.send(EXAMPLES[0], OnCall(1, FAULTS["slow"])).status_int == 200
    assert on_memory.slept == [3600]
