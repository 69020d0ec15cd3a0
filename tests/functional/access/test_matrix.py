"""Who may do what is what docs/access.rst says, and nobody is told of what they do not see."""

from __future__ import annotations

import pytest

from craton.api.auth import tenancy
from craton.api.limits import Limits
from craton.api.routes import table
from tests.functional.access import documented, matrix
from tests.functional.access.worlds import World, names_in

LINES = documented.routes()
RULES = sorted({line.rule for line in LINES.values()})
ROLES = ("reader", "member", "admin", "system_reader", "system_admin")
#: Routes that name something, and that somebody may use who does not see everything.
WITH_IDS = sorted(
    key for key, line in LINES.items() if names_in(key[1]) and "system" not in line.needed
)


def test_the_table_has_every_route_and_no_other(world: World) -> None:
    assert LINES.keys() == table(Limits.of(world.conf)).keys()


def test_every_route_has_an_example() -> None:
    assert {example[:2] for example in matrix.ALL_EXAMPLES} == LINES.keys()


def test_everybody_may_do_what_is_documented_and_nothing_else(world: World) -> None:
    assert list(matrix.rights(world, matrix.ALL_EXAMPLES)) == []


def test_what_a_caller_does_not_see_does_not_exist(world: World) -> None:
    assert list(matrix.sight(world, matrix.ALL_EXAMPLES)) == []


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_is_open_to_all_is_found(world: World, rule: str) -> None:
    examples = matrix.of_rule(rule)
    is_open = LINES[examples[0][:2]].needed == "anybody"
    with world.rules(**{rule: "@"}):
        assert any(matrix.rights(world, examples)) is not is_open


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_nobody_passes_is_found(world: World, rule: str) -> None:
    with world.rules(**{rule: "!"}):
        assert any(matrix.rights(world, matrix.of_rule(rule)))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("check", ["@", "!"])
def test_a_role_that_means_something_else_is_found(world: World, role: str, check: str) -> None:
    with world.rules(**{role: check}):
        assert any(matrix.rights(world, matrix.ALL_EXAMPLES))


def test_a_rule_that_is_opened_shows_nobody_what_is_not_theirs(world: World) -> None:
    with world.rules(**{"tenants:delete": "rule:reader"}):
        found = list(matrix.sight(world, matrix.of_rule("tenants:delete")))
    assert all(line.endswith(": 404 Not Found") for line in found), "answered alike, but not 403"
    assert found


@pytest.mark.parametrize("key", WITH_IDS, ids=" ".join)
def test_a_path_that_is_not_looked_up_is_found(
    world: World, key: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = [example for example in matrix.ALL_EXAMPLES if example[:2] == key]
    monkeypatch.setattr(tenancy.Tenancy, "before", lambda self, state: None)
    assert any(matrix.sight(world, examples))
