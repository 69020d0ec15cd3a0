"""Writers at once, each with a driver of its own: whoever loses is told, and no rule is broken."""

from __future__ import annotations

import dataclasses
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from craton.backends.mongo import single
from craton.backends.mongo.driver import MongoDriver
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
from craton.models import Group, Host, Region, Secret, Tenant
from craton.rules import find_cycle
from craton.variables import Variables
from tests import backends

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("mongo")]

#: What runs at once, on an open driver.
Job = Callable[[InventoryDriver], Any]


@pytest.fixture
def at_once(driver: MongoDriver, state: Path) -> Callable[..., list[Any]]:
    """Run jobs at once and return what each returns, or the name of its error."""
    driver.create(Tenant(id="t", name="t"))
    driver.create(Region(id="r", tenant_id="t", name="r"))

    def run(*jobs: Job) -> list[Any]:
        answers: list[Any] = [None] * len(jobs)
        barrier = threading.Barrier(len(jobs))

        def work(number: int) -> None:
            with backends.make("mongo", state) as own:
                own.count(Tenant)
                barrier.wait(30)
                try:
                    answers[number] = jobs[number](own)
                except CratonError as error:
                    answers[number] = type(error).__name__
                except BaseException:
                    answers[number] = traceback.format_exc()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(len(jobs))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return answers

    return run


def link(child: str, parent: str) -> Job:
    def job(driver: InventoryDriver) -> None:
        driver.update(Group, child, lambda group: dataclasses.replace(group, parents=(parent,)))

    return job


def test_opposing_edges_never_form_a_cycle(at_once: Any, driver: MongoDriver) -> None:
    for turn in range(6):
        a, b, c = (f"{letter}{turn}" for letter in "abc")
        driver.apply(Create(entity=Group(id=id, region_id="r", name=id)) for id in (a, b, c))
        answers = at_once(link(a, b), link(b, c), link(c, a))
        assert Counter(answers) == {None: 2, Cycle.__name__: 1}
        parents = {group.id: group.parents for group in driver.scan(Group)}
        assert find_cycle(a, parents.__getitem__) is None


def test_a_name_has_one_winner(at_once: Any, driver: MongoDriver) -> None:
    def rename(id: str, name: str) -> Job:
        def job(own: InventoryDriver) -> None:
            own.update(Host, id, lambda old: dataclasses.replace(old, name=name))

        return job

    for turn in range(6):
        name, renamed = f"n{turn}", driver.create(Host(region_id="r", name=f"old{turn}"))
        answers = at_once(
            lambda own, name=name: own.create(Host(region_id="r", name=name)) and None,
            lambda own, name=name: own.create(Group(region_id="r", name=name)) and None,
            rename(renamed.id, name),
        )
        assert Counter(answers) == {None: 1, AlreadyExists.__name__: 2}
        kinds: tuple[type[Host | Group], ...] = (Host, Group)
        named = [e for kind in kinds for e in driver.scan(kind) if e.name == name]
        assert len(named) == 1


def test_the_controller_has_one_name(at_once: Any, driver: MongoDriver) -> None:
    answers = at_once(
        *(
            lambda own, name=name: own.create(Host(region_id="r", name=name)) and None
            for name in ("localhost", "127.0.0.1", "::1")
        )
    )
    assert Counter(answers) == {None: 1, AlreadyExists.__name__: 2}
    assert driver.count(Host) == 1


def test_no_child_survives_its_parent(at_once: Any, driver: MongoDriver) -> None:
    for turn in range(6):
        region, group, host = (f"{kind}{turn}" for kind in ("region", "group", "host"))
        driver.create(Region(id=region, tenant_id="t", name=region))
        driver.create(Group(id=group, region_id="r", name=group))
        driver.create(Host(id=host, region_id="r", name=host))
        answers = at_once(
            lambda own, region=region: own.delete(Region, region),
            lambda own, region=region: own.create(Host(region_id=region, name="h")) and None,
            lambda own, group=group: own.delete(Group, group),
            lambda own, group=group: (
                own.create(Host(region_id="r", name=f"of-{group}", groups=(group,))) and None
            ),
            lambda own, host=host: own.delete(Host, host, cascade=True),
            lambda own, host=host: own.create(Secret(host_id=host, name="s")) and None,
        )
        assert answers[:2] in ([InUse.__name__, None], [None, InvalidReference.__name__])
        assert answers[2] is None
        assert answers[3] in (None, InvalidReference.__name__)
        assert answers[4] is None
        assert answers[5] in (None, InvalidReference.__name__)
        assert driver.count(Group) == 0
        assert driver.count(Secret) == 0
        assert all(host.groups == () for host in driver.scan(Host))


def test_a_batch_is_seen_whole_or_not_at_all(at_once: Any, driver: MongoDriver) -> None:
    # More than one batch of a cursor, so that a scan is still reading when the next one commits.
    number = 300

    def write(own: InventoryDriver) -> None:
        for turn in range(2):
            own.apply(
                [
                    *(Delete(kind=Host, id=host.id) for host in own.scan(Host)),
                    *(
                        Create(entity=Host(region_id="r", name=f"{(turn + n) % 2}h{n}"))
                        for n in range(number)
                    ),
                ]
            )
        stop.set()

    def read(own: InventoryDriver) -> set[int]:
        seen = set()
        while not stop.is_set():
            seen |= {len(list(own.scan(Host))), own.count(Host)}
        return seen

    stop = threading.Event()
    _, *seen = at_once(write, read, read)
    assert all(counts <= {0, number} for counts in seen), seen
    assert driver.count(Host) == number


def test_no_update_is_lost(at_once: Any, driver: MongoDriver) -> None:
    host = driver.create(Host(region_id="r", name="h", variables=Variables({"n": 0})))

    def one_more(old: Host) -> Host:
        number = old.variables["n"]
        assert isinstance(number, int)
        return dataclasses.replace(old, variables=old.variables.merged({"n": number + 1}))

    def work(own: InventoryDriver) -> None:
        done = 0
        while done < 15:
            try:
                own.update(Host, host.id, one_more)
            except RevisionConflict:
                continue  # who loses many times in a row is told so, and may go on
            done += 1

    assert at_once(work, work, work) == [None] * 3
    assert driver.get(Host, host.id).variables["n"] == 45


def test_an_entity_is_deleted_once(at_once: Any, driver: MongoDriver) -> None:
    host = driver.create(Host(region_id="r", name="h"))
    answers = at_once(*[lambda own: own.delete(Host, host.id)] * 3)
    assert Counter(answers) == {None: 1, NotFound.__name__: 2}


def test_hosts_are_created_side_by_side(at_once: Any, driver: MongoDriver) -> None:
    def create(own: InventoryDriver, letter: str) -> None:
        for number in range(10):
            own.create(Host(region_id="r", name=f"{letter}{number}"))

    letters = "abcdef"
    answers = at_once(*(lambda own, letter=letter: create(own, letter) for letter in letters))
    assert answers == [None] * len(letters)
    assert driver.count(Host) == 10 * len(letters)


def test_an_ordinary_replace_takes_one_step(
    driver: MongoDriver, at_once: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a transaction, and so without a word to whoever works on the region."""
    made: list[bool] = []
    whole = single.written

    def noting(*given: Any) -> bool:
        made.append(whole(*given))
        return made[-1]

    monkeypatch.setattr(single, "written", noting)
    group = driver.create(Group(region_id="r", name="g"))
    host = driver.create(Host(region_id="r", name="h", groups=(group.id,)))
    made.clear()
    changed = dataclasses.replace(host, ssh_port=22, variables=Variables({"a": 1}))
    stored = driver.replace(changed, if_revision=host.revision)
    assert made == [True]
    assert driver.get(Host, host.id) == stored
    for other in (
        dataclasses.replace(stored, name="i"),
        dataclasses.replace(stored, groups=()),
    ):
        made.clear()
        driver.replace(other)
        assert made == [False]
