"""Bodies: what WSME is lenient about is not let through."""

from __future__ import annotations

import pytest

from craton.api.representation import document, field_order
from craton.api.schema import schema_of
from craton.api.types import BODIES, entity_from
from craton.errors import InvalidValue
from craton.fields import Spec
from craton.jsontext import JsonValue
from craton.models import INVENTORY_KINDS, Entity, Group, Host, Region, specs
from craton.variables import Variables


@pytest.mark.parametrize("body", [None, [], [{"name": "x"}], "x", 5, True, 1.5])
def test_a_body_must_be_an_object(body: JsonValue) -> None:
    with pytest.raises(InvalidValue) as caught:
        entity_from(Region, body, parent="t")
    assert caught.value.field == "body"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", None),
        ("name", 5),
        ("name", ["x"]),
        ("ssh_port", "22"),
        ("ssh_port", 22.0),
        ("ssh_port", True),
        ("active", 1),
        ("active", "true"),
        ("active", None),
        ("groups", "g"),
        ("groups", None),
        ("groups", {"g": 1}),
        ("groups", [["g"]]),
        ("variables", []),
        ("variables", None),
        ("variables", "{}"),
        ("templated", {"a": 1}),
        ("templated", [None]),
    ],
)
def test_nothing_is_converted(field: str, value: JsonValue) -> None:
    with pytest.raises(InvalidValue) as caught:
        entity_from(Host, {"name": "h", field: value}, parent="r")
    assert caught.value.field.partition(".")[0] == field


def test_a_body_becomes_an_entity() -> None:
    body: dict[str, JsonValue] = {
        "name": "h",
        "ssh_port": 22,
        "groups": ["b", "a"],
        "variables": {"b": 1, "a": None},
        "revision": {"any": "thing"},
        "created_at": None,
    }
    assert entity_from(Host, body, id="i", parent="r") == Host(
        id="i",
        region_id="r",
        name="h",
        ssh_port=22,
        groups=("b", "a"),
        variables=Variables({"a": None, "b": 1}),
    )


def test_every_unknown_field_is_named() -> None:
    with pytest.raises(InvalidValue) as caught:
        entity_from(Group, {"name": "g", "b": 1, "a": 1}, parent="r")
    assert caught.value.field == "a, b"


@pytest.mark.parametrize("kind", INVENTORY_KINDS)
def test_each_field_is_read_written_and_described(kind: type[Entity]) -> None:
    assert set(field_order(kind)) == set(specs(kind))
    assert field_order(kind)[0] == "id"
    assert field_order(kind)[-3:] == ("revision", "created_at", "updated_at")
    assert all(schema_of(spec) for spec in specs(kind).values())
    assert kind in BODIES


def test_a_document_is_in_the_order_for_readers() -> None:
    host = Host(id="i", region_id="r", name="h")
    assert tuple(document(host)) == field_order(Host)
    assert tuple(document(host, variables=False)) == tuple(
        name for name in field_order(Host) if name != "variables"
    )


def test_a_field_of_a_new_description_has_no_schema_by_chance() -> None:
    class Unheard(Spec):
        def _check(self, value: object, field: str) -> None:
            return

    with pytest.raises(TypeError, match="Unheard"):
        schema_of(Unheard(help=""))
