"""Faults in what is attached to regions, groups and hosts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from craton.models import ATTACHED_KINDS, Entity, GroupReference, Payload, Secret
from tests.mutants.registry import FaultyState, fault


@fault("The details of a secret are dropped.", "PART-1")
class DetailsDropped(FaultyState):
    def _store(self, entity: Entity, index: int) -> None:
        if isinstance(entity, Secret):
            default = next(f.default for f in dataclasses.fields(Secret) if f.name == "details")
            entity = dataclasses.replace(entity, details=default)  # type: ignore[arg-type]
        super()._store(entity, index)


@fault("A long payload is cut.", "PART-1")
class PayloadsAreCut(FaultyState):
    def _store(self, entity: Entity, index: int) -> None:
        if isinstance(entity, Payload):
            entity = dataclasses.replace(entity, sealed=entity.sealed[: 2**20])
        super()._store(entity, index)


@fault("Two attached things of one parent may have one name.", "PART-1")
class AttachedShareNames(FaultyState):
    def _check_name(self, entity: Entity) -> None:
        if not isinstance(entity, ATTACHED_KINDS):
            super()._check_name(entity)


@fault("Secrets and payloads do not stand in the way, and stay.", "PART-2")
class SecretsAreNoChildren(FaultyState):
    def _children(self, parent: Entity) -> Iterator[Any]:
        children = super()._children(parent)
        yield from (child for child in children if not isinstance(child, Secret | Payload))


@fault("References of a group stay when it goes.", "PART-2")
class ReferencesOutliveTheirGroup(FaultyState):
    def _children(self, parent: Entity) -> Iterator[Any]:
        yield from (c for c in super()._children(parent) if not isinstance(c, GroupReference))
