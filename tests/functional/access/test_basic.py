"""``http_basic``: a name and a password of a file, and nothing else, make a caller."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from craton import config
from craton.api.app import make_app
from craton.api.auth.identity import identity
from craton.api.errors import Unauthenticated
from craton.backends.memory.driver import MemoryDriver
from craton.caller import Caller
from craton.errors import ConfigurationError, Unavailable
from tests.functional.access.documented import ROLES
from tests.functional.api.client import Client

PASSWORDS = {"alice": "wonder:land", "backup": "p\u00e4ss", "eve": "pass"}


def htpasswd(place: Path, passwords: dict[str, str]) -> Path:
    """Write a file as ``htpasswd -B`` does, at the lowest cost."""
    lines = (
        f"{name}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n"
        for name, password in passwords.items()
    )
    place.write_text("".join(lines))
    return place


def settings(directory: Path, **options: Any) -> Any:
    values = {
        "auth_strategy": "http_basic",
        "http_basic_auth_user_file": str(directory / "htpasswd"),
        **options,
    }
    return config.settings(
        files=[],
        state_path=str(directory),
        inventory__driver="memory",
        **{f"api__{name}": value for name, value in values.items()},
    )


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def conf(tmp_path: Path) -> Any:
    htpasswd(tmp_path / "htpasswd", PASSWORDS)
    return settings(tmp_path, http_basic_roles={"alice": "admin", "backup": "reader"})


@pytest.fixture
def client(conf: Any) -> Client:
    driver = MemoryDriver(conf)
    driver.open()
    return Client(make_app(driver, conf))


def test_who_knows_a_password_has_the_role_that_the_configuration_gives(conf: Any) -> None:
    found = [
        identity(conf)({"HTTP_AUTHORIZATION": basic(user, PASSWORDS[user])}) for user in PASSWORDS
    ]
    assert found == [
        Caller(user_id="alice", roles=ROLES["admin"], is_system=True),
        Caller(user_id="backup", roles=ROLES["reader"], is_system=True),
        Caller(user_id="eve", roles=frozenset(), is_system=True),
    ]


def test_a_role_for_everybody_else(tmp_path: Path) -> None:
    htpasswd(tmp_path / "htpasswd", PASSWORDS)
    environ = {"HTTP_AUTHORIZATION": basic("eve", "pass")}
    given = settings(tmp_path, http_basic_roles={"alice": "reader", "*": "member"})
    assert identity(given)(dict(environ)).roles == ROLES["member"]
    assert identity(settings(tmp_path))(dict(environ)).roles == ROLES["admin"]


@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"alice").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Bearer token",
        basic("alice", "wrong"),
        basic("alice", ""),
        basic("alice", "wonder:land" + "x" * 100),
        basic("alice", "wonder:land\0"),
        basic("nobody", "pass"),
        basic("", ""),
        basic("ALICE", "wonder:land"),
        basic("alice\neve", "pass"),
    ],
)
def test_whoever_proves_nothing_is_told_how_to(client: Client, credentials: str) -> None:
    headers = {"Authorization": credentials} if credentials else {}
    answer = client.get("/v1/tenants", 401, **headers)
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Craton", charset="UTF-8"'
    assert answer.json["code"] == "unauthenticated"
    for password in PASSWORDS.values():
        assert password not in answer.text


def test_rights_are_those_of_the_role(client: Client) -> None:
    admin = {"Authorization": basic("alice", PASSWORDS["alice"])}
    reader = {"Authorization": basic("backup", PASSWORDS["backup"])}
    client.post("/v1/tenants", {"name": "acme"}, 201, **admin)
    assert len(client.get("/v1/tenants", 200, **reader).json["tenants"]) == 1
    refused = client.post("/v1/tenants", {"name": "other"}, 403, **reader)
    assert refused.json["rule"] == "tenants:create"
    nothing = client.get("/v1/tenants", 403, Authorization=basic("eve", PASSWORDS["eve"]))
    assert nothing.json["rule"] == "tenants:list"


@pytest.mark.parametrize("path", ["/", "/v1", "/healthcheck", "/v1/openapi.json"])
def test_what_holds_nothing_is_open(client: Client, path: str) -> None:
    client.get(path)
    client.get(path, Authorization=basic("alice", "wrong"))


def test_a_user_who_is_taken_out_is_out(client: Client, tmp_path: Path) -> None:
    alice = {"Authorization": basic("alice", PASSWORDS["alice"])}
    client.get("/v1/tenants", 200, **alice)
    htpasswd(tmp_path / "htpasswd", {"eve": "pass"})
    client.get("/v1/tenants", 401, **alice)
    (tmp_path / "htpasswd").unlink()
    answer = client.get("/v1/tenants", 503, **alice)
    assert str(tmp_path) not in answer.text


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, {}, "cannot be read"),
        ("alice:$apr1$xyz$abc\n", {}, "bcrypt"),
        ("alice:{SHA}abc\n", {}, "bcrypt"),
        ("", {"http_basic_roles": {"alice": "owner"}}, "'owner' must be one of"),
    ],
)
def test_a_file_of_no_use_keeps_the_service_from_starting(
    tmp_path: Path, content: str | None, options: dict[str, Any], message: str
) -> None:
    if content is not None:
        (tmp_path / "htpasswd").write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        identity(settings(tmp_path, **options))


def test_a_hash_that_is_none_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "htpasswd").write_text("alice:$2b$04$short\n")
    with pytest.raises(Unauthenticated):
        identity(settings(tmp_path))({"HTTP_AUTHORIZATION": basic("alice", "")})


def test_a_password_by_another_hash_is_the_services_fault(tmp_path: Path) -> None:
    file = htpasswd(tmp_path / "htpasswd", {"alice": "x"})
    known = identity(settings(tmp_path))
    file.write_text("alice:$apr1$xyz$abc\n")
    with pytest.raises(Unavailable):
        known({"HTTP_AUTHORIZATION": basic("alice", "x")})
