"""Variables on their own: all of them, one of them, and what Ansible sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths

KINDS = ["tenant", "region", "host", "group"]
VALUES: list[Any] = [
    None,
    True,
    0,
    1.0,
    -1.5e300,
    2**80,
    "",
    'é𝒳\u2028\t"\\',
    [],
    {},
    [[None, {"": 1}]],
    {"b": 1, "a": {"k.e:y": [1, "1", 1.0]}},
    {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n6162"},
]


def entity(paths: Paths, kind: str, **fields: object) -> str:
    """Create an entity and return its path."""
    path = paths.collection(kind)
    return f"{path}/{paths.api.post(path, {'name': 'e', **fields}).json['id']}"


@pytest.mark.parametrize("kind", KINDS)
def test_variables_are_read_and_written_as_the_bare_object(
    api: Client, paths: Paths, kind: str
) -> None:
    path = entity(paths, kind, variables={"a": 1})
    assert api.get(f"{path}/variables").json == {"a": 1}
    put = api.put(f"{path}/variables", {"c": 2, "b": [1]})
    assert put.json == {"b": [1], "c": 2}
    patched = api.patch(f"{path}/variables", {"b": None, "d": {"x": None, "y": 1}})
    assert patched.json == {"c": 2, "d": {"y": 1}}
    whole = api.get(path)
    assert whole.json["variables"] == patched.json == api.get(f"{path}/variables").json
    assert patched.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize("kind", KINDS)
def test_any_value_can_be_set_and_read_alone(api: Client, paths: Paths, kind: str) -> None:
    path = entity(paths, kind)
    for number, value in enumerate(VALUES):
        one = f"{path}/variables/v{number}"
        answer = api.put(one, value, 201) if value is not None else api.app.put(
            one, b"null", {"Content-Type": "application/json"}, status=201
        )  # fmt: skip
        assert answer.json == value
        assert type(answer.json) is type(value)
        assert api.get(one).body == answer.body
    assert api.get(f"{path}/variables").json == {f"v{n}": value for n, value in enumerate(VALUES)}
    assert api.put(f"{path}/variables/v1", False).json is False


def test_a_variable_that_is_not_there_is_not_found(api: Client, paths: Paths) -> None:
    path = entity(paths, "host", variables={"a": None})
    assert api.get(f"{path}/variables/a").json is None
    for name in ("b", "A", "groups", "a%20", "__ansible_x", "%F0%9D%92%B3", "a" * 300):
        assert api.get(f"{path}/variables/{name}", 404).json["code"] == "not_found"
        api.delete(f"{path}/variables/{name}", 404)


@pytest.mark.parametrize(
    "name", ["a-b", "1a", "groups", "__ansible_x", "é", "ansible_group_priority"]
)
def test_a_name_that_ansible_keeps_is_refused(
    api: Client, paths: Paths, name: str, state: Callable[[], list[str]]
) -> None:
    path = entity(paths, "host")
    before = state()
    for answer in (
        api.put(f"{path}/variables/{name}".replace("é", "%C3%A9"), 1, 400),
        api.put(f"{path}/variables", {name: 1}, 400),
        api.patch(f"{path}/variables", {name: 1}, 400),
        api.patch(path, {"variables": {name: 1}}, 400),
        api.post(paths.hosts, {"name": "h", "variables": {name: 1}}, 400),
    ):
        assert answer.json["field"] == f"variables.{name}"
    assert state() == before


@pytest.mark.parametrize("kind", KINDS)
def test_writing_variables_keeps_the_flags_of_those_that_stay(
    api: Client, paths: Paths, kind: str
) -> None:
    names = "abcdef"
    path = entity(paths, kind, variables=dict.fromkeys(names, "{{ x }}"), templated=list(names))

    def flags() -> list[str]:
        return list(api.get(path).json["templated"])

    api.put(f"{path}/variables/a", "{{ y }}")
    assert flags() == list("abcdef")
    api.put(f"{path}/variables/new", "{{ y }}", 201)
    assert flags() == list("abcdef"), "what is new is data"
    api.delete(f"{path}/variables/b")
    assert flags() == list("acdef")
    api.patch(f"{path}/variables", {"c": None, "d": 1})
    assert flags() == list("adef")
    api.put(f"{path}/variables", {"a": 1, "z": 1})
    assert flags() == ["a"]
    api.put(f"{path}/variables/b", "{{ x }}", 201)
    assert flags() == ["a"], "a flag does not come back with the name"


def test_writing_variables_leaves_the_other_fields_alone(api: Client, paths: Paths) -> None:
    group = paths.group("g")["id"]
    path = entity(paths, "host", ip_address="10.0.0.1", ssh_port=22, groups=[group], active=False)
    before = api.get(path).json
    api.put(f"{path}/variables", {"a": 1})
    changed = {"variables", "revision", "updated_at"}
    after = api.get(path).json
    assert {k: v for k, v in before.items() if k not in changed} == {
        k: v for k, v in after.items() if k not in changed
    }


@pytest.fixture
def layered(api: Client, paths: Paths) -> dict[str, str]:
    """The paths of a tenant, a region, a group and a host that set the same variables."""
    tenant = f"/v1/tenants/{paths.tenant}"
    region = f"/v1/regions/{paths.tenant}/{paths.region}"
    api.put(f"{tenant}/variables", {"all": 0, "t": None})
    api.put(f"{region}/variables", {"all": 1, "r": 1.0})
    group = paths.group("g", variables={"all": 2, "g": {"b": 1, "a": 2}})
    host = paths.host("h", groups=[group["id"]], ip_address="10.0.0.9", variables={"all": 3})
    return {
        "tenant": tenant,
        "region": region,
        "group": f"{paths.groups}/{group['id']}",
        "host": f"{paths.hosts}/{host['id']}",
    }


def test_effective_variables_are_what_ansible_sees(api: Client, layered: dict[str, str]) -> None:
    expected = {
        "tenant": {"all": 0, "t": None},
        "region": {"all": 1, "r": 1.0, "t": None},
        "group": {"all": 2, "g": {"b": 1, "a": 2}, "r": 1.0, "t": None},
        "host": {
            "all": 3,
            "ansible_host": "10.0.0.9",
            "g": {"b": 1, "a": 2},
            "r": 1.0,
            "t": None,
        },
    }
    for kind, values in expected.items():
        answer = api.get(f"{layered[kind]}/variables?resolved=true")
        assert answer.json == values
        assert type(answer.json.get("r", 1.0)) is float
        assert "ETag" not in answer.headers
        explained = api.get(f"{layered[kind]}/variables?resolved=true&explain=true").json
        assert {name: item["value"] for name, item in explained.items()} == values
        assert explained["all"]["source"]["kind"] == kind
        own = api.get(f"{layered[kind]}/variables?resolved=false").json
        assert own == api.get(layered[kind]).json["variables"]


def test_explanations_tell_what_was_overridden_in_order(
    api: Client, layered: dict[str, str]
) -> None:
    explained = api.get(f"{layered['host']}/variables?explain=true&resolved=true").json
    assert [source["kind"] for source in explained["all"]["overrides"]] == [
        "group",
        "region",
        "tenant",
    ]
    assert explained["ansible_host"]["source"]["field"] == "ip_address"


def test_values_beyond_64_bits_and_64_levels_are_resolved_too(api: Client, paths: Paths) -> None:
    deep: Any = 1
    for _ in range(63):
        deep = [deep]
    path = entity(paths, "host", variables={"big": 2**200, "deep": deep})
    resolved = api.get(f"{path}/variables?resolved=true").json
    assert resolved == {"big": 2**200, "deep": deep}
    assert api.get(f"{path}/variables?resolved=true&explain=true").json["big"]["value"] == 2**200


def test_an_explanation_without_resolution_is_refused(api: Client, paths: Paths) -> None:
    path = entity(paths, "host")
    for query in ("explain=true", "explain=true&resolved=false"):
        assert api.get(f"{path}/variables?{query}", 400).json["parameter"] == "explain"
