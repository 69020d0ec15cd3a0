"""Whatever happens in the CMDB and in Craton: after a sync, the mirror is what both say."""

from __future__ import annotations

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from craton.driver import parent_of
from craton.errors import AlreadyExists, CratonError, InvalidReference, NotFound, ReadOnly
from craton.models import Entity, Group, Host, Region, Tenant, links
from craton.variables import Variables
from tests.cmdbs import Cmdb, Key
from tests.functional.cmdb.conftest import Mirror

NAMES = ("a", "b", "c", "localhost", "127.0.0.1")
REGIONS = ("r1", "r2")
THEIR_GROUPS = ("g1", "g2", "g3")
OWN_GROUPS = ("m1", "m2")
HOSTS = ("h1", "h2", "h3")

#: Mostly its own one, so that not everything stands in the way of everything.
names = st.none() | st.none() | st.sampled_from(NAMES)
regions = st.sampled_from(("r1", "r1", "r1", "r2"))
flags = st.booleans()
their_groups = st.lists(st.sampled_from(THEIR_GROUPS), max_size=2, unique=True).map(sorted)
#: Both sides have variables of these names.
values = st.dictionaries(st.sampled_from(("u", "v")), st.integers(0, 2), max_size=2)


@dataclasses.dataclass
class Own:
    """What Craton has added to an object, as a user would tell it."""

    values: dict[str, int] = dataclasses.field(default_factory=dict)
    flagged: set[str] = dataclasses.field(default_factory=set)
    groups: set[str] = dataclasses.field(default_factory=set)


class History(RuleBasedStateMachine):
    """A CMDB and a Craton that change at random."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory(prefix="craton-history-")
        mirror = Mirror.make(Path(self.directory.name), "memory", shrink_limit=1.0)
        self.cmdb: Cmdb = mirror.cmdb
        self.driver = mirror.driver()
        self.driver.open()
        self.theirs: dict[Key, Entity] = {}
        self.own: dict[Key, Own] = {}
        self._put(Tenant(id="t1", name="acme"))
        for region in REGIONS:
            self._put(Region(id=region, tenant_id="t1", name=region))
        for id in THEIR_GROUPS:
            self._put(Group(id=id, region_id="r1", name=id))
        for id in HOSTS:
            self._put(Host(id=id, region_id="r1", name=id))
        self.sync(everything=False)

    def teardown(self) -> None:
        self.driver.close()
        self.directory.cleanup()

    # -- what happens in the CMDB --------------------------------------------------------------

    @rule(id=st.sampled_from(HOSTS), region=regions, name=names, groups=their_groups,
          values=values, active=flags)  # fmt: skip
    def put_host(
        self,
        id: str,
        region: str,
        name: str | None,
        groups: list[str],
        values: Any,
        active: bool,
    ) -> None:
        self._put(
            Host(
                id=id,
                region_id=region,
                name=name or id,
                active=active,
                groups=tuple(groups),
                variables=Variables(values),
            )
        )

    @rule(id=st.sampled_from(THEIR_GROUPS), region=regions, name=names, parents=their_groups,
          values=values)  # fmt: skip
    def put_group(
        self, id: str, region: str, name: str | None, parents: list[str], values: Any
    ) -> None:
        self._put(
            Group(
                id=id,
                region_id=region,
                name=name or id,
                parents=tuple(parents),
                variables=Variables(values),
            )
        )

    @rule(id=st.sampled_from(REGIONS), name=st.sampled_from(REGIONS))
    def put_region(self, id: str, name: str) -> None:
        self._put(Region(id=id, tenant_id="t1", name=name))

    @rule(key=st.sampled_from(
        [(Host, id) for id in HOSTS] + [(Group, id) for id in THEIR_GROUPS] + [(Region, "r2")]
    ))  # fmt: skip
    def remove(self, key: Key) -> None:
        entity = self.theirs.pop(key, None)
        if entity is not None:
            self.cmdb.remove(entity)

    @rule()
    def forget_tokens(self) -> None:
        self.cmdb.forget_tokens()

    # -- what happens in Craton ----------------------------------------------------------------

    @rule(id=st.sampled_from(OWN_GROUPS), region=regions, name=names)
    def make_group(self, id: str, region: str, name: str | None) -> None:
        with suppress(AlreadyExists, InvalidReference):
            self.driver.create(Group(id=id, region_id=region, name=name or id))

    @rule(id=st.sampled_from(OWN_GROUPS))
    def drop_group(self, id: str) -> None:
        try:
            self.driver.delete(Group, id)
        except NotFound:
            return
        for own in self.own.values():
            own.groups.discard(id)

    @rule(id=st.sampled_from(HOSTS), name=st.sampled_from(("u", "v", "w")), value=st.integers(0, 2),
          flag=flags)  # fmt: skip
    def set_variable(self, id: str, name: str, value: int, flag: bool) -> None:
        """Set a variable through Craton: it is Craton's own, or it is refused."""
        host = self._host(id)
        if host is None:
            return
        owned = name in self.driver.origins(Host, [id])[id].variables
        templated = {*host.templated, *([name] if flag else [])}
        if not flag:
            templated.discard(name)
        changed = dataclasses.replace(
            host,
            variables=host.variables.merged({name: value}),
            templated=tuple(sorted(templated)),
        )
        same = host.variables.members().get(name) == str(value)
        if owned and not same:
            with pytest.raises(ReadOnly) as caught:
                self.driver.replace(changed)
            assert caught.value.url == f"https://cmdb.example/hosts/{id}"
            return
        self.driver.replace(changed)
        if not owned:
            own = self.own.setdefault((Host, id), Own())
            own.values[name] = value
            (own.flagged.add if flag else own.flagged.discard)(name)

    @rule(id=st.sampled_from(HOSTS))
    def clear(self, id: str) -> None:
        """Remove what of a host's variables is Craton's own and can be seen."""
        host = self._host(id)
        if host is None:
            return
        theirs = self.driver.origins(Host, [id])[id].variables
        mine = [name for name in host.variables if name not in theirs]
        templated = tuple(name for name in host.templated if name in theirs)
        variables = host.variables.without(*mine)
        self.driver.replace(dataclasses.replace(host, variables=variables, templated=templated))
        own = self.own.setdefault((Host, id), Own())
        for name in mine:
            own.values.pop(name, None)
            own.flagged.discard(name)

    @rule(id=st.sampled_from(HOSTS), group=st.sampled_from((*OWN_GROUPS, *THEIR_GROUPS)))
    def join(self, id: str, group: str) -> None:
        """Put a host into a group, or take it out."""
        host = self._host(id)
        if host is None:
            return
        groups = set(host.groups) ^ {group}
        try:
            self.driver.replace(dataclasses.replace(host, groups=tuple(sorted(groups))))
        except ReadOnly:
            assert group in THEIR_GROUPS
        except CratonError:
            assert group not in {found.id for found in self._groups(host.region_id)}
        else:
            assert group in OWN_GROUPS
            self.own.setdefault((Host, id), Own()).groups ^= {group}

    # -- what must hold --------------------------------------------------------------------------

    @rule(everything=flags)
    def sync(self, everything: bool) -> None:
        """Sync, and look at what came of it."""
        self.driver.sync(everything=everything)
        rejected = self._rejected()
        self._check_objects(rejected)
        if self._is_clean():
            assert not rejected
        digests = [self.driver.digest(kind) for kind in (Tenant, Region, Group, Host)]
        again = self.driver.sync(everything=True)
        assert again.changed == 0, again
        assert self._rejected() == rejected
        assert digests == [self.driver.digest(kind) for kind in (Tenant, Region, Group, Host)]

    def _check_objects(self, rejected: set[Key]) -> None:
        mirrored = {
            (kind, entity.id): entity
            for kind in (Tenant, Region, Group, Host)
            for entity in self.driver.scan(kind)
            if entity.id not in OWN_GROUPS
        }
        for key in self.theirs.keys() | mirrored.keys():
            if key in rejected:
                continue
            assert key in self.theirs, f"{key} is gone, but still there"
            assert key in mirrored, f"{key} is neither mirrored nor rejected"
            self._check(key, self.theirs[key], mirrored[key])

    def _check(self, key: Key, said: Any, found: Any) -> None:
        own = self.own.get(key, Own())
        theirs = said.variables.decode()
        assert found.variables.decode() == {**own.values, **theirs}
        for name in own.values.keys() - theirs.keys():
            assert (name in found.templated) == (name in own.flagged)
        for name, _ in links(key[0]):
            there = {group.id for group in self._groups(str(parent_of(found)))}
            mine = own.groups & there
            assert set(getattr(found, name)) == {*getattr(said, name), *mine}
            own.groups &= there
        for name in ("name", "active", "region_id", "tenant_id"):
            assert getattr(found, name, None) == getattr(said, name, None)

    def _is_clean(self) -> bool:
        """Tell whether nothing stands in the way of anything."""
        groups = [g for g in self.driver.scan(Group) if g.id in OWN_GROUPS]
        everything = [*self.theirs.values(), *groups]
        taken = Counter(
            (parent_of(entity), isinstance(entity, Host | Group), entity.name)  # type: ignore[attr-defined]
            for entity in everything
        )
        # Both are the controller, to Ansible.
        controllers = Counter(
            host.region_id
            for host in everything
            if isinstance(host, Host) and host.name in ("localhost", "127.0.0.1")
        )
        if max([*taken.values(), *controllers.values()]) > 1:
            return False
        if any((Region, group.region_id) not in self.theirs for group in groups):
            return False
        for found in self.driver.scan(Group):
            said: Any = self.theirs.get((Group, found.id), found)
            if found.region_id != said.region_id:
                return False  # A group cannot move.
        return all(self._has_its_place(entity) for entity in self.theirs.values())

    def _has_its_place(self, entity: Any) -> bool:
        if entity.parent is not None and (entity.parent, parent_of(entity)) not in self.theirs:
            return False
        for name, _ in links(type(entity)):
            for id in getattr(entity, name):
                group: Any = self.theirs.get((Group, id))
                if group is None or group.region_id != entity.region_id:
                    return False
        return not isinstance(entity, Group) or entity.id not in self._ancestors(entity.id)

    def _ancestors(self, id: str) -> set[str]:
        found: set[str] = set()
        waiting = [id]
        while waiting:
            group: Any = self.theirs.get((Group, waiting.pop()))
            fresh = set(group.parents if group else ()) - found
            found |= fresh
            waiting += fresh
        return found

    def _rejected(self) -> set[Key]:
        kinds: dict[str, type[Entity]] = {kind.kind: kind for kind in (Tenant, Region, Group, Host)}
        status = self.driver.mirror_status(rejected=100)
        assert len(status.rejected) == status.rejected_total
        assert all(one.reason for one in status.rejected)
        return {(kinds[one.kind], one.id) for one in status.rejected}

    def _groups(self, region: str) -> Iterator[Group]:
        return (group for group in self.driver.scan(Group) if group.region_id == region)

    def _host(self, id: str) -> Host | None:
        return next((host for host in self.driver.scan(Host) if host.id == id), None)

    def _put(self, entity: Entity) -> None:
        self.theirs[type(entity), entity.id] = entity
        self.cmdb.put(entity)


@pytest.mark.usefixtures("entry_point")
def test_after_a_sync_the_mirror_is_what_both_say() -> None:
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
