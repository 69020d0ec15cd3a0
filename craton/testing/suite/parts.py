"""PART: what is attached to regions, groups and hosts."""

from __future__ import annotations

import dataclasses

import pytest

from craton.errors import AlreadyExists, InUse, InvalidReference, InvalidValue, NotFound
from craton.models import (
    ATTACHED_KINDS,
    Entity,
    Group,
    GroupReference,
    Host,
    Payload,
    Region,
    RegionReference,
    Secret,
    parent_field,
)
from craton.query import Compare, Operator, Query
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet
from craton.variables import Variables

_URL = "https://example.org/vars.yml"
_DIGEST = "0123456789abcdef" * 4


class PartClauses(Suite):
    """References, secrets and payloads."""

    @clause("PART-1", writes=ATTACHED_KINDS)
    def test_part_1_every_field_comes_back(self, fleet: Fleet) -> None:
        driver, parents = fleet.driver, _parents(fleet)
        secret = driver.create(
            Secret(
                region_id="r",
                host_id=parents[Secret],
                name="key.pem",
                format="ssh",
                variable="key_file",
                size=2**20,
                sha256=_DIGEST,
                details=Variables({"type": "rsa", "not_after": None, "chain": [{"é": 1.0}]}),
            )
        )
        stored = [
            secret,
            driver.create(Payload(secret_id=secret.id, sealed="x" * 2**21)),
            driver.create(
                RegionReference(region_id=fleet.region.id, name="a", url=_URL, sha256=_DIGEST)
            ),
            driver.create(GroupReference(group_id=parents[GroupReference], name="a", url=_URL)),
        ]
        for entity in stored:
            assert driver.get(type(entity), entity.id) == entity
            assert entity in list(driver.scan(type(entity)))
        changed = dataclasses.replace(secret, details=Variables(), sha256=None, format="pem")
        changed = driver.replace(changed)
        assert driver.get(Secret, secret.id) == changed
        with pytest.raises(InvalidValue) as caught:
            driver.create(Payload(secret_id=secret.id, name="long", sealed="x" * (2**21 + 1)))
        assert caught.value.field == "sealed"

    @clause("PART-1", writes=ATTACHED_KINDS)
    def test_part_1_names_are_unique_in_their_parent(self, fleet: Fleet) -> None:
        driver, ones, others = fleet.driver, _parents(fleet, "a"), _parents(fleet, "b")
        for kind in (RegionReference, GroupReference, Secret, Payload):
            first = driver.create(_part(kind, ones[kind], "same"))
            with pytest.raises(AlreadyExists) as caught:
                driver.create(_part(kind, ones[kind], "same"))
            assert (caught.value.kind, caught.value.field) == (kind.kind, "name")
            second = driver.create(_part(kind, others[kind], "same"))
            parent = str(parent_field(kind))
            for one in (first, second):
                where = Compare((parent,), Operator.EQ, getattr(one, parent))
                assert one in list(driver.scan(kind, Query(where=where)))
            with pytest.raises(InvalidReference):
                driver.create(_part(kind, "nowhere", "other"))

    @clause("PART-2", writes=(*ATTACHED_KINDS, Host, Group, Region))
    def test_part_2_what_is_attached_is_a_child(self, fleet: Fleet) -> None:
        driver, region = fleet.driver, fleet.given_region("south")
        parents = _parents(fleet, region=region)
        kept = _parents(fleet, "kept")
        stays = [driver.create(_part(kind, kept[kind], "p")) for kind in ATTACHED_KINDS]
        parts = {kind: driver.create(_part(kind, parents[kind], "p")) for kind in ATTACHED_KINDS}
        for parent, part in ((Group, GroupReference), (Host, Secret), (Secret, Payload)):
            with pytest.raises(InUse):
                driver.delete(parent, parents[part])
        with pytest.raises(InUse):
            driver.delete(Region, region.id)
        driver.delete(Host, parents[Secret], cascade=True)
        for gone in (Secret, Payload):
            with pytest.raises(NotFound):
                driver.get(gone, parts[gone].id)
        assert driver.get(GroupReference, parts[GroupReference].id) == parts[GroupReference]
        driver.delete(Region, region.id, cascade=True)
        for kind in ATTACHED_KINDS:
            assert next(part for part in stays if type(part) is kind) in list(driver.scan(kind))
            with pytest.raises(NotFound):
                driver.get(kind, parts[kind].id)


def _parents(
    fleet: Fleet, name: str = "x", region: Region | None = None
) -> dict[type[Entity], str]:
    """Put a parent for each kind into the store, and return their ids."""
    place = region or fleet.given_region(f"region {name}")
    host = fleet.given(Host(region_id=place.id, name=f"host-{name}"))
    secret = fleet.driver.create(Secret(region_id=place.id, host_id=host.id, name="of-payload"))
    return {
        RegionReference: place.id,
        GroupReference: fleet.given(Group(region_id=place.id, name=f"group-{name}")).id,
        Secret: host.id,
        Payload: secret.id,
    }


def _part(kind: type[Entity], parent: str, name: str) -> Entity:
    if kind is RegionReference:
        return RegionReference(region_id=parent, name=name, url=_URL)
    if kind is GroupReference:
        return GroupReference(group_id=parent, name=name, url=_URL)
    if kind is Secret:
        return Secret(host_id=parent, name=name)
    return Payload(secret_id=parent, name=name, sealed="sealed")
