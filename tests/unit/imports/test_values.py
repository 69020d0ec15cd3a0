"""What is data stays data, what is a template is marked, and what fits a field fills it."""

from __future__ import annotations

from typing import Any

import pytest

from craton.errors import InvalidValue
from craton.imports.values import enter, enter_group, enter_host
from craton.jsontext import JsonValue

VAULT: dict[str, JsonValue] = {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n3030\n"}


def unsafe(text: str) -> dict[str, JsonValue]:
    return {"__ansible_unsafe": text}


def refusal(raw: dict[str, Any]) -> InvalidValue:
    with pytest.raises(InvalidValue) as caught:
        enter(raw, "web.vars")
    return caught.value


@pytest.mark.parametrize(
    "value",
    ["{{ a }}", "a {% if b %}", "{# c #}", "#jinja2: x\n", ["x", {"y": "{{ z }}"}], {"a": ["{{"]}],
)
def test_a_string_with_template_marks_makes_its_variable_templated(value: Any) -> None:
    entered = enter({"a": value, "b": "plain"}, "all.vars")
    assert entered.templated == ("a",)
    assert entered.variables["a"] == value


@pytest.mark.parametrize(
    "value", ["", "{ a }", "}} {", "x #jinja2:", None, True, 0, 1.5, [], {}, {"{{ key }}": 1}]
)
def test_anything_else_is_data(value: Any) -> None:
    entered = enter({"a": value}, "all.vars")
    assert entered.templated == ()
    assert entered.variables["a"] == value
    assert type(entered.variables["a"]) is type(value)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (unsafe("{{ a }}"), "{{ a }}"),
        (unsafe("plain"), "plain"),
        ([1, {"x": [unsafe("{% b %}")]}], [1, {"x": ["{% b %}"]}]),
    ],
)
def test_an_unsafe_value_enters_as_the_data_that_it_is(value: Any, data: Any) -> None:
    entered = enter({"a": value}, "all.vars")
    assert entered.variables["a"] == data
    assert entered.templated == ()


def test_data_without_marks_may_stand_beside_a_template() -> None:
    entered = enter({"a": ["{{ b }}", unsafe("plain")]}, "all.vars")
    assert entered.variables["a"] == ["{{ b }}", "plain"]
    assert entered.templated == ("a",)


def test_a_variable_that_mixes_templates_and_data_is_refused_by_name() -> None:
    assert refusal({"ok": 1, "mixed": {"a": "{{ b }}", "c": unsafe("{{ d }}")}}).field == (
        "web.vars.mixed"
    )


def test_a_vault_value_is_kept_closed() -> None:
    entered = enter({"a": VAULT, "b": [VAULT]}, "all.vars")
    assert entered.variables.decode() == {"a": VAULT, "b": [VAULT]}
    assert entered.templated == ()


def test_nobody_looks_for_templates_in_a_vault_value() -> None:
    odd: dict[str, JsonValue] = {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256;{{\n3030\n"}
    assert enter({"a": odd}, "all.vars").templated == ()


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ({"a": {**unsafe("x"), "b": 1}}, "web.vars.a"),
        ({"a": {"b": {"__ansible_unsafe": 1}}}, "web.vars.a.b"),
        ({"a": [{**VAULT, "b": 1}]}, "web.vars.a.0"),
        ({"a": {"__ansible_vault": "open"}}, "web.vars.a"),
        ({"a": {"__ansible_type": "x"}}, "web.vars.a"),
        ({"a": "\0"}, "web.vars.a"),
        ({"a": {"b": ["\ud800"]}}, "web.vars.a.b.0"),
        ({"my-name": 1}, "web.vars.my-name"),
        ({"hostvars": 1}, "web.vars.hostvars"),
        ({"ansible_group_priority": 1}, "web.vars.ansible_group_priority"),
    ],
)
def test_what_ansible_would_not_read_back_is_refused_at_its_place(
    raw: dict[str, Any], place: str
) -> None:
    assert refusal(raw).field == place


def test_nesting_has_its_limit_and_no_crash() -> None:
    value: Any = "{{ deep }}"
    for _ in range(700):
        value = [value]
    assert "deeper" in refusal({"a": value}).rule


@pytest.mark.parametrize(
    ("value", "priority"),
    [(7, 7), (-1, -1), ("2", 2), (2.9, 2), (True, 1), (unsafe("5"), 5), (" 3 ", 3)],
)
def test_a_priority_is_what_ansible_makes_of_it(value: Any, priority: int) -> None:
    entered = enter_group({"ansible_group_priority": value, "a": 1}, "web.vars")
    assert entered.fields == {"priority": priority}
    assert entered.variables.decode() == {"a": 1}


@pytest.mark.parametrize(
    "value", ["high", None, [], {}, "2.9", "", "{{ a }}", 2**31, "9" * 5000, 1e300]
)
def test_a_priority_that_ansible_would_not_take_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        enter_group({"ansible_group_priority": value}, "web.vars")
    assert caught.value.field == "web.vars.ansible_group_priority"


def test_connection_variables_fill_fields_and_are_no_variables() -> None:
    entered = enter_host(
        {"ansible_host": "2001:db8::1", "ansible_port": 22, "ansible_user": "ops", "a": 1}, "h"
    )
    assert entered.fields == {"ip_address": "2001:db8::1", "ssh_port": 22, "ssh_user": "ops"}
    assert entered.variables.decode() == {"a": 1}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ansible_host", "web1.example.com"),
        ("ansible_host", "2001:DB8::1"),
        ("ansible_host", "192.0.2.01"),
        ("ansible_host", "{{ address }}"),
        ("ansible_host", None),
        ("ansible_host", 3232235521),
        ("ansible_port", "22"),
        ("ansible_port", 22.0),
        ("ansible_port", True),
        ("ansible_port", 0),
        ("ansible_port", 65536),
        ("ansible_port", None),
        ("ansible_user", "{{ user }}"),
        ("ansible_user", ""),
        ("ansible_user", 1000),
        ("ansible_user", VAULT),
        ("ansible_user", "#jinja2: x"),
    ],
)
def test_a_connection_variable_that_does_not_fit_its_field_stays_one(
    variable: str, value: Any
) -> None:
    entered = enter_host({variable: value}, "h")
    assert entered.fields == {}
    assert entered.variables.decode() == {variable: value}


def test_a_user_that_only_looks_like_a_template_stays_a_variable() -> None:
    entered = enter_host({"ansible_user": unsafe("{{ x }}")}, "h")
    assert entered.fields == {}
    assert entered.variables.decode() == {"ansible_user": "{{ x }}"}
    assert entered.templated == ()


def test_groups_and_regions_have_no_connection_fields() -> None:
    raw: dict[str, Any] = {"ansible_host": "192.0.2.1", "ansible_port": 22, "ansible_user": "ops"}
    for entered in (enter(raw, "all.vars"), enter_group(raw, "web.vars")):
        assert entered.variables.decode() == raw
