"""Writers at once, in threads and in processes: whoever loses is told, and nothing is half done."""

from __future__ import annotations

import dataclasses
import multiprocessing
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from craton.backends.sql.driver import SqlDriver
from craton.driver import Create, Delete, InventoryDriver
from craton.errors import (
    AlreadyExists,
    CratonError,
    Cycle,
    InUse,
    InvalidReference,
    NotFound,
    RevisionConflict,
)
from craton.models import Group, Host, Region, Tenant
from craton.query import Query
from craton.rules import find_cycle
from craton.variables import Variables
from tests import backends

#: What runs at once: an open driver, and the number of the one who runs.
Job = Callable[[InventoryDriver, int], Any]


def _run(job: Job, state: Path, number: int, barrier: Any) -> Any:
    with backends.make("sql", state) as driver:
        driver.count(Tenant)
        barrier.wait(30)
        try:
            return job(driver, number)
        except CratonError as error:
            return type(error).__name__
        except BaseException:
            return traceback.format_exc()


def in_threads(state: Path, jobs: Iterable[Job]) -> list[Any]:
    jobs = list(jobs)
    answers: list[Any] = [None] * len(jobs)
    barrier = threading.Barrier(len(jobs))

    def run(number: int) -> None:
        answers[number] = _run(jobs[number], state, number, barrier)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def _in_process(job: Job, state: Path, number: int, barrier: Any, answers: Any) -> None:
    answers.put((number, _run(job, state, number, barrier)))


def in_processes(state: Path, jobs: Iterable[Job]) -> list[Any]:
    jobs = list(jobs)
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(len(jobs)), context.SimpleQueue()
    processes = [
        context.Process(target=_in_process, args=(job, state, number, barrier, answers))
        for number, job in enumerate(jobs)
    ]
    for process in processes:
        process.start()
    found = dict(answers.get() for _ in jobs)
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    return [found[number] for number in range(len(jobs))]


@pytest.fixture(params=[in_threads, in_processes], ids=["threads", "processes"])
def at_once(request: pytest.FixtureRequest, state: Path, sql: SqlDriver) -> Any:
    """Run jobs at once, each on a driver of its own."""
    tenant = sql.create(Tenant(id="t", name="t"))
    sql.create(Region(id="r", tenant_id=tenant.id, name="r"))
    sql.close()
    return lambda *jobs: request.param(state, jobs)


def link(child: str, parent: str) -> Job:
    def job(driver: InventoryDriver, _: int) -> None:
        driver.update(Group, child, lambda group: dataclasses.replace(group, parents=(parent,)))

    return job


def test_opposing_edges_never_form_a_cycle(at_once: Any, sql: SqlDriver) -> None:
    for turn in range(5):
        a, b, c = (f"{letter}{turn}" for letter in "abc")
        sql.apply(Create(entity=Group(id=id, region_id="r", name=id)) for id in (a, b, c))
        answers = at_once(link(a, b), link(b, c), link(c, a))
        assert Counter(answers) == {None: 2, Cycle.__name__: 1}
        parents = {group.id: group.parents for group in sql.scan(Group)}
        assert find_cycle(a, parents.__getitem__) is None


def test_a_name_has_one_winner(at_once: Any, sql: SqlDriver) -> None:
    def host(name: str) -> Job:
        def job(driver: InventoryDriver, _: int) -> None:
            driver.create(Host(region_id="r", name=name))

        return job

    def group(name: str) -> Job:
        def job(driver: InventoryDriver, _: int) -> None:
            driver.create(Group(region_id="r", name=name))

        return job

    def rename(id: str, name: str) -> Job:
        def job(driver: InventoryDriver, _: int) -> None:
            driver.update(Host, id, lambda old: dataclasses.replace(old, name=name))

        return job

    for turn in range(4):
        name, renamed = f"n{turn}", sql.create(Host(region_id="r", name=f"old{turn}"))
        answers = at_once(host(name), group(name), rename(renamed.id, name))
        assert Counter(answers) == {None: 1, AlreadyExists.__name__: 2}
        kinds: tuple[type[Host | Group], ...] = (Host, Group)
        named = [e for kind in kinds for e in sql.scan(kind) if e.name == name]
        assert len(named) == 1


def test_the_controller_has_one_name(at_once: Any, sql: SqlDriver) -> None:
    answers = at_once(
        lambda driver, _: driver.create(Host(region_id="r", name="localhost")) and None,
        lambda driver, _: driver.create(Host(region_id="r", name="127.0.0.1")) and None,
    )
    assert Counter(answers) == {None: 1, AlreadyExists.__name__: 1}
    assert sql.count(Host) == 1


def test_no_update_is_lost(at_once: Any, sql: SqlDriver) -> None:
    host = sql.create(Host(region_id="r", name="h", variables=Variables({"n": 0})))

    def one_more(old: Host) -> Host:
        number = old.variables["n"]
        assert isinstance(number, int)
        return dataclasses.replace(old, variables=old.variables.merged({"n": number + 1}))

    def count(driver: InventoryDriver, _: int) -> None:
        done = 0
        while done < 20:
            # Who loses many times in a row is told so, and may go on.
            with suppress(RevisionConflict):
                driver.update(Host, host.id, one_more)
                done += 1

    assert at_once(count, count, count) == [None] * 3
    assert sql.get(Host, host.id).variables["n"] == 60


def test_a_snapshot_does_not_move_under_a_writer(at_once: Any, sql: SqlDriver) -> None:
    sql.apply(Create(entity=Host(region_id="r", name=f"h{n}")) for n in range(20))

    def rename(driver: InventoryDriver, number: int) -> None:
        for turn in range(30):
            for host in driver.find(Host, Query(limit=20)).items[:2]:
                driver.replace(dataclasses.replace(host, name=f"h{turn}-{host.id}"))
            driver.create(Group(region_id="r", name=f"g{turn}"))

    def read(driver: InventoryDriver, number: int) -> set[bool]:
        seen = set()
        for _ in range(30):
            with driver.snapshot() as snapshot:
                state = snapshot.digest(Host), snapshot.count(Group)
                hosts = list(snapshot.scan(Host))
                again = snapshot.digest(Host), len(list(snapshot.scan(Group)))
                seen.add(state == again and len({host.name for host in hosts}) == 20)
        return seen

    assert at_once(rename, read) == [None, {True}]


def test_a_batch_is_seen_whole_or_not_at_all(at_once: Any, sql: SqlDriver) -> None:
    def write(driver: InventoryDriver, number: int) -> None:
        for _ in range(15):
            hosts = list(driver.scan(Host))
            driver.apply(
                [
                    *(Delete(kind=Host, id=host.id) for host in hosts),
                    *(Create(entity=Host(region_id="r", name=f"h{n}")) for n in range(7)),
                ]
            )

    def read(driver: InventoryDriver, number: int) -> set[int]:
        return {len(list(driver.scan(Host))) for _ in range(60)}

    _, seen = at_once(write, read)
    assert seen <= {0, 7}
    assert sql.count(Host) == 7


def test_no_child_survives_its_parent(at_once: Any, sql: SqlDriver) -> None:
    for turn in range(4):
        region, group = f"region{turn}", f"group{turn}"
        sql.create(Region(id=region, tenant_id="t", name=region))
        sql.create(Group(id=group, region_id="r", name=group))
        answers = at_once(
            lambda driver, _, region=region: driver.delete(Region, region),
            lambda driver, _, region=region: (
                driver.create(Host(region_id=region, name="h")) and None
            ),
            lambda driver, _, group=group: driver.delete(Group, group),
            lambda driver, _, group=group: (
                driver.create(Host(region_id="r", name=f"of-{group}", groups=(group,))) and None
            ),
        )
        assert answers[:2] in ([InUse.__name__, None], [None, InvalidReference.__name__])
        assert answers[2] is None
        assert answers[3] in (None, InvalidReference.__name__)
        assert sql.count(Group) == 0
        assert all(host.groups == () for host in sql.scan(Host))


def test_an_entity_is_deleted_once(at_once: Any, sql: SqlDriver) -> None:
    host = sql.create(Host(region_id="r", name="h"))
    answers = at_once(*[lambda driver, _: driver.delete(Host, host.id)] * 3)
    assert Counter(answers) == {None: 1, NotFound.__name__: 2}
