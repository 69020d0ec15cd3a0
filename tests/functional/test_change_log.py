"""The change log says what was done, all of it and nothing else, on every store."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from craton.backends.wrappers import Fault, FaultyDriver, LoggedDriver, Operation, Seeded, drafts
from craton.backends.wrappers import logged as logged_module
from craton.backends.wrappers.operations import WRITES
from craton.caller import Caller, acting_as
from craton.capabilities import Capability
from craton.changes import UNLOGGED, state_digest
from craton.driver import Change, Create, Delete, InventoryDriver, Replace
from craton.errors import (
    AlreadyExists,
    BackendFault,
    Cycle,
    InUse,
    NotFound,
    RevisionConflict,
    Unavailable,
    Unsupported,
)
from craton.models import (
    KINDS,
    ChangeRecord,
    Entity,
    Group,
    GroupReference,
    Host,
    Payload,
    Record,
    Region,
    RegionReference,
    Secret,
    Tenant,
)
from craton.query import Compare, Operator, Query
from craton.variables import Variables

ALICE = Caller(user_id="alice", project_id="shop", roles=frozenset({"member"}))

_changed = dataclasses.replace


class Log:
    """A driver that logs, with a region to work in, and the log."""

    def __init__(self, inner: InventoryDriver) -> None:
        self.inner = inner
        self.driver = LoggedDriver(inner)
        self.tenant = self.driver.create(Tenant(name="acme"))
        self.region = self.driver.create(Region(tenant_id=self.tenant.id, name="north"))
        self._said: set[str] = {record.id for record in self.records()}

    def host(self, name: str, **fields: Any) -> Host:
        return Host(region_id=self.region.id, name=name, **fields)

    def group(self, name: str, **fields: Any) -> Group:
        return Group(region_id=self.region.id, name=name, **fields)

    def secret(self, host: Host, name: str, **fields: Any) -> Secret:
        return Secret(region_id=self.region.id, host_id=host.id, name=name, **fields)

    def records(self) -> list[ChangeRecord]:
        return list(self.inner.scan(ChangeRecord))

    def new(self) -> list[ChangeRecord]:
        """Return the records since this was asked last."""
        found = [record for record in self.records() if record.id not in self._said]
        self._said |= {record.id for record in found}
        return found

    def told(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """Return what new records say: operation, name, fields."""
        return [(r.operation, r.entity_name, r.fields) for r in self.new()]

    def check(self, *, unlinked: bool = False) -> None:
        """See that the log leads to what is stored, without a gap.

        Args:
            unlinked: Whether groups were deleted, which changes their members without a record.
        """
        states: dict[tuple[str, str], str | None] = defaultdict(lambda: None)
        for record in self.records():
            key = record.entity_kind, record.entity_id
            if not unlinked:
                assert record.digest_before == states[key], record
            assert (record.operation == "create") == (record.digest_before is None)
            assert (record.operation == "delete") == (record.digest_after is None)
            states[key] = record.digest_after
        stored = {
            (kind.kind, entity.id): state_digest(entity)
            for kind in KINDS
            if kind not in UNLOGGED
            for entity in self.inner.scan(kind)
        }
        there = {key: digest for key, digest in states.items() if digest is not None}
        assert there.keys() == stored.keys()
        if not unlinked:
            assert there == stored


@pytest.fixture
def log(driver: InventoryDriver) -> Log:
    return Log(driver)


def test_each_change_has_one_record(log: Log) -> None:
    with acting_as(ALICE, "req-1"):
        host = log.driver.create(log.host("web1", ssh_port=22, variables=Variables({"a": 1})))
    [created] = log.new()
    assert created.created_at == created.updated_at >= host.created_at
    assert dataclasses.asdict(created) | {"created_at": 0, "updated_at": 0} == {
        "id": created.id,
        "name": created.id,
        "revision": created.revision,
        "created_at": 0,
        "updated_at": 0,
        "region_id": log.region.id,
        "tenant_id": None,
        "operation": "create",
        "cascade": False,
        "entity_kind": "host",
        "entity_id": host.id,
        "entity_name": "web1",
        "fields": ("name", "ssh_port", "variables.a"),
        "digest_before": None,
        "digest_after": state_digest(host),
        "user_id": "alice",
        "project_id": "shop",
        "request_id": "req-1",
    }
    renamed = _changed(host, name="web2", variables=Variables({"a": 2, "b": 1}))
    log.driver.replace(renamed)
    log.driver.update(Host, host.id, lambda h: _changed(h, variables=Variables({"b": 1})))
    log.driver.update(Host, host.id, lambda h: h)
    log.driver.delete(Host, host.id)
    assert log.told() == [
        ("replace", "web2", ("name", "variables.a", "variables.b")),
        ("replace", "web2", ("variables.a",)),
        ("delete", "web2", ()),
    ]
    log.check()


def test_a_region_is_found_by_itself_and_by_its_tenant(log: Log) -> None:
    created = {r.entity_kind: (r.region_id, r.tenant_id) for r in log.records()}
    assert created == {
        "tenant": (log.tenant.id, log.tenant.id),
        "region": (log.region.id, log.tenant.id),
    }


@pytest.mark.parametrize("kind", [RegionReference, GroupReference, Secret])
def test_what_is_attached_is_logged(log: Log, kind: type[Entity]) -> None:
    host, group = log.driver.create(log.host("h")), log.driver.create(log.group("g"))
    log.new()
    parents: dict[type[Entity], dict[str, Any]] = {
        RegionReference: {},
        GroupReference: {"group_id": group.id},
        Secret: {"host_id": host.id},
    }
    more: dict[str, Any] = {} if kind is Secret else {"url": "https://example.org/x"}
    made: Any = kind(region_id=log.region.id, name="n", **parents[kind], **more)  # type: ignore[call-arg]
    stored = log.driver.create(made)
    log.driver.replace(_changed(stored, name="m"))
    log.driver.delete(kind, stored.id)
    records = log.new()
    assert [r.operation for r in records] == ["create", "replace", "delete"]
    assert {(r.region_id, r.entity_kind) for r in records} == {(log.region.id, kind.kind)}
    log.check()


def test_what_craton_remembers_is_not_logged(log: Log) -> None:
    record = log.driver.create(Record(name="kit/a"))
    log.driver.apply([Replace(entity=record), Delete(kind=Record, id=record.id)])
    assert log.new() == []


def test_one_batch_may_change_an_entity_again_and_again(log: Log) -> None:
    host = log.driver.create(log.host("h", id="h"))
    log.new()
    changes: list[Change] = [
        Create(entity=log.group("g", id="g")),
        Replace(entity=_changed(host, ssh_port=1, groups=("g",))),
        Replace(entity=_changed(host, ssh_port=2)),
        Delete(kind=Host, id="h"),
        Create(entity=log.host("h", id="h")),
        Replace(entity=log.host("h", id="h", ssh_port=3)),
        Replace(entity=log.group("g", id="g", priority=2)),
    ]
    log.driver.apply(changes)
    assert log.told() == [
        ("create", "g", ("name",)),
        ("replace", "h", ("groups", "ssh_port")),
        ("replace", "h", ("groups", "ssh_port")),
        ("delete", "h", ()),
        ("create", "h", ("name",)),
        ("replace", "h", ("ssh_port",)),
        ("replace", "g", ("priority",)),
    ]
    log.check()


def test_an_error_is_that_of_the_change_and_nothing_is_logged(log: Log) -> None:
    host = log.driver.create(log.host("h"))
    group = log.driver.create(log.group("g"))
    log.driver.create(log.group("child", parents=(group.id,)))
    log.new()
    fine: list[Change] = [
        Replace(entity=_changed(host, ssh_port=1)),
        Delete(kind=Group, id=group.id),
    ]
    for change, error in (
        (Create(entity=log.host("child")), AlreadyExists),
        (Replace(entity=log.host("x", id="no")), NotFound),
        (Delete(kind=Group, id=group.id), NotFound),
        (Delete(kind=Region, id=log.region.id), InUse),
        (Delete(kind=Tenant, id=log.tenant.id, if_revision="old"), RevisionConflict),
        (Replace(entity=log.region, if_revision="old"), RevisionConflict),
        (Create(entity=log.group("own", id="own", parents=("own",))), Cycle),
    ):
        with pytest.raises(error) as caught:
            log.driver.apply([*fine, change])
        assert caught.value.change == 2
        with pytest.raises(error) as caught:
            log.driver.apply([change, *fine] if error is not NotFound else [*fine, change])
        assert caught.value.change == (0 if error is not NotFound else 2)
    assert log.new() == []
    log.check()


def test_a_group_goes_in_the_batch_that_changes_its_members(log: Log) -> None:
    group = log.driver.create(log.group("g"))
    child = log.driver.create(log.group("child", parents=(group.id,)))
    host = log.driver.create(log.host("h", groups=(group.id,)))
    other = log.driver.create(log.host("other", groups=(group.id,)))
    log.new()
    log.driver.apply(
        [
            Delete(kind=Group, id=group.id),
            Replace(entity=_changed(host, groups=(), ssh_port=1)),
            Delete(kind=Host, id=other.id),
            Delete(kind=Group, id=child.id),
        ]
    )
    assert log.told() == [
        ("delete", "g", ()),
        ("replace", "h", ("groups", "ssh_port")),
        ("delete", "other", ()),
        ("delete", "child", ()),
    ]
    log.check()


def test_members_of_a_deleted_group_are_told_by_its_record_alone(log: Log) -> None:
    group = log.driver.create(log.group("g"))
    host = log.driver.create(log.host("h", groups=(group.id,)))
    log.new()
    log.driver.delete(Group, group.id)
    assert log.told() == [("delete", "g", ())]
    log.driver.update(Host, host.id, lambda h: _changed(h, ssh_port=1))
    assert log.told() == [("replace", "h", ("ssh_port",))]
    log.check(unlinked=True)


def test_a_cascade_tells_of_each_that_goes_down_to_regions(log: Log) -> None:
    host = log.driver.create(log.host("h"))
    group = log.driver.create(log.group("g"))
    secrets = [log.driver.create(log.secret(host, name)) for name in ("a", "b")]
    log.driver.create(Payload(secret_id=secrets[0].id, sealed="x"))
    file = GroupReference(
        region_id=log.region.id, group_id=group.id, name="f", url="https://example.org"
    )
    log.driver.create(file)
    log.new()
    for kind, id in ((Host, host.id), (Group, group.id)):
        with pytest.raises(InUse):
            log.driver.delete(kind, id)
        log.driver.delete(kind, id, cascade=True)
    told = [(r.operation, r.entity_kind, r.entity_name, r.cascade) for r in log.new()]
    assert told == [
        ("delete", "secret", "a", False),
        ("delete", "secret", "b", False),
        ("delete", "host", "h", True),
        ("delete", "group_reference", "f", False),
        ("delete", "group", "g", True),
    ]
    log.check()
    log.driver.create(log.host("h"))
    south = log.driver.create(Region(tenant_id=log.tenant.id, name="south"))
    log.new()
    log.driver.delete(Tenant, log.tenant.id, cascade=True)
    told = [(r.operation, r.entity_name, r.region_id, r.cascade) for r in log.new()]
    assert told == [
        ("delete", "north", log.region.id, True),
        ("delete", "south", south.id, True),
        ("delete", "acme", log.tenant.id, True),
    ]
    assert list(log.inner.scan(Host)) == []


def test_a_cascade_in_a_batch_knows_what_the_batch_did_before(log: Log) -> None:
    host = log.driver.create(log.host("h", id="h"))
    kept, gone = (log.driver.create(log.secret(host, name)) for name in ("kept", "gone"))
    log.new()
    log.driver.apply(
        [
            Delete(kind=Secret, id=gone.id),
            Create(entity=log.secret(host, "new", id="new")),
            Replace(entity=_changed(kept, format="x")),
            Delete(kind=Host, id="h", cascade=True),
        ]
    )
    assert [(r.operation, r.entity_name) for r in log.new()] == [
        ("delete", "gone"),
        ("create", "new"),
        ("replace", "kept"),
        ("delete", "kept"),
        ("delete", "new"),
        ("delete", "h"),
    ]
    log.check()


def test_the_content_of_a_secret_is_a_field_of_it(log: Log) -> None:
    host = log.driver.create(log.host("h"))
    secret = log.driver.create(Secret(region_id=log.region.id, host_id=host.id, name="s"))
    log.new()
    payload = log.driver.create(Payload(secret_id=secret.id, sealed="one"))
    log.driver.apply(
        [
            Replace(entity=_changed(secret, format="x")),
            Replace(entity=_changed(payload, sealed="2")),
        ]
    )
    log.driver.replace(_changed(payload, sealed="three"))
    log.driver.delete(Payload, payload.id)
    log.driver.apply(
        [
            Create(entity=Secret(id="t", region_id=log.region.id, host_id=host.id, name="t")),
            Create(entity=Payload(secret_id="t", sealed="x")),
        ]
    )
    assert log.told() == [
        ("replace", "s", ("payload",)),
        ("replace", "s", ("format", "payload")),
        ("replace", "s", ("payload",)),
        ("replace", "s", ("payload",)),
        ("create", "t", ("name", "payload")),
    ]
    log.check()


def test_a_write_of_any_length_is_logged(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logged_module, "REMEMBERED", 20)
    monkeypatch.setattr(drafts, "REMEMBERED", 20)
    monkeypatch.setattr(logged_module, "_PORTION", 7)
    hosts = [log.driver.create(log.host(f"h{n}")) for n in range(30)]
    log.new()
    changes: list[Change] = [
        *(Create(entity=log.host(f"n{n}", id=f"n{n}")) for n in range(12)),
        *(Replace(entity=_changed(host, ssh_port=1)) for host in hosts[:12]),
        Replace(entity=log.host("n0", id="n0", ssh_port=7)),
        *(Delete(kind=Host, id=host.id) for host in hosts[12:]),
    ]
    log.driver.apply(iter(changes))
    assert len(log.new()) == len(changes)
    log.check()
    with pytest.raises(NotFound) as caught:
        log.driver.apply([*changes[12:24], *(Delete(kind=Host, id=h.id) for h in hosts[:14])])
    assert caught.value.change == 24
    again = [Replace(entity=log.host(f"n{n % 12}", id=f"n{n % 12}")) for n in range(30)]
    log.driver.apply(iter(again))
    more: list[Change] = [Create(entity=log.host(f"m{n}", id=f"m{n}")) for n in range(30)]
    with pytest.raises(Unsupported, match="m25"):
        log.driver.apply(iter([*more, Delete(kind=Host, id="m25")]))

    def ending() -> Iterator[Change]:
        yield from more
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        log.driver.apply(ending())
    assert len(log.new()) == len(again)
    log.check()


def test_names_of_very_many_variables_are_not_listed(log: Log) -> None:
    many = Variables({f"v{n}": n for n in range(1001)})
    host = log.driver.create(log.host("h", variables=many))
    log.driver.update(Host, host.id, lambda h: _changed(h, variables=h.variables.without("v0")))
    assert log.told() == [
        ("create", "h", ("name", "variables")),
        ("replace", "h", ("variables.v0",)),
    ]


def test_whoever_did_it_is_kept_as_far_as_a_store_can(log: Log) -> None:
    with acting_as(Caller(user_id="a\0\ud800" + "é" * 500, project_id="p\n"), "r" * 300):
        log.driver.create(log.host("h"))
    [record] = log.new()
    assert record.user_id == "a\ufffd\ufffd" + "é" * 247
    assert (record.project_id, record.request_id) == ("p\ufffd", "r" * 250)


def test_records_are_in_the_order_of_changes(log: Log) -> None:
    host = log.driver.create(log.host("h"))
    for number in range(1, 50):
        log.driver.replace(_changed(host, ssh_port=number))
    log.check()
    names = [record.name for record in log.records()]
    assert names == sorted(names)


def test_a_change_that_nobody_disturbs_is_one_write_and_reads_once(log: Log) -> None:
    used: list[Operation] = []

    def count(operation: Operation) -> tuple[Fault, ...]:
        used.append(operation)
        return ()

    driver = LoggedDriver(FaultyDriver(log.inner, Seeded(0, count, 0)))
    host = driver.create(log.host("h"))
    driver.replace(_changed(host, ssh_port=1))
    driver.update(Host, host.id, lambda h: _changed(h, ssh_port=2))
    driver.apply([Replace(entity=host), Create(entity=log.host("i"))])
    driver.delete(Host, host.id)
    get, write = Operation.GET, Operation.APPLY
    # The contract itself reads what is replaced, and an update once more.
    assert used == [write, get, write, get, get, write, get, write, get, write]
    log.check()


# -- together with others ------------------------------------------------------------------------


def at_once(*actions: Callable[[], object]) -> list[BaseException | None]:
    barrier = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> BaseException | None:
        barrier.wait()
        try:
            action()
        except Exception as error:
            return error
        return None

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def test_writers_who_set_no_condition_all_write_and_the_log_has_no_gap(log: Log) -> None:
    hosts = [log.driver.create(log.host(f"h{n}")) for n in range(2)]
    log.new()

    def write(number: int) -> None:
        for turn in range(6):
            changed = [_changed(h, ssh_port=1 + 100 * number + turn) for h in hosts]
            if turn % 2:
                log.driver.replace(changed[0])
            else:
                log.driver.apply(Replace(entity=host) for host in changed[:: 1 - number % 2 * 2])

    assert at_once(*(lambda n=n: write(n) for n in range(4))) == [None] * 4
    assert len(log.new()) == 4 * (3 * 2 + 3)
    log.check()


def test_of_those_who_compare_and_set_one_wins_and_is_logged(log: Log) -> None:
    host = log.driver.create(log.host("h"))
    for number in range(5):
        held = log.driver.get(Host, host.id)
        log.new()
        changes = (_changed(held, ssh_port=1 + 10 * number + who) for who in range(3))
        errors = at_once(
            *(lambda c=c: log.driver.replace(c, if_revision=c.revision) for c in changes)
        )
        assert sum(error is None for error in errors) == 1
        assert all(isinstance(error, RevisionConflict) for error in errors if error)
        assert len(log.new()) == 1
    log.check()


def test_nothing_goes_in_a_cascade_unseen(log: Log) -> None:
    for number in range(5):
        host = log.driver.create(log.host(f"h{number}"))
        log.driver.create(log.secret(host, "before"))

        def add(host: Host = host) -> None:
            for turn in range(4):
                log.driver.create(log.secret(host, f"s{turn}"))

        at_once(partial(log.driver.delete, Host, host.id, cascade=True), add)
    log.check()


class Late(FaultyDriver):
    """Lets somebody else write between the look and the write, once."""

    def __init__(self, inner: InventoryDriver, interfere: Callable[[], object]) -> None:
        super().__init__(inner, Seeded(0, lambda operation: (), 0))
        self.interfere: Callable[[], object] | None = interfere

    def _write(self, changes: Iterator[Change]) -> None:
        if self.interfere is not None:
            interfere, self.interfere = self.interfere, None
            interfere()
        super()._write(changes)


def test_a_guard_sees_who_comes_in_between(log: Log) -> None:
    group = log.driver.create(log.group("g"))
    host = log.driver.create(log.host("h", groups=(group.id,)))
    late = Late(
        log.inner,
        lambda: log.driver.update(Host, host.id, lambda h: _changed(h, ssh_user="late")),
    )
    LoggedDriver(late).apply(
        [Delete(kind=Group, id=group.id), Replace(entity=_changed(host, groups=(), ssh_port=7))]
    )
    told = [said for said in log.told() if said[1] == "h"]
    assert told[1:] == [
        ("replace", "h", ("ssh_user",)),
        ("replace", "h", ("groups", "ssh_port", "ssh_user")),
    ]
    log.check()


def test_the_content_of_a_secret_is_told_of_the_secret_that_it_is_then(log: Log) -> None:
    host = log.driver.create(log.host("h"))
    secret = log.driver.create(Secret(region_id=log.region.id, host_id=host.id, name="s"))
    late = Late(
        log.inner, lambda: log.driver.update(Secret, secret.id, lambda s: _changed(s, format="x"))
    )
    LoggedDriver(late).create(Payload(secret_id=secret.id, sealed="one"))
    assert log.told()[-2:] == [("replace", "s", ("format",)), ("replace", "s", ("payload",))]
    log.check()


def test_what_was_read_a_moment_ago_decides_nothing(log: Log) -> None:
    host = log.driver.create(log.host("h"))
    other = LoggedDriver(log.inner)
    log.driver.get(Host, host.id)
    newer = other.update(Host, host.id, lambda h: _changed(h, ssh_port=1))
    log.driver.apply([Replace(entity=_changed(host, ssh_port=2), if_revision=newer.revision)])
    log.driver.get(Host, host.id)
    other.delete(Host, host.id)
    with pytest.raises(NotFound):
        log.driver.delete(Host, host.id)
    log.driver.create(host)
    log.driver.delete(Host, host.id)
    log.check()


def test_an_error_has_its_position_whatever_was_made_of_the_changes(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = log.driver.create(log.group("g"))
    hosts = [log.driver.create(log.host(f"h{n}", groups=(group.id,))) for n in range(3)]
    for name in ("a", "b"):
        log.driver.create(Secret(region_id=log.region.id, host_id=hosts[0].id, name=name))
    changes: list[Change] = [
        Delete(kind=Host, id=hosts[0].id, cascade=True),
        Delete(kind=Group, id=group.id),
        Replace(entity=_changed(hosts[1], groups=())),
        Create(entity=log.host("h2")),
    ]
    log.new()
    for length in (10_000, 3):
        monkeypatch.setattr(logged_module, "REMEMBERED", length)
        monkeypatch.setattr(logged_module, "_PORTION", 2)
        with pytest.raises(AlreadyExists) as caught:
            log.driver.apply(changes)
        assert caught.value.change == 3
    assert log.new() == []


@pytest.mark.parametrize("seed", range(3))
def test_whatever_fails_the_log_and_the_store_agree(log: Log, seed: int) -> None:
    """Faults come before the commit and behind it, to writers who come in each other's way."""

    def faults(operation: Operation) -> tuple[Fault, ...]:
        return (Fault(), Fault(committed=True)) if operation in WRITES else (Fault(),)

    plan = Seeded(seed, faults, 0.15)
    driver = LoggedDriver(FaultyDriver(log.inner, plan))
    hosts = [log.driver.create(log.host(f"h{n}")) for n in range(3)]
    log.new()
    done: list[str] = []

    def work(who: int) -> None:
        chance = random.Random(seed * 10 + who)
        for turn in range(12):
            name = f"w{who}-{turn}"
            host = _changed(chance.choice(hosts), asset_id=name)
            made = log.host(name, asset_id=name)
            actions: tuple[Callable[[], object], ...] = (
                partial(driver.replace, host),
                partial(driver.create, made),
                partial(driver.apply, [Create(entity=made), Replace(entity=host)]),
            )
            action = chance.choice(actions)
            try:
                action()
            except Unavailable:
                continue
            done.append(name)

    assert at_once(*(lambda n=n: work(n) for n in range(3))) == [None] * 3
    assert plan.struck
    log.check()
    # Who was told that it is done finds it in the log.
    whole = {r.entity_name for r in log.records() if r.operation == "create"}
    changed = sum(r.operation == "replace" for r in log.new())
    created = {name for name in done if name in whole}
    assert changed >= len(done) - len(created)


# -- drivers that promise less -------------------------------------------------------------------


@contextmanager
def promising_less(driver: InventoryDriver, *missing: Capability) -> Iterator[None]:
    before = driver.capabilities
    driver.capabilities = _changed(before, supported=before.supported - set(missing))
    try:
        yield
    finally:
        driver.capabilities = before


class Refusing(FaultyDriver):
    """Fails with some writes, told apart by what they are about."""

    def __init__(self, inner: InventoryDriver) -> None:
        super().__init__(inner, Seeded(0, lambda operation: (), 0))
        self.failing: dict[tuple[type[Entity], type], Exception] = {}

    def _write(self, changes: Iterator[Change]) -> None:
        made = list(changes)
        for change in made:
            kind = change.kind if isinstance(change, Delete) else type(change.entity)
            if (kind, type(change)) in self.failing:
                raise self.failing[kind, type(change)]
        super()._write(iter(made))


def test_without_batches_a_record_comes_first_and_goes_if_the_change_is_refused(
    log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    with promising_less(log.inner, Capability.ATOMIC_BATCH):
        store = Refusing(log.inner)
        driver = LoggedDriver(store)
        host = driver.create(log.host("h"))
        secret = driver.create(Secret(region_id=log.region.id, host_id=host.id, name="s"))
        driver.create(Payload(secret_id=secret.id, sealed="x"))
        driver.replace(_changed(host, ssh_port=1))
        assert [r.operation for r in log.new()] == ["create", "create", "replace", "replace"]
        log.check()
        for refused, error in (
            (lambda: driver.create(log.host("h")), AlreadyExists),
            (lambda: driver.replace(log.host("x", id="no")), NotFound),
            (lambda: driver.delete(Host, host.id), InUse),
            (lambda: driver.delete(Host, host.id, if_revision="old"), RevisionConflict),
        ):
            with pytest.raises(error):
                refused()
        assert log.new() == []
        # The log cannot be written: nothing is done.
        store.failing = {(ChangeRecord, Create): Unavailable("away")}
        with pytest.raises(Unavailable):
            driver.create(log.host("other"))
        assert log.inner.count(Host) == 1
        # Nobody can tell whether it was done: the record stays, and the service's log says so.
        store.failing = {(Host, Replace): BackendFault("odd")}
        with pytest.raises(BackendFault):
            driver.replace(_changed(host, ssh_port=2))
        assert [r.fields for r in log.new()] == [("ssh_port",)]
        assert "Nobody can tell whether the change" in caplog.text
        # A record that cannot be taken back is one of a change that was not made.
        store.failing = {
            (Host, Create): AlreadyExists("host", "name", "x"),
            (ChangeRecord, Delete): Unavailable("away"),
        }
        with pytest.raises(AlreadyExists):
            driver.create(log.host("x"))
        [record] = log.new()
        assert f"The change of the record {record.id} was not made" in caplog.text
        store.failing = {}
        driver.delete(Host, host.id, cascade=True)
        assert [(r.entity_kind, r.cascade) for r in log.new()] == [("host", True)]


def test_without_conditions_changes_are_logged_all_the_same(log: Log) -> None:
    with promising_less(log.inner, Capability.CAS):
        driver = LoggedDriver(log.inner)
        host = driver.create(log.host("h"))
        driver.create(Secret(region_id=log.region.id, host_id=host.id, name="s"))
        driver.replace(_changed(host, ssh_port=1))
        log.check()
        driver.delete(Host, host.id, cascade=True)
    assert [r.operation for r in log.new()] == ["create", "create", "replace", "delete"]


def test_what_stores_no_records_is_left_as_it_is(log: Log) -> None:
    before = log.inner.capabilities
    log.inner.capabilities = _changed(before, writable=before.writable - {ChangeRecord})
    try:
        driver = LoggedDriver(log.inner)
        host = driver.create(log.host("h"))
        driver.replace(_changed(host, ssh_port=1))
    finally:
        log.inner.capabilities = before
    assert log.new() == []


def test_a_record_is_found_by_what_it_is_about(log: Log) -> None:
    host = log.driver.create(log.host("h"))
    log.driver.replace(_changed(host, ssh_port=1))
    where = Compare(("entity_id",), Operator.EQ, host.id)
    found = list(log.inner.scan(ChangeRecord, Query(where=where)))
    assert [record.operation for record in found] == ["create", "replace"]
