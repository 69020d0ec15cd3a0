"""Regions made by hand: each holds one trap of Ansible's, in the smallest form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any, TypeVar

from craton import config
from craton.backends.memory.driver import MemoryDriver
from craton.driver import Create
from craton.models import Group, Host, Region, Tenant
from craton.variables import Variables
from tests.oracle.regions import (
    E_COMPOSED,
    E_DECOMPOSED,
    NUMBERS,
    STRINGS,
    TEMPLATES,
    VAULT,
    Fleet,
)

M = TypeVar("M", Group, Host)


def fleet(
    groups: Iterable[Mapping[str, Any]] = (),
    hosts: Iterable[Mapping[str, Any]] = (),
    tenant: Mapping[str, object] | None = None,
    region: Mapping[str, object] | None = None,
) -> Fleet:
    """Return a region. Groups and hosts are keyword arguments; a group's id is its name."""
    driver = MemoryDriver(config.settings(files=[]))
    driver.open()
    owner = driver.create(Tenant(name="tenant", variables=Variables(tenant)))
    home = driver.create(Region(name="region", tenant_id=owner.id, variables=Variables(region)))
    made_groups = tuple(_group(home, **group) for group in groups)
    made_hosts = tuple(_made(Host, home, **host) for host in hosts)
    driver.apply(Create(entity=entity) for entity in (*made_groups, *made_hosts))
    return Fleet(driver=driver, tenant=owner, region=home, groups=made_groups, hosts=made_hosts)


def _group(region: Region, *, name: str, **fields: Any) -> Group:
    return _made(Group, region, id=f"id of {name}"[:64], name=name, **fields)


def _made(kind: type[M], region: Region, **fields: Any) -> M:
    for links in ("groups", "parents"):
        if links in fields:
            fields[links] = tuple(f"id of {name}"[:64] for name in fields[links])
    fields["variables"] = Variables(fields.get("variables"))
    return kind(region_id=region.id, **fields)


def names_at_one_depth() -> Fleet:
    names = (
        "Z",
        "a",
        "z",
        "aaa",
        "zzz",
        "B",
        "b",
        "e",
        "f",
        E_COMPOSED,
        E_DECOMPOSED,
        "\U0001f600",
    )
    return fleet(
        groups=[{"name": name, "variables": {"winner": name}} for name in names],
        hosts=[
            {"name": f"host{number}", "groups": pair}
            for number, pair in enumerate(combinations(names, 2))
        ],
    )


def priorities_at_one_depth() -> Fleet:
    priorities = {"a": 5, "b": 1, "c": 0, "d": -(2**31), "e": 2**31 - 1}
    return fleet(
        groups=[
            {"name": name, "priority": priority, "variables": {"winner": name}}
            for name, priority in priorities.items()
        ],
        hosts=[
            {"name": f"host{number}", "groups": pair}
            for number, pair in enumerate(combinations(priorities, 2))
        ],
    )


def parent_of_high_priority() -> Fleet:
    return fleet(
        groups=[
            {"name": "parent", "priority": 99, "variables": {"winner": "parent"}},
            {"name": "child", "parents": ["parent"], "variables": {"winner": "child"}},
        ],
        hosts=[{"name": "host", "groups": ["child"]}],
    )


def diamond_with_a_long_side() -> Fleet:
    return fleet(
        groups=[
            {"name": "top"},
            {"name": "side", "parents": ["top"]},
            {"name": "both", "parents": ["top", "side"], "variables": {"winner": "both"}},
            {"name": "rival", "parents": ["top"], "variables": {"winner": "rival"}},
        ],
        hosts=[{"name": "host", "groups": ["both", "rival"]}],
    )


def dicts_in_every_layer() -> Fleet:
    return fleet(
        tenant={"d": {"tenant": 1}},
        region={"d": {"region": 1}, "e": {"region": 1}},
        groups=[{"name": "group", "variables": {"d": {"group": 1}, "e": {"group": 1}}}],
        hosts=[
            {"name": "grouped", "groups": ["group"], "variables": {"d": {"host": 1}}},
            {"name": "alone"},
        ],
    )


def parent_beats_all() -> Fleet:
    return fleet(
        region={"winner": "region"},
        groups=[
            {"name": "parent", "variables": {"winner": "parent"}},
            {"name": "child", "parents": ["parent"]},
        ],
        hosts=[{"name": "host", "groups": ["child"]}],
    )


def groups_named_like_files() -> Fleet:
    shadows = ("all.yml", "ungrouped.json", "web.yml", "web.yaml", "web.json", "web.yml.json")
    return fleet(
        groups=[{"name": "web"}, *({"name": name, "variables": {"x": name}} for name in shadows)],
        hosts=[{"name": "in web", "groups": ["web"]}, {"name": "alone"}],
    )


def hosts_named_like_prefixes() -> Fleet:
    names = ("web", "web 1", "web!", "web+", "web-1", "web.", "web.json", "web.a", "web0")
    return fleet(hosts=[{"name": name, "variables": {"x": name}} for name in names])


def groups_in_a_long_chain() -> Fleet:
    names = [f"group{number:03}" for number in range(130)]
    return fleet(
        groups=[
            {"name": name, "parents": names[:number][-1:], "variables": {"x": number}}
            for number, name in enumerate(names)
        ],
        hosts=[
            {"name": "last", "groups": names[-1:]},
            {"name": "both", "groups": [names[0], names[-1]]},
        ],
    )


def nothing_at_all() -> Fleet:
    return fleet()


def groups_without_hosts() -> Fleet:
    return fleet(
        groups=[
            {"name": "empty"},
            {"name": "parent", "variables": {"x": 1}},
            {"name": "child", "priority": 7, "parents": ["parent"]},
        ]
    )


def fields_and_variables() -> Fleet:
    fields = {"ip_address": "10.0.0.1", "ssh_port": 22, "ssh_user": "{{ user }}"}
    own = {"ansible_host": "own", "ansible_port": 1, "ansible_user": "own"}
    return fleet(
        tenant=dict.fromkeys(own, "tenant"),
        hosts=[
            {"name": "fields", **fields},
            {"name": "own", **fields, "variables": own},
            {"name": "inside", **fields, "variables": {"x": own}},
            {"name": "neither"},
        ],
    )


def data_that_looks_like_code() -> Fleet:
    strings = [*TEMPLATES, *STRINGS]
    nested = {"list": [*TEMPLATES, [TEMPLATES[0]], {"{{ key }}": TEMPLATES[0]}]}
    vault = {"__ansible_vault": VAULT + TEMPLATES[0]}
    variables: dict[str, object] = {f"v{number}": text for number, text in enumerate(strings)}
    variables |= {"nested": nested, "vault": vault, "list": [vault, *TEMPLATES]}
    return fleet(
        tenant=variables,
        region={"region": variables},
        groups=[
            {"name": "data", "variables": variables},
            {"name": "code", "variables": variables, "templated": tuple(variables)},
        ],
        hosts=[
            {"name": "in data", "groups": ["data"]},
            {"name": "in code", "groups": ["code"]},
            {"name": "own data", "variables": variables, "ssh_user": TEMPLATES[0]},
            {"name": "own code", "variables": variables, "templated": tuple(variables)},
            {"name": "header", "variables": {"header": TEMPLATES[4]}},
            {"name": "statement", "variables": {"statement": TEMPLATES[2]}},
        ],
    )


def values_of_every_type() -> Fleet:
    numbers = {f"n{number}": value for number, value in enumerate(NUMBERS)}
    others: dict[str, object] = {
        "a": None,
        "b": True,
        "c": False,
        "list": [],
        "object": {},
        "empty": "",
    }
    unsorted = {"z": {"b": 1, "a": [1, 1.0, True, "1"]}, "a": 2, "\u00e9": 3}
    variables = numbers | others | {"unsorted": unsorted}
    return fleet(
        tenant=variables,
        groups=[{"name": "group", "variables": {"inside": variables}}],
        hosts=[
            {"name": "grouped", "groups": ["group"]},
            {"name": "alone", "variables": {name: [value] for name, value in variables.items()}},
        ],
    )


def inactive_host() -> Fleet:
    return fleet(
        groups=[{"name": "group"}],
        hosts=[
            {"name": "active", "groups": ["group"]},
            {"name": "inactive", "groups": ["group"], "active": False},
        ],
    )


TRAPS = (
    names_at_one_depth,
    priorities_at_one_depth,
    parent_of_high_priority,
    diamond_with_a_long_side,
    dicts_in_every_layer,
    parent_beats_all,
    groups_named_like_files,
    hosts_named_like_prefixes,
    groups_in_a_long_chain,
    nothing_at_all,
    groups_without_hosts,
    fields_and_variables,
    data_that_looks_like_code,
    values_of_every_type,
    inactive_host,
)
