"""Faults that only random work comes upon."""

from __future__ import annotations

from craton.backends.memory import state
from craton.driver import check_replaceable
from craton.errors import AlreadyExists, RevisionConflict
from craton.models import Entity, Group, Host
from craton.query import AllOf, Overlaps, Predicate
from tests.mutants.faults.asking import Asking, Means
from tests.mutants.registry import FaultyState, fault


@fault("A taken name is reported before another revision.", "MODEL-1")
class NameBeforeRevision(FaultyState):
    def put(self, entity: Entity, if_revision: str | None, index: int) -> None:
        stored = self.get(type(entity), entity.id)
        holder = self._names.get(state._name_key(entity))
        if stored is not None and holder is not None and holder.id != stored.id:
            check_replaceable(stored, entity, None)
            raise AlreadyExists(holder.kind, "name", entity.name)  # type: ignore[attr-defined]
        super().put(entity, if_revision, index)


@fault("Another revision is reported before another parent.", "MODEL-1")
class RevisionBeforeParent(FaultyState):
    def put(self, entity: Entity, if_revision: str | None, index: int) -> None:
        stored = self.get(type(entity), entity.id)
        if stored is not None and if_revision is not None and stored.revision != if_revision:
            raise RevisionConflict(entity.kind, entity.id)
        super().put(entity, if_revision, index)


@fault("The parents of groups cannot be asked for.", "FILTER-1")
class ParentsNotAsked(Asking):
    def leaf(self, where: Predicate) -> Predicate:
        if isinstance(where, Overlaps) and where.path == ("parents",):
            return Means(lambda entity: not isinstance(entity, Group))
        return where


@fault("Variables can be asked for on hosts alone.", "MODEL-2")
class VariablesOfHostsAlone(Asking):
    def leaf(self, where: Predicate) -> Predicate:
        if any(path[0] == "variables" for path in where.paths()):
            return AllOf(where, Means(lambda entity: isinstance(entity, Host)))
        return where
