"""Lists: pages, order, filters and what is in them."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from craton.models import INVENTORY_KINDS, specs
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths

#: In the order of their code points.
IN_ORDER = ["10", "9", "A", "Z", "a", "ab", "b", "é", "\ufb00", "\U0001d4b3"]


def names(items: list[dict[str, str]]) -> list[str]:
    return [item["name"] for item in items]


def fill(paths: Paths, count: int, **fields: object) -> None:
    changes = [
        {"op": "create", "kind": "host", "value": {"name": f"h{number:04}", **fields}}
        for number in range(count)
    ]
    paths.api.post(paths.batch, {"changes": changes}, 200)


@pytest.mark.parametrize("kind", [kind.kind for kind in INVENTORY_KINDS])
def test_a_list_stands_under_the_name_of_its_collection(
    api: Client, paths: Paths, kind: str
) -> None:
    api.delete(f"/v1/tenants/{paths.tenant}?cascade=true") if kind == "tenant" else None
    if kind == "region":
        api.delete(f"/v1/regions/{paths.tenant}/{paths.region}")
    path = paths.collection(kind)
    collection = path.split("/")[2]
    assert api.get(path).json == {collection: [], "links": []}
    for name in reversed(IN_ORDER):
        api.post(path, {"name": name})
    assert names(api.get(path).json[collection]) == IN_ORDER


@pytest.mark.parametrize("limit", [1, 3, 5, 9, 10, 11])
def test_pages_hold_everything_once(api: Client, paths: Paths, limit: int) -> None:
    for name in IN_ORDER:
        paths.host(name)
    path, pages = f"{paths.hosts}?limit={limit}", []
    while path:
        page = api.get(path).json
        pages.append(names(page["hosts"]))
        path = page["links"][0]["href"] if page["links"] else ""
    assert [name for page in pages for name in page] == IN_ORDER
    assert all(len(page) == limit for page in pages[:-1])
    assert pages[-1], "a next link means that there is more"


def test_a_page_has_100_unless_asked_otherwise(api: Client, paths: Paths) -> None:
    fill(paths, 101)
    page = api.get(paths.hosts).json
    assert len(page["hosts"]) == 100
    assert len(api.get(page["links"][0]["href"]).json["hosts"]) == 1
    assert len(api.get(f"{paths.hosts}?limit=1000").json["hosts"]) == 101


def test_next_carries_every_parameter(api: Client, paths: Paths) -> None:
    fill(paths, 3, asset_id="a b&c=é", variables={"x": "1+1"})
    query = "limit=1&sort=-name&variables=true&asset_id=a+b%26c%3D%C3%A9&vars=x:1%2B1&active=true"
    seen, path = [], f"{paths.hosts}?{query}"
    while path:
        page = api.get(path).json
        seen += names(page["hosts"])
        assert page["hosts"][0]["variables"] == {"x": "1+1"}
        path = page["links"][0]["href"] if page["links"] else ""
        if path:
            carried = parse_qs(urlsplit(path).query)
            assert carried.pop("marker")
            assert carried == parse_qs(query)
    assert seen == ["h0002", "h0001", "h0000"]


def test_a_link_leads_through_whatever_the_application_is_mounted_at(
    api: Client, paths: Paths
) -> None:
    fill(paths, 2)
    answer = api.app.get(f"{paths.hosts}?limit=1", extra_environ={"SCRIPT_NAME": "/fleet"})
    assert answer.json["links"][0]["href"].startswith(f"/fleet{paths.hosts}?")


def test_variables_are_in_a_list_on_demand(api: Client, paths: Paths) -> None:
    host = paths.host("h", variables={"a": 1}, templated=["a"])
    (listed,) = api.get(paths.hosts).json["hosts"]
    assert listed == {name: value for name, value in host.items() if name != "variables"}
    assert api.get(f"{paths.hosts}?variables=false").json["hosts"] == [listed]
    assert api.get(f"{paths.hosts}?variables=true").json["hosts"] == [host]


@pytest.mark.parametrize("kind", [kind.kind for kind in INVENTORY_KINDS])
def test_every_sortable_field_sorts_both_ways(api: Client, paths: Paths, kind: str) -> None:
    path = paths.collection(kind)
    for name in ("b", "c", "a"):
        api.post(path, {"name": name, **({"priority": ord(name)} if kind == "group" else {})})
    entity = next(one for one in INVENTORY_KINDS if one.kind == kind)
    for field in (name for name, spec in specs(entity).items() if spec.sortable):
        up = api.all_of(f"{path}?sort={field}&limit=2")
        down = api.all_of(f"{path}?sort=-{field}&limit=2")
        assert len(up) >= 3
        assert up == down[::-1]
        key = [(item[field], item["id"]) for item in up]
        assert key == sorted(key)


@pytest.mark.parametrize("kind", ["tenant", "region", "group"])
def test_every_filterable_field_filters(api: Client, paths: Paths, kind: str) -> None:
    path = paths.collection(kind)
    entity = next(one for one in INVENTORY_KINDS if one.kind == kind)
    fields = [name for name, spec in specs(entity).items() if spec.filterable]
    extra = [name for name in fields if name not in {"id", "name"}]
    made = [
        api.post(path, {"name": f"n {word}", **dict.fromkeys(extra, f"x{word}")}).json
        for word in ("ä", "b", "c")
    ]
    for field in fields:
        values = [quote(item[field]) for item in made]
        one = api.get(f"{path}?{field}={values[1]}").json[entity.collection]
        assert names(one) == ["n b"], field
        either = api.get(f"{path}?{field}={values[0]}&{field}={values[2]}").json
        assert sorted(names(either[entity.collection])) == ["n c", "n ä"]
    both = f"{path}?name={quote('n b')}&id={made[0]['id']}"
    assert api.get(both).json[entity.collection] == []


def test_hosts_are_filtered_by_what_the_bundles_are(api: Client, paths: Paths) -> None:
    web = paths.group("web", variables={"tier": "front"})
    sub = paths.group("sub", parents=[web["id"]])
    paths.host("a", groups=[web["id"]], variables={"p": {"q.r": [1, {"s": "x:y"}]}})
    paths.host("b", groups=[sub["id"]], active=False, variables={"p": 1})
    paths.host("c", ip_address="10.0.0.3", asset_id="A3", variables={"tier": "back"})
    expected = {
        "name=a&name=c": ["a", "c"],
        "name=a&name=c&active=true&ip_address=10.0.0.3": ["c"],
        "active=false": ["b"],
        "asset_id=A3": ["c"],
        "group=web": ["a", "b"],
        f"group={sub['id']}": ["b"],
        r"vars=p.q\.r.1.s:%22x:y%22": ["a"],
        r"vars=p.q\.r.1.s:x:y": ["a"],
        "vars=p:1": ["b"],
        "vars=p:1.0": [],
        "vars=tier:front": [],
        "vars=tier:front&resolved=true": ["a", "b"],
        "vars=tier:back&resolved=true": ["c"],
        "vars=p:1&vars=tier:front&resolved=true": ["b"],
    }
    for query, found in expected.items():
        assert names(api.get(f"{paths.hosts}?{query}").json["hosts"]) == found, query


BAD_QUERIES = {
    "limit": ["limit=0", "limit=1001", "limit=-1", "limit=1.0", "limit=", "limit=%20", "limit=1e1",
              "limit=1&limit=2", "limit=%D9%A1", "limit=" + "9" * 5000],
    "marker": ["marker=", "marker=x", "marker=%00", "marker=W10", "marker=%C3%A9",
               "marker=1&marker=1", "marker=" + "A" * 3000],
    "sort": ["sort=", "sort=revision", "sort=--name", "sort=variables", "sort=name&sort=name"],
    "variables": ["variables=1", "variables=", "variables=True", "variables=true&variables=true"],
    "colour": ["colour=red", "limit=1&colour="],
    "Limit": ["Limit=1"],
    "name": ["name", "name=%", "name=%zz", "name=%F", "name=%ff", "name=%ed%a0%80", "name=é"],
    "?": ["%zz=1", "%ff=1"],
    "": ["=", "=1"],
}  # fmt: skip


@pytest.mark.parametrize("collection", ["tenants", "regions", "hosts", "groups"])
def test_a_malformed_parameter_names_itself(api: Client, paths: Paths, collection: str) -> None:
    path = paths.collection(collection.removesuffix("s"))
    paths.host("h")
    for parameter, queries in BAD_QUERIES.items():
        for query in queries:
            answer = api.get(f"{path}?{query}", 400).json
            assert answer["parameter"] == parameter, query


def test_malformed_host_filters_name_themselves(api: Client, paths: Paths) -> None:
    for query in ("vars=x", "vars=", "vars=:1", r"vars=a\b:1", "vars=a-b:1", "active=yes",
                  "group=nothing", "resolved=1", "resolved=true&resolved=true"):  # fmt: skip
        answer = api.get(f"{paths.hosts}?{query}", 400).json
        assert answer["parameter"] == query.split("=")[0], query


def test_a_marker_belongs_to_its_query(api: Client, paths: Paths) -> None:
    fill(paths, 3)
    other = api.post(f"/v1/regions/{paths.tenant}", {"name": "other"}).json["id"]
    href = api.get(f"{paths.hosts}?limit=1").json["links"][0]["href"]
    marker = parse_qs(urlsplit(href).query)["marker"][0]
    for path in (
        f"{paths.hosts}?sort=-name&marker={marker}",
        f"{paths.hosts}?name=h0000&marker={marker}",
        f"{paths.groups}?marker={marker}",
        f"/v1/hosts/{other}?marker={marker}",
        f"{paths.hosts}?marker={marker[:-2]}",
    ):
        answer = api.get(path, 400).json
        assert (answer["code"], answer["parameter"]) == ("invalid_page_token", "marker")
    assert api.get(f"{paths.hosts}?limit=7&variables=true&marker={marker}")


def test_the_largest_page_is_configured(configured: Callable[..., Client], paths: Paths) -> None:
    small = configured(max_limit=5)
    fill(paths, 7)
    assert len(small.get(paths.hosts).json["hosts"]) == 5
    assert small.get(f"{paths.hosts}?limit=6", 400).json["parameter"] == "limit"
    assert len(small.all_of(paths.hosts)) == 7


@pytest.mark.parametrize("sort", ["name", "-name", "created_at"])
def test_what_stands_throughout_is_on_exactly_one_page(
    api: Client, paths: Paths, sort: str
) -> None:
    fill(paths, 60)
    standing = {f"h{number:04}" for number in range(60) if number % 3}
    ids = {item["name"]: item["id"] for item in api.all_of(f"{paths.hosts}?limit=1000")}
    seen: list[str] = []
    path, step = f"{paths.hosts}?limit=7&sort={sort}", 0
    while path:
        page = api.get(path).json
        seen += names(page["hosts"])
        path = page["links"][0]["href"] if page["links"] else ""
        for number in range(step * 6, step * 6 + 6, 3):
            if f"h{number:04}" in ids:
                api.delete(f"{paths.hosts}/{ids.pop(f'h{number:04}')}")
        paths.host(f"h{step:04}-new")
        paths.host(f"a{step:04}")
        api.patch(f"{paths.hosts}/{ids['h0001']}", {"ssh_port": step + 1})
        step += 1
    assert {name for name in seen if name in standing} == standing
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("way", ["members", "filter"])
def test_a_walk_over_members_goes_on_when_a_subgroup_comes(
    api: Client, paths: Paths, way: str
) -> None:
    top = paths.group("top")
    sub = paths.group("sub", parents=[top["id"]])
    for number in range(4):
        paths.host(f"h{number}", groups=[sub["id"]])
    path = {
        "members": f"{paths.groups}/{top['id']}/hosts?recursive=true&limit=2",
        "filter": f"{paths.hosts}?group=top&limit=2",
    }[way]
    first = api.get(path).json
    late = paths.group("late", parents=[sub["id"]])
    paths.host("h9", groups=[late["id"]])
    rest = api.all_of(first["links"][0]["href"])
    assert names(first["hosts"] + rest) == ["h0", "h1", "h2", "h3", "h9"]
