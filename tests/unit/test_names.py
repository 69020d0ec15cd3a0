"""Names that are taken are names that Ansible itself reads back unchanged."""

from __future__ import annotations

import pytest

from craton.errors import InvalidValue
from craton.names import RESERVED_VARIABLES, check_inventory_name

TAKEN = ["web1", "web-1.example.com", "10.0.0.1", "fe80::1", "::1", "2001:db8::17", "a:b", "a b"]
TAKEN += [
    "é",
    "中",
    "\U0001f600",
    "children",
    "hosts",
    "vars",
    "plugin",
    "web.yml",
    "123",
    "on",
    "~",
]
TAKEN += ["1:2:3", "x" * 250, "-", "null", "no", "#a", "&a", "!a", "*a", "@a", "{a}", "a=b"]

REFUSED = ["", " ", " a", "a ", "a\t", "a\nb", "a\x7f", "a\u0085b", "a\u2028", "a/b", "a\\b", "a,b"]
REFUSED += ["a[1:3]", "[fe80::2]:22", "db1:5432", "abcd:1", ":1", ".", "..", "_meta", "all"]
REFUSED += ["ungrouped", "__ansible_vault", "a{{b", "a{%b", "a{#b", "x" * 251, "é" * 126]


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_that_ansible_reads_back_is_taken(name: str) -> None:
    from ansible.inventory.data import InventoryData
    from ansible.plugins.inventory.yaml import InventoryModule

    check_inventory_name(name, "name")
    plugin = InventoryModule()
    plugin.inventory = InventoryData()
    assert plugin._parse_host(name) == ([name], None)


@pytest.mark.parametrize("name", REFUSED)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidValue):
        check_inventory_name(name, "name")


def test_every_variable_that_ansible_keeps_for_itself_is_reserved() -> None:
    from ansible import constants
    from ansible._internal._templating._jinja_bits import JINJA_KEYWORDS

    assert {*constants.INTERNAL_STATIC_VARS, *JINJA_KEYWORDS} <= RESERVED_VARIABLES
