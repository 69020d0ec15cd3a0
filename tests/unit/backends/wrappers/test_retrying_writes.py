"""RetryingDriver: a write takes effect once, or nobody is told that it did."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator

import pytest

from craton.backends.memory.driver import MemoryDriver
from craton.backends.wrappers import Fault, FaultyDriver, OnCall, Patience, RetryingDriver, Seeded
from craton.backends.wrappers.operations import WRITES
from craton.capabilities import Capabilities, Capability
from craton.driver import Change, Create, Delete, InventoryDriver, Replace
from craton.errors import (
    AlreadyExists,
    CratonError,
    InUse,
    InvalidReference,
    NotFound,
    RevisionConflict,
    Unavailable,
)
from craton.models import KINDS, E, Entity, Group, Host, Region, Tenant
from craton.variables import Variables

BEFORE_THE_COMMIT = Fault()
ANSWER_LOST = Fault(committed=True)
BOTH = pytest.mark.parametrize(
    "fault", [BEFORE_THE_COMMIT, ANSWER_LOST], ids=["before the commit", "answer lost"]
)


class Counting(MemoryDriver):
    """Counts the writes that took effect."""

    written = 0

    def _write(self, changes: Iterator[Change]) -> None:
        super()._write(changes)
        self.written += 1


@pytest.fixture
def store(inner: MemoryDriver, hosts: list[Host]) -> Counting:
    store = Counting(inner.settings)
    store.state = inner.state
    return store


def retrying(
    store: InventoryDriver,
    fault: Fault,
    meanwhile: Callable[[], object] = lambda: None,
    *,
    faults: int = 1,
    changes: int = 10,
) -> RetryingDriver:
    """Make a driver whose first writes fail; something may happen before they are repeated."""
    inner = store
    for number in range(faults):
        # The outer one is asked first, so each fails one more write.
        inner = FaultyDriver(inner, OnCall(number + 1, fault, WRITES))

    def sleep(seconds: float) -> None:
        meanwhile()

    patience = Patience(attempts=5, changes=changes, sleep=sleep)
    return RetryingDriver(inner, patience)


def named(store: InventoryDriver) -> dict[str, Entity]:
    return {entity.name: entity for kind in KINDS for entity in store.scan(kind)}  # type: ignore[attr-defined]


def changed(host: Host, port: int) -> Host:
    return dataclasses.replace(host, ssh_port=port)


NEW = Host(region_id="r", name="new")


WRITES_ONCE: dict[str, Callable[[InventoryDriver, Host], object]] = {
    "create": lambda driver, host: driver.create(NEW),
    "create with an id": lambda driver, host: driver.create(dataclasses.replace(NEW, id="mine")),
    "replace": lambda driver, host: driver.replace(changed(host, 1)),
    "replace if": lambda driver, host: driver.replace(changed(host, 1), if_revision=host.revision),
    "update": lambda driver, host: driver.update(Host, host.id, lambda found: changed(found, 1)),
    "delete": lambda driver, host: driver.delete(Host, host.id),
    "delete if": lambda driver, host: driver.delete(Host, host.id, if_revision=host.revision),
    "delete all": lambda driver, host: driver.delete(Tenant, "t", cascade=True),
    "create many": lambda driver, host: driver.apply(
        Create(entity=dataclasses.replace(NEW, name=name)) for name in "abc"
    ),
    "replace many": lambda driver, host: driver.apply(
        [Replace(entity=found) for found in driver.scan(Host)]
    ),
    "make anew": lambda driver, host: driver.apply(
        [Delete(kind=Host, id=host.id), Create(entity=host)]
    ),
    "change twice": lambda driver, host: driver.apply(
        [Replace(entity=changed(host, 1)), Replace(entity=changed(host, 2))]
    ),
    "create and change": lambda driver, host: driver.apply(
        [
            Create(entity=dataclasses.replace(NEW, id="x")),
            Replace(entity=dataclasses.replace(NEW, id="x", ssh_port=1)),
        ]
    ),
    "create, and unlink it": lambda driver, host: driver.apply(
        [
            Create(entity=Group(id="g", region_id="r", name="g")),
            Create(entity=dataclasses.replace(NEW, groups=("g",))),
            Delete(kind=Group, id="g"),
        ]
    ),
}


@BOTH
@pytest.mark.parametrize("write", WRITES_ONCE.values(), ids=WRITES_ONCE)
def test_a_write_takes_effect_once(
    store: Counting, hosts: list[Host], write: Callable[..., object], fault: Fault
) -> None:
    plain = Counting(store.settings)
    plain.state = store.state
    write(plain, hosts[0])
    result = write(retrying(store, fault), hosts[0])
    assert store.written == 1
    found, expected = named(store), named(plain)
    assert found.keys() == expected.keys()
    if isinstance(result, Host):
        assert found[result.name] == result
    timeless = [
        [
            dataclasses.replace(
                entity, id="", revision="", updated_at=NEW.updated_at, created_at=NEW.created_at
            )
            for _, entity in sorted(each.items())
        ]
        for each in (found, expected)
    ]
    assert timeless[0] == timeless[1]


@BOTH
def test_it_may_fail_several_times(store: Counting, fault: Fault) -> None:
    created = retrying(store, fault, faults=4).create(NEW)
    assert store.get(Host, created.id) == created
    assert store.written == 1


def test_patience_ends(store: Counting) -> None:
    with pytest.raises(Unavailable):
        retrying(store, BEFORE_THE_COMMIT, faults=5).create(NEW)
    assert store.written == 0


REFUSED: dict[str, tuple[type[CratonError], Callable[[InventoryDriver, Host], object]]] = {
    "name taken": (
        AlreadyExists,
        lambda driver, host: driver.create(dataclasses.replace(NEW, name="h1")),
    ),
    "id taken": (
        AlreadyExists,
        lambda driver, host: driver.create(dataclasses.replace(NEW, id=host.id)),
    ),
    "no parent": (
        InvalidReference,
        lambda driver, host: driver.create(dataclasses.replace(NEW, region_id="nowhere")),
    ),
    "stale replace": (
        RevisionConflict,
        lambda driver, host: driver.replace(host, if_revision="stale"),
    ),
    "stale delete": (
        RevisionConflict,
        lambda driver, host: driver.delete(Host, host.id, if_revision="stale"),
    ),
    "delete nothing": (NotFound, lambda driver, host: driver.delete(Host, "nowhere")),
    "children": (InUse, lambda driver, host: driver.delete(Region, "r")),
}


@pytest.mark.parametrize(("error", "write"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_stays_what_it_is(
    store: Counting,
    hosts: list[Host],
    error: type[CratonError],
    write: Callable[[InventoryDriver, Host], object],
) -> None:
    class Away(Counting):
        """Is away before it has looked at anything."""

        away = True

        def _write(self, changes: Iterator[Change]) -> None:
            if self.away:
                self.away = False
                raise Unavailable("away")
            super()._write(changes)

    away = Away(store.settings)
    away.state = store.state
    with pytest.raises(error):
        write(RetryingDriver(away, Patience(sleep=lambda seconds: None)), hosts[0])
    assert not away.away
    assert away.state is store.state


@BOTH
@pytest.mark.parametrize("condition", [False, True])
def test_when_others_wrote_meanwhile_nobody_claims_to_know(
    store: Counting, hosts: list[Host], fault: Fault, condition: bool
) -> None:
    """A RevisionConflict would make ``update`` do for the second time what is done."""
    others = changed(hosts[0], 99)
    driver = retrying(store, fault, lambda: store.replace(others))
    with pytest.raises(Unavailable):
        driver.replace(changed(hosts[0], 1), if_revision=hosts[0].revision if condition else None)
    assert store.get(Host, hosts[0].id).ssh_port == 99


def test_a_delete_is_done_when_it_is_gone(store: Counting, hosts: list[Host]) -> None:
    driver = retrying(store, BEFORE_THE_COMMIT, lambda: store.delete(Host, hosts[0].id))
    driver.delete(Host, hosts[0].id)


def test_a_delete_goes_on_when_others_changed_the_entity(
    store: Counting, hosts: list[Host]
) -> None:
    driver = retrying(store, BEFORE_THE_COMMIT, lambda: store.replace(changed(hosts[0], 99)))
    driver.delete(Host, hosts[0].id)
    with pytest.raises(NotFound):
        store.get(Host, hosts[0].id)
    driver = retrying(store, BEFORE_THE_COMMIT, lambda: store.replace(changed(hosts[1], 99)))
    with pytest.raises(RevisionConflict):
        driver.delete(Host, hosts[1].id, if_revision=hosts[1].revision)


def test_a_batch_of_deletes_proves_nothing_when_others_delete(
    store: Counting, hosts: list[Host]
) -> None:
    driver = retrying(store, BEFORE_THE_COMMIT, lambda: store.delete(Host, hosts[0].id))
    with pytest.raises(Unavailable):
        driver.apply(Delete(kind=Host, id=host.id) for host in hosts)
    assert store.get(Host, hosts[1].id) == hosts[1]


def test_what_others_changed_since_is_done(store: Counting) -> None:
    def others() -> None:
        store.update(Host, "mine", lambda found: changed(found, 99))

    created = retrying(store, ANSWER_LOST, others).create(dataclasses.replace(NEW, id="mine"))
    assert store.get(Host, created.id).ssh_port == 99


class Late(Counting):
    """Loses its answer, and does what it was asked for somewhat later."""

    waiting: list[Change] | None = None
    lost = False

    def _write(self, changes: Iterator[Change]) -> None:
        if self.lost:
            super()._write(changes)
            return
        self.waiting, self.lost = list(changes), True
        raise Unavailable("the answer is lost")

    def _get(self, kind: type[E], id: str) -> E | None:
        """Let the write arrive right after it was looked for."""
        found = super()._get(kind, id)
        if self.waiting is not None:
            waiting, self.waiting = self.waiting, None
            super()._write(iter(waiting))
        return found


@pytest.mark.parametrize("write", WRITES_ONCE.values(), ids=WRITES_ONCE)
def test_a_write_that_arrives_late_takes_effect_once(
    store: Counting, hosts: list[Host], write: Callable[..., object]
) -> None:
    late = Late(store.settings)
    late.state = store.state
    write(RetryingDriver(late, Patience(sleep=lambda seconds: None)), hosts[0])
    assert late.written == 1


@BOTH
def test_more_changes_than_patience_allows_are_not_repeated(store: Counting, fault: Fault) -> None:
    changes = [Create(entity=dataclasses.replace(NEW, name=f"n{number}")) for number in range(5)]
    assert len(retrying(store, fault, changes=5).apply(changes[:5])) == 5
    store.apply(Delete(kind=Host, id=host.id) for host in list(store.scan(Host)))
    with pytest.raises(Unavailable):
        retrying(store, fault, changes=4).apply(changes)
    assert len(list(store.scan(Host))) == (5 if fault.committed else 0)


def test_what_the_changes_themselves_raise_ends_the_write(store: Counting) -> None:
    def changes() -> Iterator[Change]:
        yield Create(entity=NEW)
        raise Unavailable("another store, from which the changes come")

    driver = RetryingDriver(store, Patience(sleep=lambda seconds: pytest.fail("repeated")))
    with pytest.raises(Unavailable):
        driver.apply(changes())
    assert store.written == 0


def test_the_position_of_the_change_at_fault_is_kept(store: Counting, hosts: list[Host]) -> None:
    taken = [Create(entity=NEW), Create(entity=dataclasses.replace(NEW, name="h1"))]
    with pytest.raises(AlreadyExists) as caught:
        RetryingDriver(store).apply(taken)
    assert caught.value.change == 1


def test_without_cas_only_what_creates_is_repeated(store: Counting, hosts: list[Host]) -> None:
    store.capabilities = Capabilities(supported=frozenset({Capability.WRITE}))
    retrying(store, BEFORE_THE_COMMIT).create(NEW)
    with pytest.raises(Unavailable):
        retrying(store, BEFORE_THE_COMMIT).replace(hosts[0])
    with pytest.raises(Unavailable):
        retrying(store, BEFORE_THE_COMMIT).delete(Host, hosts[0].id)
    assert store.written == 1


@pytest.mark.parametrize("seed", range(5))
def test_of_contended_updates_none_is_lost_and_none_done_twice(
    store: Counting, hosts: list[Host], seed: int
) -> None:
    counter = store.create(dataclasses.replace(NEW, variables=Variables({"n": 0})))
    plan = Seeded(seed, lambda op: [BEFORE_THE_COMMIT, ANSWER_LOST] if op in WRITES else [], 0.3)
    patience = Patience(attempts=20, seconds=600, sleep=lambda seconds: None)
    driver = RetryingDriver(FaultyDriver(store, plan), patience)
    told: list[str] = []

    def increment(found: Host) -> Host:
        number = found.variables["n"]
        assert isinstance(number, int)
        return dataclasses.replace(found, variables=Variables({"n": number + 1}))

    def work() -> None:
        for _ in range(25):
            try:
                driver.update(Host, counter.id, increment)
                told.append("done")
            except RevisionConflict:
                told.append("not done")
            except Unavailable:
                told.append("unknown")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = store.get(Host, counter.id).variables["n"]
    assert len(told) == 100
    assert plan.struck
    assert isinstance(total, int)
    assert told.count("done") <= total <= told.count("done") + told.count("unknown")
