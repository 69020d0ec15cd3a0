"""What the CMDB owns is read-only and names its owner; what it has no place for is Craton's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from craton.driver import Change, Create, Delete, InventoryDriver, Replace
from craton.errors import InvalidValue, NotFound, ReadOnly, RevisionConflict
from craton.fields import Flag, Integer, Links, Spec, VariableMap, VariableNames
from craton.models import (
    INVENTORY_KINDS,
    Entity,
    Group,
    Host,
    Record,
    Region,
    Secret,
    Tenant,
    parent_field,
    specs,
)
from craton.variables import Variables
from tests.cmdbs import Cmdb, changed, url_of
from tests.functional.cmdb.fleet import GROUP, HOST, REGION, TENANT
from tests.functional.cmdb.test_sync import contents

_THEIRS: dict[type[Entity], Any] = {Tenant: TENANT, Region: REGION, Group: GROUP, Host: HOST}

FIELDS = [
    (kind, name)
    for kind in INVENTORY_KINDS
    for name, spec in specs(kind).items()
    if not spec.read_only and name != parent_field(kind)
]


def other_value(spec: Spec, value: Any) -> Any:
    """Return another value that the field may hold."""
    match spec:
        case Flag():
            return not value
        case Integer():
            return (value or 22) + 1
        case VariableMap():
            return value.merged({next(iter(value)): "other"})
        case Links():
            return ("other",) if "other" not in value else ()
    return "192.0.2.99" if "." in (value or "") else "other"


class TestFields:
    """Every field of every kind, by replace and by batch."""

    @pytest.fixture(autouse=True)
    def _another_group(self, driver: InventoryDriver, cmdb: Cmdb) -> None:
        cmdb.put(Group(id="other", region_id="r", name="other"))

    @pytest.mark.parametrize(("kind", "name"), FIELDS)
    def test_a_field_of_the_cmdb_is_read_only(
        self, filled: InventoryDriver, kind: type[Entity], name: str
    ) -> None:
        stored = filled.get(kind, _THEIRS[kind].id)
        spec = specs(kind)[name]
        if isinstance(spec, VariableNames):
            flag = next(iter(stored.variables))  # type: ignore[attr-defined]
            assert filled.replace(changed(stored, templated=(flag,))).templated == (flag,)
            return
        entity = changed(stored, **{name: other_value(spec, getattr(stored, name))})
        before = contents(filled)
        attempts: tuple[Callable[[], object], ...] = (
            lambda: filled.replace(entity),
            lambda: filled.replace(entity, if_revision=stored.revision),
            lambda: filled.apply(
                [Create(entity=Group(region_id="r", name="x")), Replace(entity=entity)]
            ),
            lambda: filled.update(kind, stored.id, lambda _: entity),
        )
        for number, attempt in enumerate(attempts):
            with pytest.raises(ReadOnly) as caught:
                attempt()
            assert caught.value.owner == "Testbed"
            assert caught.value.url == url_of(kind, stored.id)
            assert caught.value.change in ((1,) if number == 2 else (None, 0))
            assert contents(filled) == before

    @pytest.mark.parametrize("kind", INVENTORY_KINDS)
    def test_nobody_makes_or_deletes_what_the_cmdb_owns(
        self, filled: InventoryDriver, kind: type[Entity]
    ) -> None:
        before = contents(filled)
        changes: list[Change] = [
            Delete(kind=kind, id=_THEIRS[kind].id),
            Delete(kind=kind, id=_THEIRS[kind].id, cascade=True),
        ]
        if kind is not Group:
            changes.append(Create(entity=changed(_THEIRS[kind], id="new", name="new")))
        for change in changes:
            with pytest.raises(ReadOnly) as caught:
                filled.apply([change])
            assert caught.value.owner == "Testbed"
            assert contents(filled) == before


class TestOwn:
    """Craton's own part can be changed, and survives every sync."""

    def amend(self, driver: InventoryDriver, kind: type[Entity]) -> Any:
        stored: Any = driver.get(kind, _THEIRS[kind].id)
        variables = stored.variables.merged({"own": "{{ x }}"})
        return driver.replace(changed(stored, variables=variables, templated=("own",)))

    @pytest.mark.parametrize("kind", INVENTORY_KINDS)
    @pytest.mark.parametrize("everything", [False, True])
    def test_own_variables_survive(
        self, filled: InventoryDriver, cmdb: Cmdb, kind: type[Entity], everything: bool
    ) -> None:
        self.amend(filled, kind)
        cmdb.put(changed(_THEIRS[kind], name="renamed", variables=Variables({"cmdb_new": 2})))
        filled.sync(everything=everything)
        found: Any = filled.get(kind, _THEIRS[kind].id)
        assert found.name == "renamed"
        assert found.variables.decode() == {"cmdb_new": 2, "own": "{{ x }}"}
        assert found.templated == ("own",)

    def test_a_variable_of_the_cmdb_hides_an_own_one_and_gives_it_back(
        self, filled: InventoryDriver, cmdb: Cmdb
    ) -> None:
        self.amend(filled, Host)
        cmdb.put(changed(HOST, variables=Variables({"own": "{{ theirs }}"})))
        filled.sync()
        hidden = filled.get(Host, HOST.id)
        assert (hidden.variables["own"], hidden.templated) == ("{{ theirs }}", ())
        with pytest.raises(ReadOnly):
            filled.replace(changed(hidden, variables=Variables({"own": 1})))
        cmdb.put(HOST)
        filled.sync()
        back = filled.get(Host, HOST.id)
        assert (back.variables["own"], back.templated) == ("{{ x }}", ("own",))

    def test_a_flag_on_a_variable_of_the_cmdb_stays_with_it(
        self, filled: InventoryDriver, cmdb: Cmdb
    ) -> None:
        host = filled.get(Host, HOST.id)
        filled.replace(changed(host, templated=("cmdb_h",)))
        cmdb.put(changed(HOST, variables=Variables({})))
        filled.sync()
        assert filled.get(Host, HOST.id).templated == ()
        cmdb.put(HOST)
        filled.sync(everything=True)
        assert filled.get(Host, HOST.id).templated == ("cmdb_h",)

    def test_a_host_that_comes_back_has_what_was_its_own(
        self, filled: InventoryDriver, cmdb: Cmdb
    ) -> None:
        group = filled.create(Group(region_id="r", name="mine"))
        host = self.amend(filled, Host)
        filled.replace(changed(host, groups=(*host.groups, group.id)))
        cmdb.remove(HOST)
        filled.sync()
        with pytest.raises(NotFound):
            filled.get(Host, HOST.id)
        filled.sync(everything=True)
        cmdb.put(HOST)
        filled.sync()
        back = filled.get(Host, HOST.id)
        assert back.variables["own"] == "{{ x }}"
        assert back.groups == tuple(sorted(("g", group.id)))

    def test_own_groups_are_free(self, filled: InventoryDriver, cmdb: Cmdb) -> None:
        group = filled.create(Group(region_id="r", name="mine", parents=("g",)))
        host = filled.get(Host, HOST.id)
        host = filled.replace(changed(host, groups=(*host.groups, group.id)))
        cmdb.put(changed(HOST, active=False))
        filled.sync(everything=True)
        assert group.id in filled.get(Host, HOST.id).groups
        assert filled.get(Group, group.id) == group
        filled.delete(Group, group.id)
        assert filled.get(Host, HOST.id).groups == ("g",)
        filled.sync(everything=True)
        assert filled.get(Host, HOST.id).groups == ("g",)

    def test_several_amendments_of_one_entity_in_one_batch(
        self, filled: InventoryDriver, cmdb: Cmdb
    ) -> None:
        host = filled.get(Host, HOST.id)
        first = changed(host, variables=host.variables.merged({"a": 1}))
        second = changed(host, variables=host.variables.merged({"b": 2}))
        filled.apply([Replace(entity=first), Replace(entity=second)])
        cmdb.put(changed(HOST, active=False))
        filled.sync()
        assert filled.get(Host, HOST.id).variables.decode() == {"b": 2, "cmdb_h": 0}

    def test_secrets_of_a_mirrored_host_are_own(self, filled: InventoryDriver, cmdb: Cmdb) -> None:
        secret = filled.create(Secret(host_id=HOST.id, name="key"))
        cmdb.put(changed(HOST, active=False))
        filled.sync(everything=True)
        assert filled.get(Secret, secret.id) == secret
        cmdb.remove(HOST)
        filled.sync()
        [rejected] = filled.mirror_status(rejected=9).rejected
        assert "the secret 'key'" in rejected.reason
        filled.delete(Secret, secret.id)
        filled.sync()
        assert filled.mirror_status().rejected_total == 0
        with pytest.raises(NotFound):
            filled.get(Host, HOST.id)


def test_a_stale_condition_is_told_before_whose_it_is(filled: InventoryDriver) -> None:
    host = filled.get(Host, HOST.id)
    with pytest.raises(RevisionConflict):
        filled.replace(changed(host, name="x"), if_revision="old")


def test_nobody_sees_or_touches_what_the_mirror_remembers(filled: InventoryDriver) -> None:
    store = filled._store  # type: ignore[attr-defined]
    [lease, *_] = store.scan(Record)
    assert lease.name.startswith("cmdb/")
    assert list(filled.scan(Record)) == []
    assert filled.count(Record) == 0
    with pytest.raises(NotFound):
        filled.get(Record, lease.id)
    with pytest.raises(NotFound):
        filled.delete(Record, lease.id)
    with pytest.raises(NotFound):
        filled.replace(Record(id=lease.id, name="kit/x"))
    with pytest.raises(InvalidValue):
        filled.create(Record(name="cmdb/mine"))
