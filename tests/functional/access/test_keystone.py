"""``keystone``: tokens of a real Keystone, good ones and all the others."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from craton import config
from craton.api.app import make_app
from craton.backends.memory.driver import MemoryDriver
from craton.errors import ConfigurationError
from craton.models import Host, Region, Tenant
from tests.functional.access.test_forged import FORGED
from tests.functional.api.client import Client
from tests.services import keystone as keystone_service
from tests.services.keystone import ADMIN, DOMAIN, PASSWORD, PROJECT, Keystone
from tests.services.process import PATIENCE

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("openstack")]


@pytest.fixture(scope="module")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    """A Keystone with users of two projects, and of the system."""
    with keystone_service.started(tmp_path_factory.mktemp("access") / "keystone") as keystone:
        keystone.create_user("reader", "acme", "reader")
        keystone.create_user("member", "acme", "member")
        keystone.create_user("both", "acme", "member")
        keystone.create_user("both", "other", "member")
        keystone.create_user("operator", system=("admin",))
        keystone.create_user("auditor", system=("reader",))
        yield keystone


def settings(keystone: Keystone, directory: Path, **options: str) -> Any:
    values = {
        "www_authenticate_uri": keystone.url,
        "auth_type": "password",
        "auth_url": keystone.url,
        "username": ADMIN,
        "password": PASSWORD,
        "project_name": PROJECT,
        "user_domain_name": DOMAIN,
        "project_domain_name": DOMAIN,
        **options,
    }
    lines = "".join(f"{name} = {value}\n" for name, value in values.items() if value)
    file = directory / "craton.conf"
    file.write_text(f"[api]\nauth_strategy = keystone\n[keystone_authtoken]\n{lines}")
    return config.settings(files=[str(file)], state_path=str(directory), inventory__driver="memory")


def served(keystone: Keystone, directory: Path, **options: str) -> Client:
    """The API with a tenant of each project."""
    conf = settings(keystone, directory, **options)
    driver = MemoryDriver(conf)
    driver.open()
    for name in ("acme", "other"):
        project = keystone.create_project(name)
        driver.create(Tenant(id=name, name=name, project_id=project))
        driver.create(Region(id=f"{name}-r", tenant_id=name, name="north"))
        driver.create(Host(id=f"{name}-h", region_id=f"{name}-r", name="web1"))
    return Client(make_app(driver, conf))


@pytest.fixture
def client(keystone: Keystone, tmp_path: Path) -> Client:
    return served(keystone, tmp_path)


def tenants(client: Client, token: str) -> list[str]:
    found = client.get("/v1/tenants", X_Auth_Token=token).json["tenants"]
    return sorted(tenant["id"] for tenant in found)


def test_a_token_of_a_project_acts_there(client: Client, keystone: Keystone) -> None:
    reader = keystone.token("reader", project="acme")
    assert tenants(client, reader) == ["acme"]
    client.get("/v1/hosts/acme-r/acme-h", X_Auth_Token=reader)
    client.get("/v1/hosts/other-r/other-h", 404, X_Auth_Token=reader)
    refused = client.delete("/v1/hosts/acme-r/acme-h", 403, X_Auth_Token=reader)
    assert refused.json["rule"] == "hosts:delete"
    member = keystone.token("member", project="acme")
    client.delete("/v1/hosts/acme-r/acme-h", X_Auth_Token=member)


def test_one_user_sees_in_each_project_what_is_there(client: Client, keystone: Keystone) -> None:
    for project in ("acme", "other"):
        assert tenants(client, keystone.token("both", project=project)) == [project]


def test_a_token_of_the_system_sees_everything(client: Client, keystone: Keystone) -> None:
    operator = keystone.token("operator", system=True)
    auditor = keystone.token("auditor", system=True)
    assert tenants(client, auditor) == tenants(client, operator) == ["acme", "other"]
    client.post("/v1/tenants", {"name": "new"}, 403, X_Auth_Token=auditor)
    client.post("/v1/tenants", {"name": "new", "project_id": "any"}, X_Auth_Token=operator)


def test_a_token_of_nothing_may_do_nothing(client: Client, keystone: Keystone) -> None:
    refused = client.get("/v1/tenants", 403, X_Auth_Token=keystone.token("operator"))
    assert refused.json["rule"] == "tenants:list"


def unauthenticated(client: Client, keystone: Keystone, **headers: str) -> None:
    answer = client.get("/v1/tenants", 401, **headers)
    assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{keystone.url}"'
    assert answer.json["code"] == "unauthenticated"
    token = headers.get("X_Auth_Token")
    assert not token or token not in answer.text


def test_no_token_and_no_good_token(client: Client, keystone: Keystone) -> None:
    unauthenticated(client, keystone)
    good = keystone.token("reader", project="acme")
    for token in (
        "",
        "x",
        good[:-4],
        good + "AAAA",
        "\u00e9".encode().decode("latin-1"),
        "a" * 4000,
    ):
        unauthenticated(client, keystone, X_Auth_Token=token)
    # The places where other services would look for one, too.
    unauthenticated(client, keystone, X_Storage_Token=good)
    unauthenticated(client, keystone, X_Service_Token=good)
    unauthenticated(client, keystone, X_Subject_Token=good)
    unauthenticated(client, keystone, Authorization=f"Bearer {good}")


def test_a_revoked_token_is_worth_nothing_at_once(client: Client, keystone: Keystone) -> None:
    token = keystone.token("reader", project="acme")
    assert tenants(client, token) == ["acme"]
    keystone.revoke(token)
    unauthenticated(client, keystone, X_Auth_Token=token)


def test_no_log_has_a_token_or_a_password(
    client: Client, keystone: Keystone, caplog: pytest.LogCaptureFixture
) -> None:
    reader, revoked = (keystone.token("reader", project="acme") for _ in range(2))
    keystone.revoke(revoked)
    with caplog.at_level(logging.DEBUG):
        tenants(client, reader)
        client.get("/v1/tenants", 401, X_Auth_Token=revoked)
        client.delete("/v1/hosts/acme-r/acme-h", 403, X_Auth_Token=reader)
    # What the test itself sends and gets is logged by the library that it uses.
    lines = [r.getMessage() for r in caplog.records if not r.name.startswith("urllib3")]
    assert any("reader" in line for line in lines), "something was logged"
    for word in (reader, revoked, PASSWORD):
        assert not any(word in line for line in lines)


@contextmanager
def short_lived(keystone: Keystone) -> Iterator[None]:
    """Let tokens that are given out in the block expire after a second."""
    file = keystone.directory / "keystone.conf"
    before = file.read_text()

    def restart(configuration: str) -> None:
        file.write_text(configuration)
        keystone.process.kill()
        keystone.process.start()

    restart(before.replace("[token]\n", "[token]\nexpiration = 1\n"))
    try:
        yield
    finally:
        restart(before)


def test_an_expired_token_is_worth_nothing(client: Client, keystone: Keystone) -> None:
    with short_lived(keystone):
        token = keystone.token("reader", project="acme")
    patience = time.monotonic() + PATIENCE
    while client.request("GET", "/v1/tenants", X_Auth_Token=token).status_int == 200:
        assert time.monotonic() < patience
        time.sleep(0.2)
    unauthenticated(client, keystone, X_Auth_Token=token)
    # What is open stays so, whatever comes with it.
    client.get("/healthcheck", X_Auth_Token=token)


def test_forged_headers_change_nothing(client: Client, keystone: Keystone) -> None:
    forged = {name.replace("-", "_"): value for name, value in FORGED.items()}
    forged["X_Project_Id"] = keystone.create_project("other")
    unauthenticated(client, keystone, **forged)
    reader = keystone.token("reader", project="acme")
    found = client.get("/v1/tenants", 200, X_Auth_Token=reader, **forged).json["tenants"]
    assert [tenant["id"] for tenant in found] == ["acme"]
    client.get("/v1/tenants/other", 404, X_Auth_Token=reader, **forged)
    client.delete("/v1/hosts/acme-r/acme-h", 403, X_Auth_Token=reader, **forged)


def test_a_keystone_that_is_away_is_told_apart_from_a_bad_token(
    keystone: Keystone, tmp_path: Path
) -> None:
    client = served(keystone, tmp_path)
    token = keystone.token("reader", project="acme")
    keystone.process.pause()
    try:
        answer = client.get("/v1/tenants", 503, X_Auth_Token=token)
        assert int(answer.headers["Retry-After"]) > 0
        client.get("/healthcheck", X_Auth_Token=token)
        unauthenticated(client, keystone)
    finally:
        keystone.process.resume()
    assert tenants(client, token) == ["acme"]


def test_wrong_credentials_of_its_own_are_the_services_fault(
    keystone: Keystone, tmp_path: Path
) -> None:
    client = served(keystone, tmp_path, password="wrong")
    token = keystone.token("reader", project="acme")
    answer = client.get("/v1/tenants", 503, X_Auth_Token=token)
    assert "wrong" not in answer.text


@pytest.mark.parametrize(
    "options", [{"www_authenticate_uri": ""}, {"auth_type": ""}, {"auth_type": "no-such"}]
)
def test_options_that_are_missing_keep_the_service_from_starting(
    keystone: Keystone, tmp_path: Path, options: dict[str, str]
) -> None:
    conf = settings(keystone, tmp_path, **options)
    with pytest.raises(ConfigurationError, match="keystone_authtoken"):
        make_app(MemoryDriver(conf), conf)


def test_a_library_that_is_missing_is_named(
    keystone: Keystone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "craton.api.auth.keystone", raising=False)
    monkeypatch.setitem(sys.modules, "keystonemiddleware", None)
    conf = settings(keystone, tmp_path)
    with pytest.raises(ConfigurationError, match=r"install craton\[keystone\]"):
        make_app(MemoryDriver(conf), conf)
