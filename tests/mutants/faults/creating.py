"""Faults in get and create."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from datetime import timedelta
from typing import Any

from craton.backends.memory import state
from craton.backends.memory.driver import MemoryDriver
from craton.driver import Change, Create, Replace, check_replaceable, parent_of
from craton.errors import AlreadyExists
from craton.models import KINDS, E, Entity, Group, Host, Region
from craton.names import CONTROLLER_NAMES
from craton.variables import Variables
from tests.mutants.registry import FaultyState, fault


class Restamping(MemoryDriver):
    """Base of the faults in what stands on an entity when it is stored."""

    def stored_as(self, entity: E, **fields: Any) -> E:
        kept = dataclasses.replace(entity, **fields)
        self._write(iter((Replace(entity=kept),)))
        return kept


class Naming(FaultyState):
    """Base of the faults in which names are taken for the same."""

    def seen_as(self, name: str) -> str:
        raise NotImplementedError

    def _check_name(self, entity: Entity) -> None:
        super()._check_name(entity)
        name = entity.name  # type: ignore[attr-defined]
        others: tuple[Host | Group, ...] = ()
        if isinstance(entity, Host | Group):
            others = (*self.all(Host), *self.all(Group))
        for other in others:
            same = parent_of(other) == parent_of(entity) and other.id != entity.id
            if same and self.seen_as(other.name) == self.seen_as(name):
                raise AlreadyExists(other.kind, "name", name)


@fault("get finds an entity of another kind.", "GET-2")
class GetOfAnyKind(MemoryDriver):
    def _get(self, kind: type[E], id: str) -> E | None:
        kinds: tuple[type[Entity], ...] = (kind, *KINDS)
        return next(filter(None, (self.state.get(other, id) for other in kinds)), None)  # type: ignore[return-value]


@fault("get compares ids without case.", "GET-2")
class IdsWithoutCase(MemoryDriver):
    def _get(self, kind: type[E], id: str) -> E | None:
        found = {entity.id.casefold(): entity for entity in self.state.all(kind)}
        return self.state.get(kind, id) or found.get(id.casefold())


@fault("get ignores white space behind an id, as a column of type CHAR does.", "GET-2")
class IdsWithoutTrailingSpace(MemoryDriver):
    def _get(self, kind: type[E], id: str) -> E | None:
        return self.state.get(kind, id.rstrip(" "))


@fault("KeyError escapes where nothing has the id.", "GET-2", "DELETE-2")
class KeyErrorEscapes(FaultyState):
    def get(self, kind: type[E], id: str) -> E | None:
        return self._entities[kind][id]  # type: ignore[return-value]


@fault("get answers from a cache that no write clears.", "REPLACE-1")
class StaleCache(MemoryDriver):
    def _get(self, kind: type[E], id: str) -> E | None:
        cache = self.__dict__.setdefault("cache", {})
        if (kind, id) not in cache:
            found = self.state.get(kind, id)
            if found is None:
                return None
            cache[kind, id] = found
        return cache[kind, id]  # type: ignore[no-any-return]


class SharedVariables(Variables):
    """Variables that hand out what they keep."""

    __slots__ = ("kept",)

    def decode(self) -> dict[str, Any]:
        if not hasattr(self, "kept"):
            self.kept = super().decode()
        return self.kept

    def __getitem__(self, name: str) -> Any:
        return self.decode()[name]


@fault("The caller of get is given the very objects that are stored.", "GET-3")
class SharedValues(FaultyState):
    def _store(self, entity: Entity, index: int) -> None:
        if isinstance(entity, Host):
            shared = SharedVariables.from_text(entity.variables.text)
            entity = dataclasses.replace(entity, variables=shared)
        super()._store(entity, index)


@fault("Descriptions are not stored.", "GET-1")
class DescriptionDropped(FaultyState):
    def _store(self, entity: Entity, index: int) -> None:
        if isinstance(entity, Region):
            entity = dataclasses.replace(entity, description="")
        super()._store(entity, index)


@fault("templated is not stored.", "GET-1", "CREATE-8")
class TemplatedDropped(FaultyState):
    def _store(self, entity: Entity, index: int) -> None:
        super()._store(dataclasses.replace(entity, templated=()), index)  # type: ignore[call-arg]


@fault("False is taken for a value that was left out, and stored as the default.", "GET-1")
class FalseBecomesTheDefault(FaultyState):
    def _store(self, entity: Entity, index: int) -> None:
        if isinstance(entity, Host):
            entity = dataclasses.replace(entity, active=entity.active or True)
        super()._store(entity, index)


@fault("An id that the caller gives is not used.", "CREATE-1")
class GivenIdsIgnored(MemoryDriver):
    def create(self, entity: E, *, verbatim: bool = False) -> E:
        return super().create(dataclasses.replace(entity, id=""), verbatim=verbatim)


@fault("An entity with an id that is taken replaces the one that has it.", "CREATE-1", "CREATE-9")
class CreateReplaces(FaultyState):
    def add(self, entity: Entity, index: int) -> None:
        if entity.id in self._entities[type(entity)]:
            self.put(entity, None, index)
        else:
            super().add(entity, index)


@fault("create keeps the caller's revision.", "CREATE-2")
class CallersRevisionKept(Restamping):
    def create(self, entity: E, *, verbatim: bool = False) -> E:
        stored = super().create(entity, verbatim=verbatim)
        return self.stored_as(stored, revision=entity.revision or stored.revision)


@fault("Times keep their microseconds.", "CREATE-2", "TEXT-3")
class MicrosecondsKept(Restamping):
    def create(self, entity: E, *, verbatim: bool = False) -> E:
        stored = super().create(entity, verbatim=verbatim)
        moment = stored.created_at + timedelta(microseconds=123)
        self.delete(type(entity), stored.id)
        stored = dataclasses.replace(stored, created_at=moment, updated_at=moment)
        self._write(iter((Create(entity=stored),)))
        return stored


@fault("create keeps the caller's times.", "CREATE-2")
class CallersTimesKept(Restamping):
    def create(self, entity: E, *, verbatim: bool = False) -> E:
        stored = super().create(entity, verbatim=verbatim)
        if not entity.updated_at.timestamp():
            return stored
        self.delete(type(entity), stored.id)
        given = {"created_at": entity.created_at, "updated_at": entity.updated_at}
        stored = dataclasses.replace(stored, **given)  # type: ignore[arg-type]
        self._write(iter((Create(entity=stored),)))
        return stored


@fault("The parent is not looked up.", "CREATE-3")
class ParentNotLookedUp(FaultyState):
    def add(self, entity: Entity, index: int) -> None:
        if entity.id in self._entities[type(entity)]:
            raise AlreadyExists(entity.kind, "id", entity.id)
        self._store(entity, index)


@fault("A missing parent is NotFound.", "CREATE-3")
class MissingParentIsNotFound(FaultyState):
    def add(self, entity: Entity, index: int) -> None:
        if entity.parent is not None:
            check_replaceable(
                self.get(entity.parent, parent_of(entity) or ""),
                dataclasses.replace(self.get(entity.parent, parent_of(entity) or "") or entity),
                None,
            )
        super().add(entity, index)


@fault("A port that cannot be is brought to the nearest that can.", "CREATE-4")
class PortsClamped(MemoryDriver):
    def create(self, entity: E, *, verbatim: bool = False) -> E:
        if isinstance(entity, Host) and type(entity.ssh_port) is int:
            port = max(1, min(entity.ssh_port, 65535))
            entity = dataclasses.replace(entity, ssh_port=port)
        return super().create(entity, verbatim=verbatim)


@fault("Any value that Python takes for true is a flag.", "CREATE-4")
class TruthyFlags(MemoryDriver):
    def create(self, entity: E, *, verbatim: bool = False) -> E:
        if isinstance(entity, Host):
            entity = dataclasses.replace(entity, active=bool(entity.active))
        return super().create(entity, verbatim=verbatim)


@fault("The name of a region is unique among all tenants.", "CREATE-5")
class RegionNamesUniqueEverywhere(FaultyState):
    def _check_name(self, entity: Entity) -> None:
        super()._check_name(entity)
        if isinstance(entity, Region):
            for other in self.all(Region):
                if other.name == entity.name and other.id != entity.id:
                    raise AlreadyExists("region", "name", entity.name)


@fault("The names of regions need not be unique.", "CREATE-5")
class RegionNamesNotUnique(FaultyState):
    def _check_name(self, entity: Entity) -> None:
        if not isinstance(entity, Region):
            super()._check_name(entity)


@fault("A host and a group may have one name.", "CREATE-6")
class HostBesideGroupOfItsName(FaultyState):
    def _check_name(self, entity: Entity) -> None:
        holder = self._names.get(state._name_key(entity))
        if holder is None or isinstance(entity, Host) == isinstance(holder, Host):
            super()._check_name(entity)


@fault("Hosts of all regions share one namespace.", "CREATE-6")
class NamespaceOfAllRegions(FaultyState):
    def _check_name(self, entity: Entity) -> None:
        super()._check_name(entity)
        for other in self.all(Host) if isinstance(entity, Host | Group) else ():
            if other.name == entity.name and other.id != entity.id:  # type: ignore[attr-defined]
                raise AlreadyExists("host", "name", other.name)


@fault("A taken name is reported with the kind of the new entity.", "CREATE-6")
class HolderOfNameMistaken(FaultyState):
    def _check_name(self, entity: Entity) -> None:
        try:
            super()._check_name(entity)
        except AlreadyExists as error:
            raise AlreadyExists(entity.kind, "name", error.value) from error


@fault("Names are unique without regard to case.", "CREATE-6")
class NamesUniqueWithoutCase(Naming):
    def seen_as(self, name: str) -> str:
        return name.casefold()


@fault("Names are unique in their normalized form.", "CREATE-6")
class NamesUniqueNormalized(Naming):
    def seen_as(self, name: str) -> str:
        return unicodedata.normalize("NFC", name)


@fault("A region takes every name of the controller.", "CREATE-7")
class RivalsAccepted(FaultyState):
    def _check_name(self, entity: Entity) -> None:
        if self._names.get(state._name_key(entity)) is not None or not isinstance(entity, Host):
            super()._check_name(entity)


@fault("A group is refused the name of the controller beside a host that has one.", "CREATE-7")
class GroupsAreRivals(FaultyState):
    def _check_name(self, entity: Entity) -> None:
        super()._check_name(entity)
        if isinstance(entity, Group) and entity.name in CONTROLLER_NAMES:
            for host in self.all(Host):
                if host.region_id == entity.region_id and host.name in CONTROLLER_NAMES:
                    raise AlreadyExists("host", "name", entity.name)


@fault("Sets keep the order and the repeats that they were given in.", "CREATE-8")
class SetsKeptAsGiven(Restamping):
    def create(self, entity: E, *, verbatim: bool = False) -> E:
        stored = super().create(entity, verbatim=verbatim)
        if isinstance(entity, Host):
            return self.stored_as(stored, groups=entity.groups, templated=entity.templated)
        return stored


@fault("An entity is stored before its links are looked at.", "CREATE-9", "BATCH-4")
class StoredBeforeItsLinksAreChecked(MemoryDriver):
    def _write(self, changes: Any) -> None:
        made: list[Change] = list(changes)
        try:
            super()._write(iter(made))
        except Exception:
            unlinked = [_unlinked(change) for change in made]
            if unlinked != made:
                super()._write(iter(unlinked))
            raise


def _unlinked(change: Change) -> Change:
    if not isinstance(change, Create):
        return change
    match change.entity:
        case Host():
            return Create(entity=dataclasses.replace(change.entity, groups=()))
        case Group():
            return Create(entity=dataclasses.replace(change.entity, parents=()))
    return change


@fault("Variables come back as another driver would not write them.", "TEXT-4")
class TextWithSpaces(FaultyState):
    def _store(self, entity: Entity, index: int) -> None:
        values = entity.variables.decode()  # type: ignore[attr-defined]
        text = json.dumps(values, ensure_ascii=False)
        variables = Variables.from_text(text)
        super()._store(dataclasses.replace(entity, variables=variables), index)  # type: ignore[call-arg]
