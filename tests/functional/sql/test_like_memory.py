"""The same changes have the same outcome as on the reference driver, whatever they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from craton import chunks
from craton.driver import Change, Create, Delete, InventoryDriver, Replace
from craton.errors import CratonError
from craton.models import KINDS, Entity, Group, Host, Region, Tenant, parent_field
from craton.variables import Variables
from tests import backends

IDS = ("1", "2", "3", "4", "5")
REGIONS = ("r1", "r2")
NAMES = (*"aAéebcdfg", "localhost", "127.0.0.1")

#: In place of the times of all that is compared, which differ between any two stores.
_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

Step = tuple[Any, ...]
#: What was there before, by kind and id: the state that a step may refer to.
Before = dict[tuple[type[Entity], str], Entity]

ids = st.sampled_from(IDS)
names = st.sampled_from(NAMES)
regions = st.sampled_from((*["r1"] * 8, *["r2"] * 3, "r3"))
links = st.lists(ids, max_size=3).map(lambda found: tuple(sorted(set(found))))
variables = st.dictionaries(st.sampled_from(("x", "y")), st.integers(0, 2)).map(Variables)
hosts = st.builds(Host, id=ids, region_id=regions, name=names, groups=links, variables=variables)
groups = st.builds(Group, id=ids, region_id=regions, name=names, parents=links, variables=variables)
containers = st.one_of(
    st.builds(Tenant, id=st.sampled_from(("t1", "t2")), name=names, variables=variables),
    st.builds(
        Region,
        id=st.sampled_from(REGIONS),
        tenant_id=st.sampled_from(("t1", "t2", "t3")),
        name=names,
    ),
)
members = st.one_of(hosts, groups)
if_revisions = st.sampled_from((None, None, None, "current", "current", "stale"))


def deletions(entity: Entity) -> st.SearchStrategy[Step]:
    return st.tuples(
        st.just("delete"), st.just(type(entity)), st.just(entity.id), if_revisions, st.booleans()
    )


creations = st.tuples(st.just("create"), members)
steps = st.one_of(
    creations,
    creations,
    st.tuples(st.just("create"), containers),
    st.tuples(st.just("replace"), st.one_of(members, members, containers), if_revisions),
    st.tuples(st.just("replace"), groups, st.none()),
    members.flatmap(deletions),
    containers.flatmap(deletions),
)
batches = st.lists(st.lists(steps, min_size=1, max_size=5), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, template_of: Callable[[str], Path]
) -> Iterator[tuple[InventoryDriver, InventoryDriver]]:
    state = tmp_path_factory.mktemp("pair")
    with (
        backends.opened("memory", state / "memory") as memory,
        backends.opened("sql", state / "sql", template_of("sql")) as sql,
    ):
        yield memory, sql


def changes(batch: list[Step], before: Before) -> Iterator[Change]:
    """Turn steps into changes; each driver has revisions of its own."""

    def revision(kind: type[Entity], id: str, which: str | None) -> str | None:
        stored = before.get((kind, id))
        return which if which != "current" else stored.revision if stored else "none"

    for step in batch:
        match step:
            case ("create", entity):
                yield Create(entity=entity)
            case ("replace", entity, which):
                stored = before.get((type(entity), entity.id))
                parent = parent_field(type(entity))
                if stored is not None and parent is not None and which is None:
                    # Otherwise most of them would fail for the parent that never changes.
                    entity = dataclasses.replace(entity, **{parent: getattr(stored, parent)})
                yield Replace(entity=entity, if_revision=revision(type(entity), entity.id, which))
            case ("delete", kind, id, which, cascade):
                yield Delete(
                    kind=kind, id=id, if_revision=revision(kind, id, which), cascade=cascade
                )


def everything(driver: InventoryDriver) -> Before:
    return {(kind, entity.id): entity for kind in KINDS for entity in driver.scan(kind)}


def outcome(driver: InventoryDriver, batch: list[Step]) -> tuple[object, ...]:
    """Apply a batch, and tell what came of it, less what differs between any two stores."""
    before = everything(driver)
    error: tuple[object, ...] = ()
    try:
        stamps = driver.apply(changes(batch, before))
    except CratonError as raised:
        error = type(raised), str(raised), dict(raised.fields), raised.change
    else:
        assert len(stamps) == len(batch)
    after = everything(driver)
    timeless = {
        key: dataclasses.replace(entity, revision="", created_at=_NOON, updated_at=_NOON)
        for key, entity in after.items()
    }
    touched = {
        key for key in after if key not in before or after[key].revision != before[key].revision
    }
    kept = all(
        after[key].created_at == before[key].created_at
        for key in after.keys() & before.keys()
        if not any(step[0] == "create" for step in batch)
    )
    return error, timeless, touched, kept


def empty(driver: InventoryDriver) -> None:
    for tenant in list(driver.scan(Tenant)):
        driver.delete(Tenant, tenant.id, cascade=True)
    driver.create(Tenant(id="t1", name="t1"))
    for region in REGIONS:
        driver.create(Region(id=region, tenant_id="t1", name=region))


def populate(driver: InventoryDriver) -> None:
    """Begin with something that changes can meet."""
    empty(driver)
    made = [group("1", "r1"), group("2", "r1", "1"), group("3", "r1", "2"), host("1", "r1", "1")]
    driver.apply(changes([*made, host("2", "r1", "2", "3")], {}))


def group(id: str, region: str, *parents: str) -> Step:
    return ("create", Group(id=id, region_id=region, name=id, parents=parents))


def host(id: str, region: str, *groups: str) -> Step:
    return ("create", Host(id=id, region_id=region, name=f"h{id}", groups=groups))


def renamed(id: str, name: str) -> Host:
    return Host(id=id, region_id="r1", name=name)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batches=batches)
@example([[("delete", Group, id, None, False)] for id in ("1", "2", "3")])
@example([[("delete", Group, id, None, False) for id in ("1", "2", "3")]])
@example([[("delete", Group, "1", None, False), ("delete", Group, "2", "current", False)]])
@example([[("replace", group("1", "r1", "3")[1], "current")]])
@example([[("replace", group("2", "r1")[1], None), ("replace", group("1", "r1", "3")[1], None)]])
@example([[("replace", renamed("1", "free"), None), ("replace", renamed("2", "h1"), None)]])
@example([[("replace", renamed("2", "h1"), None), ("replace", renamed("1", "free"), None)]])
@example([[("delete", Tenant, "t1", None, True), ("delete", Tenant, "t1", None, False)]])
# A group that is deleted takes its links along, also those that were never checked.
@example([[host("6", "r1", "7"), group("7", "r2"), ("delete", Group, "7", None, False)]])
@example([[host("6", "r1", "7"), group("7", "r1"), ("delete", Region, "r1", None, True)]])
@example([[host("6", "r1", "7"), group("7", "r2"), ("delete", Region, "r2", None, True)]])
@example([[group("7", "r1"), ("delete", Group, "7", None, False), host("6", "r1", "7")]])
@example([[host("6", "r1", "7"), ("delete", Host, "6", None, False), group("7", "r2")]])
# A region that is deleted halfway is no parent any more.
@example([[host("6", "r2"), ("delete", Region, "r2", None, True), host("7", "r2")]])
# What cannot be stored at all does not hide what could not be stored before it.
@example([[group("1", "r1"), ("create", Group(id="9", region_id="r1", name=""))]])
# A cycle may only come about by a link that is checked late.
@example([[group("6", "r1", "7"), group("7", "r1", "8"), group("8", "r1", "6")]])
@example([[group("6", "r1", "7"), group("7", "r1", "8"), group("8", "r1", "6", "9")]])
@example([[group("6", "r1", "7"), host("6", "r1"), group("7", "r1", "6")]])
@example([[group("6", "r1", "7"), group("7", "r2", "6")]])
@example([[group("6", "r1")], [("delete", Group, "6", None, False)] * 2])
@example([[host("6", "r1"), host("7", "r1", "9"), ("replace", host("6", "r1", "9")[1], None)]])
def test_changes_end_as_in_memory(
    pair: tuple[InventoryDriver, InventoryDriver], batches: list[list[Step]]
) -> None:
    for driver in pair:
        populate(driver)
    for batch in batches:
        expected, found = (outcome(driver, batch) for driver in pair)
        assert found == expected


@pytest.mark.parametrize("size", [1, 2])
def test_the_size_of_a_chunk_changes_nothing(
    pair: tuple[InventoryDriver, InventoryDriver], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "SIZE", size)
    batch = [
        group("1", "r1"),
        group("2", "r1", "1"),
        host("1", "r1", "2", "4"),
        host("2", "r1", "1"),
        host("3", "r1", "1", "2"),
        group("4", "r1"),
        ("delete", Group, "1", None, False),
        ("replace", Host(id="3", region_id="r1", name="h2"), None),
    ]
    for count in range(1, len(batch) + 1):
        for driver in pair:
            empty(driver)
        expected, found = (outcome(driver, batch[:count]) for driver in pair)
        assert found == expected
