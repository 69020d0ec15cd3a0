"""Hostile bodies on every route that takes one: refused by name, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from craton.fields import Flag, Integer, Links, Spec, Text, VariableMap, VariableNames
from craton.models import INVENTORY_KINDS, Entity, parent_field, specs
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths


class Target(NamedTuple):
    """A route that takes a body, and bodies that it would take."""

    method: str
    path: str
    good: Any
    kind: type[Entity] | None = None
    part: str = ""
    success: int = 200


def targets(paths: Paths) -> Iterator[Target]:
    """Yield every route that takes a body, on entities that exist."""
    for kind in INVENTORY_KINDS:
        collection = paths.collection(kind.kind)
        made = paths.api.post(collection, {"name": f"{kind.kind}-old"}).json
        item = f"{collection}/{made['id']}"
        yield Target("POST", collection, {"name": f"{kind.kind}-new"}, kind, success=201)
        yield Target("PUT", item, {"name": f"{kind.kind}-put"}, kind)
        yield Target("PATCH", item, {"name": f"{kind.kind}-patched"}, kind)
        yield Target("PUT", f"{item}/variables", {"a": 1}, part="variables")
        yield Target("PATCH", f"{item}/variables", {"a": 2}, part="variables")
        yield Target("PUT", f"{item}/variables/b", 1, part="value", success=201)
    yield Target("POST", paths.inventory, {"_meta": {"hostvars": {}}, "all": {}}, part="import")
    yield Target("POST", paths.batch, {"changes": []}, part="batch")


#: Bodies that are no JSON, or not JSON as Craton reads it.
NOT_JSON: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n",
    "word": b"name",
    "half": b'{"name": "x"',
    "two": b'{"name": "x"} {}',
    "comma": b'{"name": "x",}',
    "quotes": b"{'name': 'x'}",
    "form": b"name=x",
    "xml": b"<name>x</name>",
    "mark": b'\xef\xbb\xbf{"name": "x"}',
    "utf-16": '{"name": "x"}'.encode("utf-16"),
    "utf-32": '{"name": "x"}'.encode("utf-32"),
    "latin-1": '{"name": "é"}'.encode("latin-1"),
    "utf-8 surrogate": b'{"name": "\xed\xa0\x80"}',
    "overlong": b'{"name": "\xc0\xaf"}',
    "NUL": b"\0",
    "control": b'{"name": "a\x01b"}',
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": -Infinity}',
    "1e999": b'{"name": 1e999}',
    "digits": b'{"name": ' + b"9" * 4301 + b"}",
    "twice": b'{"name": "x", "name": "y"}',
    "twice inside": b'{"variables": {"a": 1, "a": 2}}',
    "arrays": b"[" * 10_000 + b"]" * 10_000,
    "objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "half arrays": b"[" * 100_000,
}

#: JSON that is not an object.
NO_OBJECT: dict[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "number": b"5",
    "float": b"1.5e3",
    "string": b'"name"',
    "list": b"[]",
    "list of object": b'[{"name": "x"}]',
    "ten megabytes": b'"' + b"x" * 10_000_000 + b'"',
}


def wrong_values(spec: Spec) -> Iterator[Any]:
    """Yield values that a field of this description cannot hold."""
    if not spec.optional:
        yield None
    yield from ({}, {"a": {"b": 1}}) if not isinstance(spec, VariableMap) else ()
    yield from ([], [[]], ["x"]) if not isinstance(spec, Links | VariableNames) else ()
    yield from ("x", "") if not isinstance(spec, Text) else ()
    yield from (True, False) if not isinstance(spec, Flag) else ()
    yield from (0, 1, -1, 2**70) if not isinstance(spec, Integer) else ()
    yield from (1.0, 1e300)
    match spec:
        case Text():
            yield from ("x" * (spec.max_length + 1), "a\0b", "\ud800", "x" * 1_000_000)
            if spec.min_length:
                yield ""
        case Integer():
            yield from (spec.minimum - 1, spec.maximum + 1, "1", "0x1", 10**4000)
        case Links():
            yield from ([None], [1], [["x"]], [{}], ["nothing"], ["\0"], ["\ud800"], ["x" * 65])
        case VariableNames():
            yield from ([None], [1], [["x"]], ["nothing"], ["\ud800"])
        case VariableMap():
            yield from ({"a-b": 1}, {"": 1}, {"groups": 1}, {"__ansible_x": 1}, {"a": "\0"})
            yield from ({"a": "\ud800"}, {"a": {"\ud800": 1}}, {"a": {"__ansible_unsafe": "x"}})
            yield {"a": {"__ansible_vault": "no"}}
            yield {"a": json.loads("[" * 65 + "]" * 65)}


def hostile_bodies(target: Target) -> Iterator[tuple[str, bytes, str | None]]:
    """Yield bodies that the route must refuse, each with the field to be named, if that is sure."""
    for name, raw in NOT_JSON.items():
        yield name, raw, None
    if target.part != "value":
        for name, raw in NO_OBJECT.items():
            yield name, raw, None
        yield "unknown", b'{"colour-of": 1}', None
        yield "surrogate", b'{"\\ud800": 1}', None
        yield "NUL in a name", b'{"\\u0000": 1}', None
    if target.part in {"variables", "value"}:
        for value in ("\0", "\ud800", {"__ansible_unsafe": 1}, json.loads("[" * 65 + "]" * 65)):
            body = value if target.part == "value" else {"a": value}
            yield repr(value)[:40], json.dumps(body).encode(), None
    if target.part == "variables":
        for name in ("a-b", "", "groups", "x" * 251, "é"):
            yield name[:20], json.dumps({name: 1}).encode(), f"variables.{name}"
    if target.kind is not None:
        yield from hostile_fields(target, target.kind)


def hostile_fields(target: Target, kind: type[Entity]) -> Iterator[tuple[str, bytes, str | None]]:
    for field, spec in specs(kind).items():
        if spec.read_only or field == parent_field(kind):
            continue
        for value in wrong_values(spec):
            if target.method == "PATCH" and (value is None or isinstance(value, dict)):
                continue  # removes or merges
            body = json.dumps({**target.good, field: value}).encode()
            yield f"{field}={str(value)[:40]!a}", body, field


def test_hostile_bodies_are_refused_and_write_nothing(
    api: Client, paths: Paths, state: Callable[[], list[str]]
) -> None:
    routes = list(targets(paths))
    assert len(routes) == 26
    for target in routes:
        before = state()
        for name, raw, field in hostile_bodies(target):
            answer = api.request(target.method, target.path, raw=raw)
            told = f"{target.method} {target.path} {name}: {answer.text[:300]}"
            assert 400 <= answer.status_int < 500, told
            assert answer.status_int in {400, 413}, told
            assert answer.json.get("field"), told
            if field is not None:
                assert answer.json["field"].startswith(field[:20]), told
        assert state() == before, target
        answer = api.request(target.method, target.path, target.good)
        assert answer.status_int == target.success, "it was the body that was refused"


def test_what_is_good_for_a_variable_is_good_at_any_size(api: Client, paths: Paths) -> None:
    host = f"{paths.hosts}/{paths.host('h')['id']}"
    big = "x" * 10_000_000
    assert api.put(f"{host}/variables/big", big, 201).json == big
    assert api.put(f"{host}/variables/deep", json.loads("[" * 64 + "]" * 64), 201)
    digits = int("9" * 4299)
    assert api.put(f"{host}/variables/digits", digits, 201).json == digits
    assert api.get(host).json["variables"]["digits"] == digits


def test_a_deep_patch_is_refused(api: Client, paths: Paths, state: Callable[[], list[str]]) -> None:
    host = f"{paths.hosts}/{paths.host('h', variables={'a': {}})['id']}"
    before = state()
    for depth in (66, 200, 900):
        patch = b'{"a":' * depth + b"1" + b"}" * depth
        for path, raw in (
            (f"{host}/variables", patch),
            (host, b'{"variables":' + patch + b"}"),
            (host, b'{"groups":' + patch + b"}"),
        ):
            answer = api.request("PATCH", path, raw=raw)
            assert answer.status_int == 400
            assert answer.json["field"]
    assert state() == before


def test_duplicate_keys_are_refused_at_any_depth(api: Client, paths: Paths) -> None:
    host = f"{paths.hosts}/{paths.host('h')['id']}"
    raw = b'{"variables": {"a": [{"b": {"c": 1, "c": 1}}]}}'
    answer = api.request("PATCH", host, raw=raw)
    assert answer.status_int == 400
    assert "'c'" in answer.json["detail"]


@pytest.mark.parametrize("query", ["colour=1", "%zz=1", "a=%ff", "a", "limit=1"])
def test_every_route_refuses_parameters_that_it_does_not_know(
    api: Client, paths: Paths, query: str, state: Callable[[], list[str]]
) -> None:
    host, group = paths.host("h")["id"], paths.group("g")["id"]
    routes = [
        *((target.method, target.path, target.good) for target in targets(paths)),
        *(("GET", path, None) for path in ("/", "/v1", "/healthcheck", "/metrics",
                                           "/v1/capabilities", "/v1/openapi.json")),
        *((method, f"{paths.hosts}/{host}{part}", None)
          for method in ("GET", "DELETE") for part in ("", "/variables/a")),
        *((method, f"{paths.groups}/{group}/hosts/{host}", None) for method in ("PUT", "DELETE")),
        ("GET", f"{paths.hosts}/{host}/variables", None),
        ("GET", f"{paths.inventory}.tgz", None),
        ("HEAD", f"{paths.hosts}/{host}", None),
    ]  # fmt: skip
    before = state()
    for method, path, body in routes:
        answer = api.request(method, f"{path}?{query}", body)
        assert answer.status_int == 400, (method, path)
        if method != "HEAD":
            assert answer.json["parameter"] == {"%zz=1": "?"}.get(query, query.split("=")[0])
    assert state() == before
