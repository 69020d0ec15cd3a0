"""Between entities and rows."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta

import pytest

from craton import jsontext
from craton.backends.sql.rows import (
    changed_members,
    from_milliseconds,
    reader_of,
    to_milliseconds,
    value_checksum,
    writer_of,
)
from craton.backends.sql.schema import TABLES
from craton.models import (
    KINDS,
    ChangeRecord,
    Entity,
    Group,
    GroupReference,
    Host,
    Payload,
    Record,
    Region,
    RegionReference,
    Secret,
    Tenant,
    specs,
)
from craton.variables import Variables

NOON = datetime(2026, 1, 1, 12, 0, 0, 123000, UTC)

ENTITIES = [
    RegionReference(id="a", revision="1", region_id="r", name="a", url="https://example.org/a"),
    GroupReference(
        id="a",
        revision="1",
        region_id="r",
        group_id="g",
        name="a",
        url="git+https://x/y",
        sha256="0" * 64,
    ),
    Secret(
        id="s",
        revision="1",
        region_id="r",
        host_id="h",
        name="key",
        variable="v",
        details=Variables({"a": 1}),
    ),
    Payload(id="p", revision="1", secret_id="s", sealed="sealed"),
    Record(id="m", revision="1", created_at=NOON, updated_at=NOON, name="a/b", value="{}"),
    ChangeRecord(
        id="c",
        revision="1",
        created_at=NOON,
        updated_at=NOON,
        name="2026",
        region_id="r",
        operation="replace",
        entity_kind="host",
        entity_id="h",
        fields=("name", "variables.a"),
        digest_after="0" * 64,
        user_id="é",
    ),
    Tenant(id="t", revision="1", created_at=NOON, updated_at=NOON, name="t", project_id="p"),
    Region(id="r", revision="1", tenant_id="t", name="r", description="d"),
    Group(id="g", revision="1", region_id="r", name="g", priority=-3, parents=("a", "b,c")),
    Host(
        id="h",
        revision="1",
        region_id="r",
        name="h",
        active=False,
        ssh_port=22,
        groups=("g",),
        variables=Variables({"b": [1, {"z": 1, "a": 2}], "a": "é"}),
        templated=("a", "b"),
    ),
]


def as_row(entity: Entity) -> list[object]:
    """What a statement answers: the columns, and the strings that the database puts together."""
    tables = TABLES[type(entity)]
    columns = dict(zip(tables.scalars, writer_of(tables)(entity), strict=True))
    for name in tables.links:
        columns[name] = "/".join(getattr(entity, name)) or None
    for name in tables.variables:
        columns[name] = getattr(entity, name).text[1:-1] or None
    return [columns[name] for name in specs(type(entity))]


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.kind)
def test_an_entity_comes_back_as_it_was(entity: Entity) -> None:
    made = reader_of(type(entity))(as_row(entity))
    assert made == entity
    assert repr(made) == repr(entity)
    assert hash(made) == hash(entity)


def test_every_kind_is_tested() -> None:
    assert {type(entity) for entity in ENTITIES} == set(KINDS)


@pytest.mark.parametrize(
    "moment",
    [
        datetime.fromtimestamp(0, UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999000, UTC),
        datetime(1, 1, 1, 0, 0, 0, 1000, UTC),
        *(NOON + timedelta(milliseconds=number) for number in range(20)),
    ],
)
def test_no_millisecond_is_lost(moment: datetime) -> None:
    assert from_milliseconds(to_milliseconds(moment)) == moment


@pytest.mark.parametrize(
    "value", [1, 1.0, True, None, "1", "{", [1, "{"], {"b": 1, "a": [{"d": 1, "c": 2}]}, 2**70]
)
def test_the_checksum_is_that_of_the_comparable_form(value: object) -> None:
    comparable = jsontext.comparable(value)
    assert value_checksum(jsontext.encode(value)) == zlib.crc32(comparable.encode())


def test_only_what_changed_is_written() -> None:
    gone, come = changed_members({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "4", "d": "5"})
    assert gone == ["b", "c"]
    assert come == {"b": "4", "d": "5"}
