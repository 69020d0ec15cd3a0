"""GET: one entity by its id."""

from __future__ import annotations

import dataclasses

import pytest

from craton.driver import InventoryDriver
from craton.errors import NotFound
from craton.models import KINDS, Entity, Host, Region, Tenant
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet
from craton.variables import Variables

_VARIABLES = Variables({"x": None, "y": {"b": 1, "a": ["ü", 1.0]}})


def _as_given(stored: Entity, given: Entity) -> Entity:
    """Return what is stored, but for what the driver sets by itself."""
    return dataclasses.replace(
        stored,
        id=given.id,
        revision=given.revision,
        created_at=given.created_at,
        updated_at=given.updated_at,
    )


class GetClauses(Suite):
    """Reading one entity."""

    @clause("GET-1")
    def test_get_1_returns_every_field_as_stored(self, fleet: Fleet) -> None:
        parent = fleet.given(fleet.group("parent"))
        fields = {"variables": _VARIABLES, "templated": ("x", "y")}
        wanted = [
            Tenant(name="t", customer="c", project_id="p", description="d\nd", **fields),  # type: ignore[arg-type]
            Region(tenant_id=fleet.tenant.id, name="r", description="d", **fields),  # type: ignore[arg-type]
            fleet.group("g", priority=-5, parents=(parent.id,), **fields),
            fleet.host(
                "h",
                ip_address="2001:db8::1",
                ssh_port=2222,
                ssh_user="ops",
                asset_id="A-17",
                active=False,
                groups=(parent.id,),
                **fields,
            ),
        ]
        for entity in wanted:
            stored = fleet.given(entity)
            found = fleet.driver.get(type(entity), stored.id)
            assert found == stored
            assert _as_given(found, entity) == entity

    @clause("GET-1")
    def test_get_1_returns_what_was_left_out_as_its_default(self, fleet: Fleet) -> None:
        for entity in (fleet.group("g"), fleet.host("h")):
            stored = fleet.given(entity)
            found = fleet.driver.get(type(entity), stored.id)
            assert found == stored
            assert _as_given(found, entity) == entity

    @clause("GET-2")
    @pytest.mark.parametrize("kind", KINDS)
    def test_get_2_what_is_not_there_is_not_found(
        self, driver: InventoryDriver, kind: type[Entity]
    ) -> None:
        for id in ("nowhere", "NOWHERE ", "é", "'; --", "%", "x" * 300, "a\nb"):
            with pytest.raises(NotFound) as caught:
                driver.get(kind, id)
            assert (caught.value.kind, caught.value.id) == (kind.kind, id)

    @clause("GET-2")
    def test_get_2_an_id_of_another_kind_is_not_found(self, fleet: Fleet) -> None:
        with pytest.raises(NotFound):
            fleet.driver.get(Host, fleet.region.id)
        with pytest.raises(NotFound):
            fleet.driver.get(Region, fleet.tenant.id)

    @clause("GET-2")
    def test_get_2_an_id_is_compared_by_code_point(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h", id="Abc"))
        for id in (host.id.swapcase(), host.id + " ", " " + host.id):
            if id != host.id:
                with pytest.raises(NotFound):
                    fleet.driver.get(Host, id)

    @clause("GET-3")
    def test_get_3_what_is_done_with_an_entity_changes_nothing(self, fleet: Fleet) -> None:
        inside: dict[str, object] = {"list": [1, 2], "more": {"a": 1}}
        host = fleet.given(fleet.host("h", variables=Variables({"v": inside})))
        inside["list"] = "changed"
        found = fleet.driver.get(Host, host.id).variables
        found.decode()["v"] = "changed"
        value = found["v"]
        assert isinstance(value, dict)
        value.clear()
        assert fleet.driver.get(Host, host.id) == host
        assert host.variables["v"] == {"list": [1, 2], "more": {"a": 1}}
