"""A copy has all that the source has, wherever it was broken off in between."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import pytest

from craton.backends.memory.driver import MemoryDriver
from craton.backends.wrappers.faults import Fault, OnCall, broken
from craton.backends.wrappers.faulty import FaultyDriver
from craton.backends.wrappers.operations import WRITES, Operation
from craton.capabilities import EVERY_CAPABILITY, Capabilities, Capability
from craton.driver import Change, Delete, InventoryDriver, InventoryReader
from craton.models import KINDS, Entity, Group, Host, Tenant
from craton.query import Compare, Operator, Query
from craton.transfer import Comparison, Copied, Copy, Place, TransferError, check_target, compare
from tests.fleets import everything, fill, fill_with_every_kind
from tests.unit.transfer.conftest import Silent, store

READS = frozenset({Operation.GET, Operation.SCAN, Operation.COUNT})


def copy(
    source: InventoryReader, target: InventoryDriver, **options: bool
) -> Mapping[tuple[Place, type[Entity]], Copied]:
    return Copy(source, target, Silent(), **options).run()


def failure(action: Callable[[], object]) -> TransferError | None:
    """Return the error that an action ends with, or nothing."""
    try:
        action()
    except TransferError as error:
        return error
    return None


def differences(source: InventoryReader, target: InventoryReader) -> list[Comparison]:
    return [found for found in compare(source, target, Silent()) if found.difference is not None]


def test_everything_arrives_as_it_is(
    source: MemoryDriver, target: MemoryDriver, observer: Silent
) -> None:
    done = Copy(source, target, observer).run()
    assert everything(target) == everything(source)
    assert sum(found.created for found in done.values()) == observer.done == len(everything(source))
    assert observer.stages == [("copying", observer.done)]
    assert not differences(source, target)


def test_every_kind_is_copied(target: MemoryDriver) -> None:
    source = store()
    fill_with_every_kind(source)
    done = copy(source, target)
    assert {kind for _, kind in done} == set(KINDS)
    assert everything(target) == everything(source)


def test_a_dry_run_tells_the_same_and_writes_nothing(
    source: MemoryDriver, target: MemoryDriver
) -> None:
    told = copy(source, target, dry_run=True)
    assert everything(target) == {}
    assert told == copy(source, target)


def test_a_dry_run_finds_what_cannot_be_stored(source: MemoryDriver, target: MemoryDriver) -> None:
    host = next(source.scan(Host))
    source.state._entities[Host][host.id] = dataclasses.replace(host, ssh_port=0)
    with pytest.raises(TransferError, match=rf"the source has a host '{host.id}' .*ssh_port"):
        copy(source, target, dry_run=True)


def test_resuming_leaves_what_is_equal_replaces_what_differs_and_deletes_nothing(
    source: MemoryDriver, target: MemoryDriver
) -> None:
    copy(source, target)
    host, other, gone = list(source.scan(Host))[:3]
    target.replace(dataclasses.replace(host, ssh_port=1))
    target.replace(other)  # another revision and time, and nothing else
    target.delete(Host, gone.id)
    extra = target.create(dataclasses.replace(gone, id="extra", name="extra"))
    done = copy(source, target, resume=True)
    created, replaced, equal = (
        sum(getattr(found, name) for found in done.values())
        for name in ("created", "replaced", "equal")
    )
    assert (created, replaced, equal) == (1, 2, len(everything(source)) - 3)
    assert everything(target) == everything(source) | {(Host, "extra"): extra}


def test_a_state_that_is_equal_is_not_written(source: MemoryDriver, target: MemoryDriver) -> None:
    copy(source, target)
    state = target.state
    copy(source, target, resume=True)
    assert target.state is state


@pytest.mark.parametrize("fault", [Fault(), Fault(committed=True)], ids=["torn", "unanswered"])
def test_whichever_write_fails_a_second_run_ends_it(source: MemoryDriver, fault: Fault) -> None:
    for number in itertools.count(1):
        target = store()
        plan = OnCall(number, fault, WRITES)
        faulty = FaultyDriver(target, plan)
        error = failure(lambda: copy(source, faulty))  # noqa: B023
        assert (error is not None) == plan.reached
        copy(source, target, resume=True)
        assert everything(target) == everything(source)
        if error is None:
            break
        assert re.match(r"cannot write .* to the target: a planned fault", error.message)
    assert number > 10


@pytest.mark.parametrize("rows", [0, 5])
def test_whichever_read_fails_a_second_run_ends_it(source: MemoryDriver, rows: int) -> None:
    for number in itertools.count(1):
        target = store()
        plan = OnCall(number, Fault(error=broken, rows=rows), READS)
        faulty = FaultyDriver(source, plan)
        error = failure(lambda: copy(faulty, target))  # noqa: B023
        if error is None:
            # The fault stood behind all that was asked for, if it came at all.
            assert everything(target) == everything(source)
        else:
            assert re.match(r"cannot (read|count) .*: a planned fault", error.message)
            copy(source, target, resume=True)
            assert everything(target) == everything(source)
        if not plan.reached:
            break
    assert number > 10


@pytest.mark.parametrize("side", ["source", "target"])
def test_what_cannot_be_compared_is_an_error_and_no_verdict(
    source: MemoryDriver, target: MemoryDriver, side: str
) -> None:
    copy(source, target)
    for number in itertools.count(1):
        plan = OnCall(number, Fault(), READS)
        stores: dict[str, InventoryDriver] = {"source": source, "target": target}
        stores[side] = FaultyDriver(stores[side], plan)
        compared = partial(compare, stores["source"], stores["target"], Silent())
        error = failure(lambda: list(compared()))  # noqa: B023
        if not plan.reached:
            break
        assert error is not None
        assert re.match(r"cannot (read|count) .*: a planned fault", error.message)
    assert number > 5


def test_an_error_names_the_entity_that_could_not_be_written(
    source: MemoryDriver, target: MemoryDriver
) -> None:
    copy(source, target)
    hosts = list(source.scan(Host, Query(where=Compare(("region_id",), Operator.EQ, "r0"))))
    for host in hosts:
        target.delete(Host, host.id)
    host = hosts[11]
    target.create(dataclasses.replace(host, id="squatter", groups=()))
    with pytest.raises(TransferError) as caught:
        copy(source, target, resume=True)
    assert f"cannot write host {host.id!r} ({host.name}) to the target" in caught.value.message
    assert "there is already a host" in caught.value.message


class OneByOne(MemoryDriver):
    capabilities = Capabilities(
        supported=EVERY_CAPABILITY - {Capability.ATOMIC_BATCH, Capability.MIGRATIONS}
    )

    def _write(self, changes: Iterator[Change]) -> None:
        made = list(changes)
        assert len(made) == 1
        super()._write(iter(made))


def test_a_target_without_batches_is_filled_one_by_one(source: MemoryDriver) -> None:
    target = OneByOne(source.settings)
    copy(source, target)
    assert everything(target) == everything(source)
    target._write(iter([Delete(kind=Host, id=next(target.scan(Host)).id)]))
    group = next(target.scan(Group))
    target.replace(dataclasses.replace(group, priority=-1))
    copy(source, target, resume=True)
    assert everything(target) == everything(source)


def test_a_source_without_counts_is_copied_without_a_total(
    source: MemoryDriver, target: MemoryDriver, observer: Silent
) -> None:
    class Uncounted(MemoryDriver):
        capabilities = Capabilities(supported=frozenset())

    uncounted = Uncounted(source.settings)
    uncounted.state = source.state
    Copy(uncounted, target, observer).run()
    assert observer.stages == [("copying", None)]
    assert everything(target) == everything(source)


def test_a_target_that_holds_anything_is_refused(
    source: MemoryDriver, target: MemoryDriver
) -> None:
    check_target(source, target, resume=False)
    target.create(Tenant(name="somebody else's"))
    with pytest.raises(TransferError, match=r"target is not empty: there are tenants.*--resume"):
        check_target(source, target, resume=False)
    check_target(source, target, resume=True)


def test_a_target_that_cannot_write_what_is_there_is_refused(source: MemoryDriver) -> None:
    class NoHosts(MemoryDriver):
        capabilities = Capabilities(supported=EVERY_CAPABILITY, writable=frozenset(KINDS) - {Host})

    target = NoHosts(source.settings)
    with pytest.raises(TransferError, match=r"cannot write hosts to the target: .*write hosts"):
        check_target(source, target, resume=False)
    empty = store()
    fill(empty, hosts=0)
    check_target(empty, target, resume=False)
    copy(empty, target)
    assert everything(target) == everything(empty)
