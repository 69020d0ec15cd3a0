"""The shape of an exported inventory: what is read, and what is refused with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from craton.errors import AlreadyExists, InvalidValue
from craton.imports.document import Document, read


def document(**groups: Any) -> Document:
    return read(json.dumps(groups).encode())


def place_of_the_fault(**groups: Any) -> str:
    with pytest.raises(InvalidValue) as caught:
        document(**groups)
    return caught.value.field


def test_groups_hosts_children_and_variables_are_read() -> None:
    found = document(
        _meta={"hostvars": {"web1": {"rack": 1}}, "profile": "inventory_legacy"},
        all={"children": ["ungrouped", "site"], "vars": {"ntp": "a"}},
        site={"children": ["web"]},
        web={"hosts": ["web1", "web2"], "vars": {"port": 80}},
    )
    assert found.variables == {"ntp": "a"}
    assert found.groups["site"].parents == set()
    assert found.groups["web"].parents == {"site"}
    assert found.groups["web"].variables == {"port": 80}
    assert found.hosts["web1"].groups == ["web"]
    assert found.hosts["web1"].variables == {"rack": 1}
    assert found.hosts["web2"].variables == {}


def test_a_name_that_is_only_mentioned_exists() -> None:
    found = document(
        _meta={"hostvars": {"alone": {}}},
        all={"children": ["empty"]},
        ungrouped={"hosts": ["loose"]},
        site={"children": ["leaf"]},
    )
    assert set(found.groups) == {"empty", "site", "leaf"}
    assert set(found.hosts) == {"alone", "loose"}


def test_a_host_of_a_group_may_stand_among_the_ungrouped_too() -> None:
    found = document(ungrouped={"hosts": ["a"]}, web={"hosts": ["a"]})
    assert found.hosts["a"].groups == ["web"]


def test_an_empty_inventory_is_one() -> None:
    assert document() == Document()
    assert document(_meta={"hostvars": {}}, all={"children": ["ungrouped"]}) == Document()


@pytest.mark.parametrize(
    ("groups", "place"),
    [
        ({"_meta": []}, "_meta"),
        ({"_meta": {"hostvars": []}}, "_meta.hostvars"),
        ({"_meta": {"hostvars": {"a": None}}}, "_meta.hostvars.a"),
        ({"_meta": {"hostvars": {}, "extra": 1}}, "_meta.extra"),
        ({"_meta": {"profile": 1}}, "_meta.profile"),
        ({"web": ["a"]}, "web"),
        ({"web": None}, "web"),
        ({"web": {"host": ["a"]}}, "web.host"),
        ({"web": {"hosts": {"a": {}}}}, "web.hosts"),
        ({"web": {"hosts": ["a", 1]}}, "web.hosts.1"),
        ({"web": {"children": [None]}}, "web.children.0"),
        ({"web": {"children": "app"}}, "web.children"),
        ({"web": {"vars": []}}, "web.vars"),
        ({"all": {"vars": None}}, "all.vars"),
        ({"all": {"children": {}}}, "all.children"),
        ({"all": {"profile": "x"}}, "all.profile"),
        ({"ungrouped": {"vars": {"a": 1}}}, "ungrouped.vars"),
        ({"ungrouped": {"vars": []}}, "ungrouped.vars"),
        ({"ungrouped": {"children": ["web"]}}, "ungrouped.children"),
        ({"web": {"children": ["ungrouped"]}}, "web.children.0"),
        ({"web": {"children": ["all"]}}, "web.children.0"),
        ({"web": {"hosts": ["ungrouped"]}}, "web.hosts.0"),
        ({"all": {"children": ["all"]}}, "all.children.0"),
        ({"web": {"hosts": ["web"]}}, "web.hosts.0"),
        ({"web": {"hosts": ["app"]}, "app": {}}, "app"),
        ({"_meta": {"hostvars": {"web": {}}}, "web": {}}, "_meta.hostvars.web"),
        ({"web": {"hosts": ["a[1:3]"]}}, "web.hosts.0"),
        ({"web": {"hosts": ["a:22"]}}, "web.hosts.0"),
        ({"web": {"hosts": ["{{ a }}"]}}, "web.hosts.0"),
        ({"web": {"hosts": ["\ud800"]}}, "web.hosts.0"),
        ({"../web": {}}, "../web"),
        ({"": {}}, ""),
        ({"__ansible_unsafe": {}}, "__ansible_unsafe"),
    ],
)
def test_what_breaks_the_shape_is_refused_at_its_place(groups: dict[str, Any], place: str) -> None:
    assert place_of_the_fault(**groups) == place


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b"null",
        b"",
        b'\xef\xbb\xbf{"web": {}}',
        b'{"web": {}, "web": {}}',
        b'{"web": {"vars": {"a": 1, "a": 2}}}',
        '{"wéb": {}}'.encode("latin-1"),
        '{"web": {}}'.encode("utf-16"),
        b'{"web": {"vars": {"a": NaN}}}',
        b'{"web": ' + b"[" * 100_000,
    ],
)
def test_what_is_not_one_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidValue):
        read(text)


def test_two_names_of_the_controller_cannot_stand_together() -> None:
    with pytest.raises(AlreadyExists, match=r"'127\.0\.0\.1'"):
        document(web={"hosts": ["localhost", "127.0.0.1"]})
