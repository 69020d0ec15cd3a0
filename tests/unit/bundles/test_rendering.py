"""Variables as a bundle holds them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from craton.bundles.quoting import checked, quoted
from craton.bundles.rendering import marked, rendered, rendered_host
from craton.errors import BackendFault
from craton.jsontext import JsonValue
from craton.models import Host
from craton.variables import Variables


def host(variables: Mapping[str, object] | None = None, **fields: Any) -> Host:
    return Host(region_id="r", name="h", variables=Variables(variables), **fields)


def test_text_without_templates_passes_as_the_store_keeps_it() -> None:
    variables = Variables({"a": {"b": {"c": [1, "}} %}", "{ {"]}}})
    assert rendered(variables, ()) is variables.text


@pytest.mark.parametrize(
    "text", ["{{ x }}", "a{{", "{%", "x {# y", "#jinja2:", "#jinja2: x\ny", '"{{\\"', "\u2028{{"]
)
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: {"k": {"l": [0, x]}}])
def test_string_that_looks_like_a_template_is_marked_at_any_depth(
    text: str, wrap: Callable[[JsonValue], JsonValue]
) -> None:
    unsafe: JsonValue = {"__ansible_unsafe": text}
    variables = Variables({"data": wrap(text), "code": wrap(text), "plain": 1})
    assert json.loads(rendered(variables, ("code",))) == {
        "data": wrap(unsafe),
        "code": wrap(text),
        "plain": 1,
    }


@pytest.mark.parametrize("text", ["", "}}", "{", "{ {", " #jinja2:", "x#jinja2:", "#jinja2", "{x{"])
def test_other_strings_are_left_alone(text: str) -> None:
    assert marked(text) == text
    assert json.loads(rendered(Variables({"a": text, "b": "{{"}), ()))["a"] == text


def test_vault_value_is_not_opened_and_keys_are_not_marked() -> None:
    vault: JsonValue = {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n{{"}
    value: JsonValue = {"{{ key }}": [vault, "{{"]}
    assert marked(value) == {"{{ key }}": [vault, {"__ansible_unsafe": "{{"}]}


def test_fields_stand_in_front_of_own_variables_unless_these_have_the_name() -> None:
    fields = {"ip_address": "10.0.0.1", "ssh_port": 22, "ssh_user": "{{ u }}"}
    assert rendered_host(host()) == "{}"
    assert rendered_host(host({"a": 1})) == '{"a":1}'
    assert rendered_host(host(ssh_port=22)) == '{"ansible_port":22}'
    assert rendered_host(host({"a": {"ansible_host": 1}}, **fields)) == (
        '{"ansible_host":"10.0.0.1","ansible_port":22,'
        '"ansible_user":{"__ansible_unsafe":"{{ u }}"},"a":{"ansible_host":1}}'
    )
    own = {"ansible_host": None, "ansible_port": 1, "ansible_user": "u"}
    assert rendered_host(host(own, **fields)) == Variables(own).text


@pytest.mark.parametrize(
    "name", ["..", ".", "../x", "a/b", "/etc", "a\\b", "a\0b", "a\nb", "", "all", "x:22", "$HOME"]
)
def test_name_that_the_contract_refuses_is_not_written(name: str) -> None:
    with pytest.raises(BackendFault):
        checked(name)
    with pytest.raises(BackendFault):
        quoted(name)


@pytest.mark.parametrize("name", ["web-1.example.org", "é", "a b", '"q"', "x" * 250, "Ungrouped"])
def test_name_that_the_contract_takes_is_written(name: str) -> None:
    assert json.loads(quoted(name)) == name
