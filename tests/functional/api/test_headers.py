"""What every answer carries, whoever gives it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from webtest import TestRequest

from craton.api.protection import Protection
from craton.driver import InventoryDriver
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


def test_every_answer_is_guarded(
    api: Client, paths: Paths, driver: InventoryDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = f"{paths.hosts}/{paths.host('h')['id']}"
    tag = api.get(host).headers["ETag"]
    answers = {
        200: api.get(paths.hosts),
        201: api.post(paths.hosts, {"name": "new"}),
        204: api.delete(f"{paths.hosts}/{paths.host('gone')['id']}"),
        304: api.get(host, 304, If_None_Match=tag),
        400: api.get(f"{paths.hosts}?colour=1", 400),
        404: api.get("/no/where", 404),
        405: api.delete("/v1/tenants", 405),
        501: api.bare("BREW", host),
    }

    def fail() -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(driver, "_ping", fail)
    answers[500] = api.get("/healthcheck", 500)
    for status, answer in answers.items():
        assert answer.status_int == status
        for name, value in ALWAYS.items():
            assert answer.headers[name] == value, status
        assert answer.headers["Cache-Control"] in {"no-store", "private, no-cache"}
        assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize("ending", ["tgz", "zip", "json"])
def test_a_bundle_is_guarded(api: Client, paths: Paths, ending: str) -> None:
    answer = api.get(f"{paths.inventory}.{ending}")
    for name, value in ALWAYS.items():
        assert answer.headers[name] == value


def test_what_has_a_tag_may_be_kept_and_asked_about(api: Client, paths: Paths) -> None:
    host = f"{paths.hosts}/{paths.host('h')['id']}"
    kept = api.get(host)
    assert kept.headers["Cache-Control"] == "private, no-cache"
    again = api.get(host, 304, If_None_Match=kept.headers["ETag"])
    assert again.headers["Cache-Control"] == "private, no-cache"
    assert api.get(f"{host}/variables?resolved=true").headers["Cache-Control"] == "no-store"
    assert api.get(paths.hosts).headers["Cache-Control"] == "no-store"


def test_transport_security_is_asked_for_over_https_alone(api: Client) -> None:
    plain = TestRequest.blank("/v1")
    assert "Strict-Transport-Security" not in plain.get_response(api.app.app).headers
    secure = TestRequest.blank("https://craton.example.org/v1")
    answer = secure.get_response(api.app.app)
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


def test_a_policy_of_its_own_stays() -> None:
    def page(environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [("content-security-policy", "default-src 'self'")])
        return [b""]

    answer = TestRequest.blank("/").get_response(Protection(page))
    assert answer.headers.getall("Content-Security-Policy") == ["default-src 'self'"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
