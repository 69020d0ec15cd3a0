"""The sample policy is what the rules say today, and the rules are those of the routes."""

from __future__ import annotations

from pathlib import Path

import pytest
from oslo_policy import generator

from craton import config
from craton.api.auth import rules
from craton.api.auth.tenancy import Tenancy
from craton.api.limits import Limits
from craton.api.routes import Route, table
from craton.backends.memory.driver import MemoryDriver
from craton.errors import ConfigurationError

ETC = Path(__file__).parents[2] / "etc/craton"


def routes() -> dict[tuple[str, str], Route]:
    return table(Limits.of(config.settings(files=[])))


def test_the_sample_policy_is_current(tmp_path: Path) -> None:
    made = tmp_path / "policy.yaml.sample"
    options = ("--config-file", str(ETC / "policy-generator.conf"), "--output-file", str(made))
    generator.generate_sample(list(options))
    assert made.read_text() == (ETC / "policy.yaml.sample").read_text(), (
        "run: .venv/bin/oslopolicy-sample-generator --config-file etc/craton/policy-generator.conf"
    )


def test_no_rule_is_left_over() -> None:
    """What governs nothing would be set by an operator in vain."""
    assert set(rules._CHECKS) == {rule.name for rule in rules.list_rules()} - {
        role.name for role in rules._ROLES
    }


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/hosts/{region_id}/{id}/payload", "None"),
        ("PATCH", "/v1/secrets/{host_id}/{id}/payload", "'secrets:payload:update'"),
        ("GET", "/v1/new/{region_id}", "'new:list'"),
        ("GET", "/new", "None"),
    ],
)
def test_a_route_without_a_rule_keeps_the_service_from_starting(
    method: str, path: str, name: str
) -> None:
    new = Route(method=method, path=path, summary="New.")
    with pytest.raises(ConfigurationError, match=f"{path}.*{name}"):
        rules.rules_of([*routes().values(), new])


@pytest.mark.parametrize(
    "path", ["/v1/hosts/{region_id}/{thing_id}", "/v1/new/{id}", "/v1/runs/{id}", "/new/{id}"]
)
def test_a_segment_that_nobody_looks_up_keeps_the_service_from_starting(path: str) -> None:
    new = Route(method="GET", path=path, summary="New.")
    driver = MemoryDriver(config.settings(files=[]))
    with pytest.raises(ConfigurationError, match="who may see it"):
        Tenancy(driver, {**routes(), ("GET", path): new})
