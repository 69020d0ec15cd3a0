"""Faults in links, in the graph of groups, and in rules that two writers could break together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from craton.backends.memory.driver import MemoryDriver, _make
from craton.backends.memory.state import State
from craton.driver import Change, at, parent_of
from craton.errors import Cycle, InvalidReference
from craton.models import Entity, Group, Host, links
from tests.mutants.registry import FaultyState, fault
from tests.mutants.remote import RemoteDriver


@fault("Links are not looked at.", "LINK-1", "LINK-2")
class LinksUnchecked(FaultyState):
    def check_links(self) -> None:
        pass


@fault("A link may name a group of another region.", "LINK-1")
class LinksIntoAnotherRegion(FaultyState):
    def _check_links_of(self, entity: Entity) -> None:
        try:
            super()._check_links_of(entity)
        except InvalidReference as error:
            if self.get(Group, error.id) is None:
                raise


@fault("A link may name a host.", "LINK-1")
class LinksToHosts(FaultyState):
    def _check_links_of(self, entity: Entity) -> None:
        try:
            super()._check_links_of(entity)
        except InvalidReference as error:
            if self.get(Host, error.id) is None:
                raise


@fault("Parents of groups are not looked up.", "LINK-1")
class ParentsUnchecked(FaultyState):
    def _check_links_of(self, entity: Entity) -> None:
        try:
            super()._check_links_of(entity)
        except InvalidReference:
            if not isinstance(entity, Group):
                raise


@fault("A link that names nothing is dropped without a word.", "LINK-1")
class BrokenLinksDropped(FaultyState):
    def _check_links_of(self, entity: Entity) -> None:
        for field, _ in links(type(entity)):
            ids = getattr(entity, field)
            known = tuple(
                id
                for id in ids
                if (group := self.get(Group, id)) and group.region_id == parent_of(entity)
            )
            if known != ids:
                self._relink(entity, field, known)
        super()._check_links_of(self.get(type(entity), entity.id) or entity)


@fault("The error for a link does not say which one.", "LINK-1")
class BrokenLinkNotNamed(FaultyState):
    def _check_links_of(self, entity: Entity) -> None:
        try:
            super()._check_links_of(entity)
        except InvalidReference as error:
            raise InvalidReference(error.field, ",".join(getattr(entity, error.field))) from error


def _way_up(state: State, group: str, steps: int) -> Iterator[str]:
    for parent in state._parents(group):
        yield parent
        if steps > 1:
            yield from _way_up(state, parent, steps - 1)


class ShortSighted(FaultyState):
    """Base of the faults in how far a cycle is looked for."""

    steps: int

    def _check_links_of(self, entity: Entity) -> None:
        try:
            super()._check_links_of(entity)
        except Cycle:
            if entity.id in _way_up(self, entity.id, self.steps):
                raise


@fault("A cycle of three groups is not seen.", "LINK-2")
class CycleOfThreeUnseen(ShortSighted):
    steps = 2


@fault("A cycle of more than ten groups is not seen.", "LINK-2")
class CycleOfManyUnseen(ShortSighted):
    steps = 10


@fault("A group may be its own parent.", "LINK-2")
class OwnParent(FaultyState):
    def _check_links_of(self, entity: Entity) -> None:
        try:
            super()._check_links_of(entity)
        except Cycle:
            if not (isinstance(entity, Group) and entity.id in entity.parents):
                raise


@fault("A group that is reached by two ways is taken for a cycle.", "LINK-2")
class DiamondRefused(FaultyState):
    def _check_links_of(self, entity: Entity) -> None:
        super()._check_links_of(entity)
        if isinstance(entity, Group):
            above = list(_way_up(self, entity.id, 20))
            if len(above) != len(set(above)):
                raise Cycle([entity.name])


@fault("A cycle is shown by ids, not by names.", "LINK-2")
class CycleOfIds(FaultyState):
    def _check_links_of(self, entity: Entity) -> None:
        try:
            super()._check_links_of(entity)
        except Cycle as error:
            raise Cycle([entity.id, *error.fields["path"][1:]]) from error  # type: ignore[index]


@fault("The edges of a group from before its replacement still count for a cycle.", "LINK-2")
class OldEdgesCount(FaultyState):
    def copy(self) -> State:
        other = super().copy()
        other.__dict__["before"] = self
        return other

    def _parents(self, group: str) -> tuple[str, ...]:
        before = self.__dict__.get("before")
        older = before._parents(group) if before is not None and self.__dict__.get("deep") else ()
        return (*super()._parents(group), *older)

    def _check_links_of(self, entity: Entity) -> None:
        self.__dict__["deep"] = True
        super()._check_links_of(entity)


class Unchecked(State):
    """A state in which names and links were looked at before."""

    def _check_name(self, entity: Entity) -> None:
        pass

    def check_links(self) -> None:
        pass


@fault("The rules are checked first, and the write is another step.", "LINK-3")
class CheckedThenWritten(MemoryDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        made = []
        trial = self.state.copy()
        for index, change in enumerate(changes):
            made.append(change)
            with at(index):
                _make(change, trial, index)
        trial.check_links()
        time.sleep(0.002)
        with self._writing:
            state = self.state.copy()
            state.__class__ = Unchecked
            for index, change in enumerate(made):
                with at(index):
                    _make(change, state, index)
            state.__class__ = State
            self.state = state


@fault("The lock is that of one node: another node's write is overwritten.", "LINK-3", "REPLACE-3")
class LockOfOneNode(RemoteDriver):
    def _write(self, changes: Iterator[Change]) -> None:
        self.reach()
        with self.__dict__.setdefault("own", threading.Lock()):
            state = self.state.copy()
            for index, change in enumerate(changes):
                with at(index):
                    _make(change, state, index)
            state.check_links()
            time.sleep(0.002)
            self.state = state
