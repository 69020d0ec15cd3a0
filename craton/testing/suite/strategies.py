"""Random entities, changes and predicates, with the text that stores confuse."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from craton.driver import Change, Create, Delete, Replace, parent_of
from craton.models import Entity, Group, Host, Region, Tenant, parent_field
from craton.query import (
    AllOf,
    AnyOf,
    Compare,
    Exists,
    In,
    Not,
    Operator,
    Overlaps,
    Predicate,
    Prefix,
)
from craton.testing.suite.values import NASTY, VALUES
from craton.variables import Variables

#: Few, so that they meet; some differ in what a careless store would not see.
IDS = ("1", "2", "a", "A", "é")
TENANTS = ("t1", "t2")
REGIONS = ("r1", "r2")
NAMES = (
    *("a", "A", "á", "a\u0301", "b", "a b", "a.b", "\uffee", "\U0001f600"),
    *("localhost", "127.0.0.1", "::1"),
    *("", "all", "a/b"),
)
KEYS = ("x", "Y", "_z")

_TEXTS = [text[:200] for text in NASTY]
_VALUES = [*VALUES.values(), {"a": 1}, [1, 1.0], 2, "A"]
# By position: a failure prints the strategies, which should be short.
_texts = st.integers(0, len(_TEXTS) - 1).map(lambda number: _TEXTS[number])
_plain = st.integers(0, len(_VALUES) - 1).map(lambda number: _VALUES[number])
values: st.SearchStrategy[Any] = st.one_of(
    _plain,
    _texts,
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
    st.integers(-3, 3),
    st.sampled_from((0.5, -1.0, 1e300)),
)
variables = st.dictionaries(st.sampled_from(KEYS), values, max_size=2).map(Variables)
names = st.one_of(st.sampled_from(NAMES[:12]), st.sampled_from(NAMES))
ids = st.sampled_from(IDS)
links = st.lists(ids, max_size=3).map(tuple)
# Most changes should name a region that is there.
regions = st.sampled_from((*REGIONS, *REGIONS, *REGIONS, "r3"))

hosts = st.builds(
    Host,
    id=ids,
    region_id=regions,
    name=names,
    groups=links,
    variables=variables,
    active=st.booleans(),
    ssh_port=st.sampled_from((None, 22, 65535, 0)),
    asset_id=st.one_of(st.none(), st.sampled_from(("a", "A", "a ", "é"))),
)
groups = st.builds(
    Group,
    id=ids,
    region_id=regions,
    name=names,
    parents=links,
    variables=variables,
    priority=st.integers(-2, 2),
)
tenants = st.builds(Tenant, id=st.sampled_from(TENANTS), name=names, variables=variables)
parts = st.builds(
    Region,
    id=st.sampled_from(REGIONS),
    tenant_id=st.sampled_from((*TENANTS, *TENANTS, "t3")),
    name=names,
    description=_texts,
)
members: st.SearchStrategy[Entity] = st.one_of(hosts, groups)
entities: st.SearchStrategy[Entity] = st.one_of(members, members, members, tenants, parts)
kinds: st.SearchStrategy[type[Entity]] = st.sampled_from((Host, Host, Group, Group, Region, Tenant))

#: What is stored, by kind and id.
Stored = Mapping[tuple[type[Entity], str], Entity]


@dataclass(frozen=True)
class Step:
    """A change in words that mean the same to two drivers, whose revisions differ.

    Attributes:
        what: ``create``, ``replace`` or ``delete``.
        entity: The entity, or one of the id that is to go.
        revision: ``None``, ``current``, or another text, which is no revision of anything.
        cascade: For ``delete``.
        same_parent: For ``replace``: keep the stored parent; most would fail otherwise.
    """

    what: str
    entity: Entity
    revision: str | None = None
    cascade: bool = False
    same_parent: bool = True

    def change(self, stored: Stored) -> Change:
        """Return the change for a driver that has this stored."""
        kind, entity = type(self.entity), self.entity
        before = stored.get((kind, entity.id))
        revision = self.revision
        if revision == "current":
            revision = before.revision if before is not None else "none"
        if self.what == "create":
            return Create(entity=entity)
        if self.what == "delete":
            return Delete(kind=kind, id=entity.id, if_revision=revision, cascade=self.cascade)
        parent = parent_field(kind)
        if self.same_parent and before is not None and parent is not None:
            keep: dict[str, Any] = {parent: parent_of(before)}
            entity = dataclasses.replace(entity, **keep)
        return Replace(entity=entity, if_revision=revision)


_revisions = st.sampled_from((None, None, "current", "stale"))
steps = st.one_of(
    st.builds(Step, st.just("create"), members),
    st.builds(Step, st.just("create"), entities),
    st.builds(
        Step,
        st.just("replace"),
        entities,
        _revisions,
        same_parent=st.sampled_from((True, True, False)),
    ),
    st.builds(Step, st.just("delete"), entities, _revisions, st.booleans()),
)
batches = st.lists(steps, min_size=1, max_size=6)

_variable_paths = st.lists(
    st.sampled_from((*KEYS, "a", "b.c", "0", "1", "d", "")), min_size=1, max_size=3
).map(lambda found: ("variables", *found))
_field_paths = st.sampled_from([("name",), ("id",)])
_host_paths = st.sampled_from([("active",), ("ssh_port",), ("asset_id",), ("region_id",)])


def predicates(kind: type[Entity]) -> st.SearchStrategy[Predicate]:
    """Return predicates that have a meaning for a kind."""
    paths = st.one_of(_variable_paths, _field_paths)
    if kind is Host:
        paths = st.one_of(paths, _host_paths)
    operands = st.one_of(values, names, st.booleans(), st.none())
    operators = st.sampled_from((Operator.EQ, *Operator))
    leaves: st.SearchStrategy[Predicate] = st.one_of(
        st.builds(Compare, paths, operators, operands),
        st.builds(In, paths, st.lists(operands, max_size=3).map(tuple)),
        st.builds(Exists, paths),
        st.builds(Prefix, paths, st.one_of(names, _texts)),
    )
    if kind is Host:
        leaves = st.one_of(leaves, st.builds(Overlaps, st.just(("groups",)), links))
    if kind is Group:
        leaves = st.one_of(leaves, st.builds(Overlaps, st.just(("parents",)), links))
    return st.recursive(leaves, _combined, max_leaves=5)


def _combined(inner: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
    several = st.lists(inner, max_size=3)
    return st.one_of(
        several.map(lambda found: AllOf(*found)),
        several.map(lambda found: AnyOf(*found)),
        inner.map(Not),
    )
