"""What a client says of itself without proof changes nothing, under every strategy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests
from webtest import TestRequest

from craton import config
from craton.api.app import make_app
from craton.api.auth.headers import WithoutIdentity
from craton.backends.memory.driver import MemoryDriver
from tests.functional.access.test_basic import basic, htpasswd
from tests.functional.access.worlds import CALLERS, World, comparable
from tests.functional.commands import Place
from tests.functional.every_route import Example

#: What a client may try, and what servers and middleware would believe.
FORGED = {
    "X-Roles": "admin",
    "X-Role": "admin",
    "X-User": "root",
    "X-User-Id": "root",
    "X-User-Name": "root",
    "X-User-Domain-Id": "default",
    "X-User-Domain-Name": "Default",
    "X-Project-Id": "p-far",
    "X-Project-Name": "far",
    "X-Project-Domain-Id": "default",
    "X-Project-Domain-Name": "Default",
    "X-Tenant": "p-far",
    "X-Tenant-Id": "p-far",
    "X-Tenant-Name": "p-far",
    "X-Domain-Id": "default",
    "X-Domain-Name": "Default",
    "X-Identity-Status": "Confirmed",
    "X-Service-Identity-Status": "Confirmed",
    "X-Service-Roles": "admin",
    "X-Service-Token": "token",
    "X-Service-User-Id": "root",
    "X-Service-Project-Id": "p-far",
    "X-Service-Catalog": "[]",
    "X-Is-Admin-Project": "True",
    "X-System-Scope": "all",
    "OpenStack-System-Scope": "all",
    "X-Storage-Token": "token",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": "evil.example.org",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-User": "root",
    "X-Remote-User": "root",
    "X-Real-Ip": "127.0.0.1",
    "Forwarded": "for=127.0.0.1;proto=https;host=evil.example.org",
    "Remote-User": "root",
}
#: What only a server could say, if there were one in between that was not Craton's.
FORGED_VARIABLES = {"REMOTE_USER": "root", "REMOTE_IDENT": "root", "AUTH_TYPE": "Negotiate"}

PATHS = (
    "/v1/tenants",
    "/v1/tenants/far-t",
    "/v1/hosts/far-r",
    "/v1/hosts/own-r",
    "/v1/capabilities",
)


@pytest.mark.parametrize("path", PATHS)
def test_nobody_sees_more_for_it(world: World, path: str) -> None:
    for name, caller in CALLERS.items():
        for method in ("GET", "DELETE"):
            example = Example(method, "", path)
            honest = comparable(world.ask(caller, example))
            forged = comparable(world.ask(caller, example, keep=False, **FORGED))
            assert honest == forged, name


def test_nothing_below_gets_to_know_it() -> None:
    seen: dict[str, Any] = {}

    def application(environ: Any, start_response: Any) -> list[bytes]:
        seen.update(environ)
        start_response("204 No Content", [])
        return []

    request = TestRequest.blank("/v1/tenants", headers={**FORGED, "X-Auth-Token": "token"})
    request.environ |= FORGED_VARIABLES
    plain = TestRequest.blank("/v1/tenants", headers={"X-Auth-Token": "token"})
    request.get_response(WithoutIdentity(application))
    assert seen.keys() <= plain.environ.keys()
    assert seen["HTTP_X_AUTH_TOKEN"] == "token"


def test_keystonemiddleware_knows_no_header_that_is_left() -> None:
    """Whatever it would set itself is dropped, also when a later version sets more."""
    from keystonemiddleware.auth_token import _request

    from craton.api.auth.headers import is_identity

    request = _request._AuthTokenRequest.blank("/")
    names = {*request._all_auth_headers(), request._SYSTEM_SCOPE_HEADER}
    assert len(names) > 20
    for name in names:
        assert is_identity("HTTP_" + re.sub("-", "_", name.upper())), name


def test_noauth_has_one_caller(tmp_path: Path) -> None:
    conf = config.settings(files=[], state_path=str(tmp_path), inventory__driver="memory")
    driver = MemoryDriver(conf)
    driver.open()
    app = make_app(driver, conf)
    request = TestRequest.blank(
        "/v1/tenants", method="POST", body=b'{"name": "n"}', content_type="application/json"
    )
    request.headers.update(FORGED)
    request.environ |= FORGED_VARIABLES
    answer = request.get_response(app)
    assert answer.status_int == 201
    assert answer.location.startswith("http://localhost/v1/tenants/")


def test_a_server_believes_none_of_it(tmp_path: Path) -> None:
    """Over HTTP, from the address that gunicorn would trust."""
    place = Place(tmp_path)
    file = htpasswd(tmp_path / "htpasswd", {"alice": "secret", "bob": "secret"})
    options = (
        f"auth_strategy = http_basic\nhttp_basic_auth_user_file = {file}\n"
        "http_basic_roles = alice:admin,bob:reader\n[inventory]\ndriver = memory\n"
    )
    under = {"SCRIPT_NAME": "/v1", "PATH_INFO": "/healthcheck", "X_Roles": "admin"}
    forged = {**FORGED, **under}
    with place.api(options) as running:
        made = requests.post(
            f"{running.url}/v1/tenants",
            json={"name": "acme"},
            headers={**forged, "Authorization": basic("alice", "secret")},
            timeout=30,
        )
        assert made.status_code == 201, made.text
        assert made.headers["Location"].startswith(f"{running.url}/v1/tenants/")
        nobody = requests.get(f"{running.url}/v1/tenants", headers=forged, timeout=30)
        assert nobody.status_code == 401
        assert nobody.headers["Content-Type"] == "application/problem+json"
        assert nobody.json()["request_id"] == nobody.headers["X-Openstack-Request-Id"]
        assert nobody.headers["WWW-Authenticate"].startswith("Basic ")
        reader = requests.delete(
            made.headers["Location"],
            headers={**forged, "Authorization": basic("bob", "secret")},
            timeout=30,
        )
        assert (reader.status_code, reader.json()["rule"]) == (403, "tenants:delete")
