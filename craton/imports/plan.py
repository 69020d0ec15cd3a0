"""From a document and a region to the changes that make the one out of the other.

The order of the changes matters. What stays is replaced first, so that it lets go of the groups
that are deleted next, children before their parents; new entities come last, because their names
may be those of deleted ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Final, TypeAlias

from craton.driver import Change, Create, Delete, InventoryReader, Replace, new_id
from craton.errors import AlreadyExists, Cycle
from craton.imports.document import Document, GroupEntry, HostEntry
from craton.imports.report import ImportReport
from craton.imports.states import Mode, group_after, host_after, region_after
from craton.imports.values import enter, enter_group, enter_host
from craton.models import Entity, Group, Host, Region
from craton.query import AllOf, Compare, In, Operator, Predicate, Query
from craton.rules import rival_taken, rivals

#: Up to this many names are looked up; for more of them the region is read through.
_LOOKUP_LIMIT: Final = 100


#: Refuses what would be stored in the place of what is stored, ``None`` for what is new.
Accept: TypeAlias = Callable[[Entity, Entity | None], None]


def accept_all(after: Entity, before: Entity | None) -> None:
    """Refuse nothing."""


@dataclass(kw_only=True, slots=True)
class Plan:
    """What is to be done, and what it comes to.

    Attributes:
        changes: In the order in which they must be made.
        report: The numbers.
    """

    changes: deque[Change] = field(default_factory=deque)
    report: ImportReport = field(default_factory=ImportReport)

    def drain(self) -> Iterator[Change]:
        """Yield the changes and forget each of them."""
        while self.changes:
            yield self.changes.popleft()


def make_plan(
    reader: InventoryReader,
    region_id: str,
    document: Document,
    mode: Mode,
    accept: Accept = accept_all,
) -> Plan:
    """Compare a document with what a region holds. The document's hosts are used up.

    What ``accept`` raises is passed on.

    Raises:
        NotFound: There is no such region.
        InvalidValue: A variable of the document cannot be entered.
        AlreadyExists: A name of the document is taken by something else in the region.
        Cycle: A group would be its own ancestor.
    """
    return _Planner(reader, reader.get(Region, region_id), document, mode, accept).plan()


class _Planner:
    def __init__(
        self,
        reader: InventoryReader,
        region: Region,
        document: Document,
        mode: Mode,
        accept: Accept,
    ) -> None:
        self._reader = reader
        self._region = region
        self._document = document
        self._mode = mode
        self._accept = accept
        self._report = ImportReport()
        self._replaced: deque[Change] = deque()
        self._deleted: deque[Change] = deque()
        self._created: deque[Change] = deque()
        groups = list(reader.scan(Group, Query(where=self._in_region())))
        self._stored = {group.name: group for group in groups}
        self._stored_names = {group.id: group.name for group in groups}
        self._ids = {
            name: self._stored[name].id if name in self._stored else new_id()
            for name in document.groups
        }

    def plan(self) -> Plan:
        self._check_cycles()
        self._plan_region()
        self._plan_stored_hosts()
        self._plan_groups()
        self._plan_new_hosts()
        return Plan(changes=self._replaced + self._deleted + self._created, report=self._report)

    def _check_cycles(self) -> None:
        parents = {name: set(entry.parents) for name, entry in self._document.groups.items()}
        if self._mode is Mode.MERGE:
            for name, group in self._stored.items():
                parents.setdefault(name, set()).update(self._names(group.parents))
        try:
            TopologicalSorter(parents).prepare()
        except CycleError as error:
            raise Cycle(error.args[1]) from error

    def _plan_region(self) -> None:
        entered = enter(self._document.variables, "all.vars")
        after = region_after(self._region, entered, self._mode)
        if after != self._region:
            self._accept(after, self._region)
            self._replaced.append(Replace(entity=after, if_revision=self._region.revision))

    # -- groups --------------------------------------------------------------------------------

    def _plan_groups(self) -> None:
        for name, entry in self._document.groups.items():
            if name in self._stored:
                self._plan_stored_group(self._stored[name], entry)
            else:
                self._plan_new_group(name, entry)
        if self._mode is Mode.REPLACE:
            for name in self._children_first():
                if name not in self._document.groups:
                    self._delete(self._stored[name])
                    self._report.deleted.groups += 1

    def _plan_stored_group(self, group: Group, entry: GroupEntry) -> None:
        entered = enter_group(entry.variables, f"{group.name}.vars")
        after = group_after(group, entered, self._ids_of(entry.parents), self._mode)
        if after == group:
            self._report.unchanged.groups += 1
        else:
            self._accept(after, group)
            self._replaced.append(Replace(entity=after, if_revision=group.revision))
            self._report.updated.groups += 1

    def _plan_new_group(self, name: str, entry: GroupEntry) -> None:
        blank = Group(id=self._ids[name], region_id=self._region.id, name=name)
        entered = enter_group(entry.variables, f"{name}.vars")
        group = group_after(blank, entered, self._ids_of(entry.parents), self._mode)
        self._accept(group, None)
        self._created.append(Create(entity=group))
        self._report.created.groups += 1

    def _children_first(self) -> Iterable[str]:
        parents = {name: self._names(group.parents) for name, group in self._stored.items()}
        return reversed(list(TopologicalSorter(parents).static_order()))

    # -- hosts ---------------------------------------------------------------------------------

    def _plan_stored_hosts(self) -> None:
        for host in self._reader.scan(Host, Query(where=self._hosts_at_stake())):
            entry = self._document.hosts.pop(host.name, None)
            if entry is not None:
                self._plan_stored_host(host, entry)
            elif self._mode is Mode.REPLACE:
                self._delete(host)
                self._report.deleted.hosts += 1
            else:
                self._check_beside(host)

    def _plan_stored_host(self, host: Host, entry: HostEntry) -> None:
        entered = enter_host(entry.variables, f"_meta.hostvars.{host.name}")
        after = host_after(host, entered, self._ids_of(entry.groups), self._mode)
        if after == host:
            self._report.unchanged.hosts += 1
        else:
            self._accept(after, host)
            self._replaced.append(Replace(entity=after, if_revision=host.revision))
            self._report.updated.hosts += 1

    def _plan_new_hosts(self) -> None:
        # Most reads are by name, and a store has neighbours side by side in the order it got them.
        for name in sorted(self._document.hosts):
            entry = self._document.hosts.pop(name)
            if self._mode is Mode.MERGE and name in self._stored:
                raise AlreadyExists(Group.kind, "name", name)
            entered = enter_host(entry.variables, f"_meta.hostvars.{name}")
            blank = Host(region_id=self._region.id, name=name)
            host = host_after(blank, entered, self._ids_of(entry.groups), self._mode)
            self._accept(host, None)
            self._created.append(Create(entity=host))
            self._report.created.hosts += 1

    def _check_beside(self, host: Host) -> None:
        """Check that a host that the document lacks can stay beside what the document brings."""
        if host.name in self._document.groups:
            raise AlreadyExists(Host.kind, "name", host.name)
        for other in rivals(host.name) & self._document.hosts.keys():
            raise rival_taken(other, host.name)

    def _hosts_at_stake(self) -> Predicate:
        """Select the hosts that the document could change, or clash with."""
        if self._mode is Mode.REPLACE:
            return self._in_region()
        names = {*self._document.hosts, *(self._document.groups.keys() - self._stored.keys())}
        names.update(*(rivals(name) for name in self._document.hosts))
        if len(names) > _LOOKUP_LIMIT:
            return self._in_region()
        return AllOf(self._in_region(), In(("name",), tuple(sorted(names))))

    # -- both ----------------------------------------------------------------------------------

    def _in_region(self) -> Predicate:
        return Compare(("region_id",), Operator.EQ, self._region.id)

    def _delete(self, entity: Group | Host) -> None:
        self._deleted.append(
            Delete(kind=type(entity), id=entity.id, if_revision=entity.revision, cascade=True)
        )

    def _ids_of(self, names: Iterable[str]) -> Iterator[str]:
        return (self._ids[name] for name in names)

    def _names(self, ids: Iterable[str]) -> list[str]:
        return [self._stored_names[id] for id in ids if id in self._stored_names]
