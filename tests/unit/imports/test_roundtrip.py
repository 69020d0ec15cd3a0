"""Whatever a region held before, after an import it exports as the document that came in."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from craton import config
from craton.backends.memory.driver import MemoryDriver
from craton.imports import import_inventory
from craton.models import Group, Host, Region, Tenant

NAMES = ("a", "b", "c-d", "é", "Z", "10.0.0.1", "2001:db8::1", "n n", "x.example.com", "localhost")
VARIABLES = ("alpha", "beta", "_c", "ansible_connection")

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
plain = text.filter(lambda value: "{" not in value and not value.startswith("#jinja2:"))
scalar = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
marked = st.sampled_from(["{{ a }}", "{% b", "x{#", "#jinja2:"])


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3),
        max_leaves=6,
    )


vault = st.just({"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n6162\n"})
data = nested(scalar | plain | vault | marked.map(lambda value: {"__ansible_unsafe": value}))
templates = nested(scalar | plain | vault | marked)
variables = st.dictionaries(st.sampled_from(VARIABLES), data | templates, max_size=3)
connection = st.fixed_dictionaries(
    {},
    optional={
        "ansible_host": st.sampled_from(["192.0.2.1", "2001:db8::2", "web.example.com", "{{ h }}"]),
        "ansible_port": st.sampled_from([22, 65535, 0, "22", 22.0, True]),
        "ansible_user": st.sampled_from(["ops", "{{ u }}", {"__ansible_unsafe": "{{ u }}"}, ""]),
    },
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.permutations(NAMES))
    split = draw(st.integers(0, len(names)))
    groups, hosts = names[:split], names[split:]
    document: dict[str, Any] = {"_meta": {"hostvars": {}}}
    for position, name in enumerate(groups):
        members: dict[str, Any] = {
            "hosts": draw(st.lists(st.sampled_from(hosts), unique=True)) if hosts else [],
            "children": [child for child in groups[position + 1 :] if draw(st.booleans())],
            "vars": draw(variables),
        }
        if draw(st.booleans()):
            members["vars"]["ansible_group_priority"] = draw(st.sampled_from([-3, 0, 7]))
        document[name] = members
    for name in hosts:
        document["_meta"]["hostvars"][name] = {**draw(variables), **draw(connection)}
    document["all"] = {"vars": draw(variables)}
    return document


def enter(driver: MemoryDriver, region: Region, document: dict[str, Any]) -> None:
    import_inventory(driver, region.id, json.dumps(document).encode(), mode="replace")


def exported(driver: MemoryDriver, region_id: str) -> dict[str, Any]:
    """Write a region as ``ansible-inventory --export`` would; the test's own words."""
    groups, hosts = list(driver.scan(Group)), list(driver.scan(Host))
    region = driver.get(Region, region_id)
    document: dict[str, Any] = {
        "_meta": {"hostvars": {host.name: wrapped(host) for host in hosts}},
        "all": {"vars": wrapped(region)},
    }
    for host in hosts:
        own = document["_meta"]["hostvars"][host.name]
        for field, variable in (
            ("ip_address", "ansible_host"),
            ("ssh_port", "ansible_port"),
            ("ssh_user", "ansible_user"),
        ):
            if getattr(host, field) is not None:
                assert variable not in own
                own[variable] = getattr(host, field)
    for group in groups:
        priority = {} if group.priority == 1 else {"ansible_group_priority": group.priority}
        document[group.name] = {
            "hosts": [host.name for host in hosts if group.id in host.groups],
            "children": [child.name for child in groups if group.id in child.parents],
            "vars": {**wrapped(group), **priority},
        }
    return document


def wrapped(owner: Region | Group | Host) -> dict[str, Any]:
    return {
        name: value if name in owner.templated else unsafe(value)
        for name, value in owner.variables.decode().items()
    }


def unsafe(value: Any) -> Any:
    if isinstance(value, str) and ("{" in value or value.startswith("#jinja2:")):
        return {"__ansible_unsafe": value}
    if isinstance(value, list):
        return [unsafe(item) for item in value]
    if isinstance(value, dict):
        return {key: unsafe(item) for key, item in value.items()}
    return value


def normal(document: dict[str, Any]) -> str:
    """Order what has no order; JSON text keeps 1, 1.0 and true apart."""
    for members in document.values():
        for key in ("hosts", "children"):
            if key in members:
                members[key] = sorted(members[key])
    return json.dumps(document, sort_keys=True)


@settings(deadline=None, max_examples=60)
@given(documents(), documents())
def test_replace_makes_any_region_export_as_the_document(
    before: dict[str, Any], document: dict[str, Any]
) -> None:
    driver = MemoryDriver(config.settings(files=[]))
    tenant = driver.create(Tenant(name="t"))
    region = driver.create(Region(tenant_id=tenant.id, name="r"))
    enter(driver, region, before)
    enter(driver, region, document)
    assert normal(exported(driver, region.id)) == normal(document)
