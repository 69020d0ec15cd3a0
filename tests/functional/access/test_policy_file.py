"""An operator's policy file is heeded, and one that would not be is refused."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

import pytest

from craton import config
from craton.api.auth import policy, rules
from craton.api.auth.access import Access
from craton.api.auth.policy import Policy
from craton.api.limits import Limits
from craton.api.routes import table
from craton.errors import ConfigurationError
from tests.functional.access.worlds import CALLERS, World
from tests.functional.every_route import Example

MEMBER = CALLERS["member of p-own"]


def read(directory: Path, content: str | None, options: str = "") -> Access:
    if content is not None:
        (directory / "policy.yaml").write_text(content)
    (directory / "craton.conf").write_text(f"[oslo_policy]\n{options}\n")
    conf = config.settings(files=[str(directory / "craton.conf")])
    return Access(Policy(conf, rules.defaults(table(Limits.of(conf)))))


def test_a_file_beside_the_configuration_is_found(tmp_path: Path) -> None:
    access = read(tmp_path, '"hosts:delete": "rule:system_admin"\n')
    assert MEMBER is not None
    assert not access.allows("hosts:delete", MEMBER)
    assert access.allows("hosts:create", MEMBER)


def test_files_of_a_directory_are_heeded(tmp_path: Path) -> None:
    (tmp_path / "policy.d").mkdir()
    (tmp_path / "policy.d" / "runs.yaml").write_text('"runs:start": "!"\n')
    access = read(tmp_path, None)
    assert MEMBER is not None
    assert not access.allows("runs:start", MEMBER)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert MEMBER is not None
    assert read(tmp_path, None).allows("hosts:delete", MEMBER)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, "policy_file = missing.yaml", "there is no missing.yaml"),
        ('"hosts:remove": "!"\n', "", "nothing is governed by hosts:remove"),
        ('"hosts:delete": "rule:nowhere"\n', "", "not there"),
        ('"a": "rule:b"\n"b": "rule:a"\n', "", "or itself"),
        ("- a\n- list\n", "", "cannot be read"),
        ("{", "", "cannot be read"),
        ('"hosts:delete": 1\n', "", "cannot be read"),
        ('"hosts:delete": "role:admin and"\n', "", "hosts:delete is no rule"),
        ('"hosts:delete": "nonsense"\n', "", "hosts:delete is no rule"),
    ],
)
def test_a_file_that_would_not_be_heeded_keeps_the_service_from_starting(
    tmp_path: Path, content: str | None, options: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read(tmp_path, content, options)


def test_a_file_is_not_looked_at_for_each_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "_REST", 1.0)
    access = read(tmp_path, None)
    looks: list[int] = []
    monkeypatch.setattr(Policy, "_look", lambda self: looks.append(1))
    clock = [monotonic()]
    monkeypatch.setattr(policy, "monotonic", lambda: clock[0])
    assert MEMBER is not None
    for expected in (0, 1, 2):
        for _ in range(100):
            assert access.allows("hosts:list", MEMBER)
        assert len(looks) == expected
        clock[0] += 2


def test_a_change_of_the_file_is_heeded(world: World) -> None:
    example = Example("GET", "", "/v1/hosts/own-r")
    assert world.ask(MEMBER, example).status_int == 200
    with world.rules(**{"hosts:list": "role:nobody"}):
        refused = world.ask(MEMBER, example)
        assert (refused.status_int, refused.json["rule"]) == (403, "hosts:list")
    assert world.ask(MEMBER, example).status_int == 200


@pytest.mark.parametrize(
    "content", ["{", "- a\n- list\n", '"hosts:list": 1\n', '"hosts:remove": "!"\n']
)
def test_a_file_that_was_spoilt_changes_nothing(
    world: World, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    example = Example("GET", "", "/v1/hosts/own-r")
    with world.rules(**{"hosts:create": "!"}):
        world.ask(MEMBER, example)
        world.write_policy(content)
        for _ in range(2):
            assert world.ask(MEMBER, example).status_int == 200
            assert world.ask(CALLERS["guest of p-own"], example).status_int == 403
            refused = world.ask(MEMBER, Example("POST", "", "/v1/hosts/own-r", {"name": "n"}))
            assert refused.status_int == 403
    assert "The rules stay as they were" in caplog.text


def test_a_rule_may_ask_for_the_path_and_the_user(world: World) -> None:
    """As the operator of one region, or a user by name."""
    example = Example("GET", "", "/v1/hosts/own-r")
    with world.rules(**{"hosts:list": "'own-r':%(region_id)s and user_id:member-p-own"}):
        assert world.ask(MEMBER, example).status_int == 200
        assert world.ask(CALLERS["admin of p-own"], example).status_int == 403


def test_a_role_of_the_operators_own_works(world: World) -> None:
    with world.rules(operator="role:reader", **{"hosts:delete": "rule:operator"}):
        answer = world.ask(
            CALLERS["reader of p-own"], Example("DELETE", "", "/v1/hosts/own-r/own-h3")
        )
    assert answer.status_int == 204
