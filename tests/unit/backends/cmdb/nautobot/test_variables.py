"""The variables of a host, and what makes none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from craton.backends.cmdb.nautobot.variables import UnfitError, host_variables
from tests.unit.backends.cmdb.nautobot.conftest import Configure


def row(context: Any = None, **fields: Any) -> dict[str, Any]:
    return {"config_context": context, "_custom_field_data": fields or None}


def test_context_and_custom_fields_become_variables(configure: Configure) -> None:
    found = host_variables(row({"ntp": ["a"], "n": 1.0}, owner="me", unset=None), configure())
    assert json.loads(found.text) == {"ntp": ["a"], "n": 1.0, "cf_owner": "me"}
    assert '"n":1.0' in found.text


def test_nothing_makes_no_variables(configure: Configure) -> None:
    assert not host_variables(row(), configure())


def test_null_in_a_context_is_a_value(configure: Configure) -> None:
    assert host_variables(row({"gateway": None}), configure()).decode() == {"gateway": None}


def test_a_custom_field_that_fills_a_field_makes_no_variable(configure: Configure) -> None:
    options = configure(fields="ssh_port:port,project_id:owner")
    assert host_variables(row(None, port=22, owner="me"), options).decode() == {"cf_owner": "me"}


def test_the_whole_context_may_be_one_variable(configure: Configure) -> None:
    options = configure(context_variable="context")
    found = host_variables(row({"ntp-servers": [1]}), options)
    assert found.decode() == {"context": {"ntp-servers": [1]}}


@pytest.mark.parametrize("name", ["ntp-servers", "hostvars", "", "1st", "gro\u00df"])
def test_a_name_that_ansible_refuses_is_said_unless_it_is_ignored(
    configure: Configure, name: str
) -> None:
    with pytest.raises(UnfitError, match="rename it"):
        host_variables(row({name: 1, "b": 2}), configure())
    if name:
        options = configure(ignored_variables=name)
        assert host_variables(row({name: 1, "b": 2}), options).decode() == {"b": 2}


def test_two_variables_of_one_name_are_said(configure: Configure) -> None:
    with pytest.raises(UnfitError, match="'cf_owner'"):
        host_variables(row({"cf_owner": 1}, owner=2), configure())


def test_a_value_that_is_no_json_is_said(configure: Configure) -> None:
    with pytest.raises(UnfitError):
        host_variables(row({"n": float("nan")}), configure())
