"""The web view's files: served as they are in the package, and nothing else is."""

from __future__ import annotations

from importlib.resources import files

import pytest

from tests.functional.api.client import Client

STATIC = files("craton.web") / "static"


def test_the_page_is_that_of_the_package(api: Client) -> None:
    answer = api.get("/ui/")
    assert answer.content_type == "text/html"
    assert answer.body == (STATIC / "index.html").read_bytes()
    assert api.get("/ui/index.html").body == answer.body


def test_the_path_without_a_slash_leads_to_it(api: Client) -> None:
    answer = api.get("/ui", 302)
    assert answer.headers["Location"].endswith("/ui/")
    assert api.bare("GET", "/ui", SCRIPT_NAME="/craton").headers["Location"].endswith("/craton/ui/")


def test_a_browser_accepts_what_it_gets(api: Client) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert api.get("/ui/", Accept=accept).status_int == 200
    api.get("/ui/", 406, Accept="image/png")


def test_only_scripts_and_styles_of_the_service_are_let_in(api: Client) -> None:
    answer = api.get("/ui/")
    policy = answer.headers.getall("Content-Security-Policy")
    assert len(policy) == 1
    rules = dict(rule.strip().split(" ", 1) for rule in policy[0].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert {rules["script-src"], rules["style-src"], rules["connect-src"]} == {"'self'"}
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_a_browser_has_is_not_sent_again(api: Client) -> None:
    tag = api.get("/ui/").headers["ETag"]
    again = api.get("/ui/", 304, If_None_Match=tag)
    assert again.body == b""
    assert again.headers["ETag"] == tag
    assert "no-cache" in api.get("/ui/").headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "/ui/nothing.js",
        "/ui/../__init__.py",
        "/ui/%2e%2e/__init__.py",
        "/ui/..%2f__init__.py",
        "/ui/%2fetc%2fpasswd",
        "/ui//etc/passwd",
        "/ui/index.html/",
        "/ui/index.html%00.js",
        "/ui/__init__.py",
    ],
)
def test_nothing_else_is_served(api: Client, path: str) -> None:
    assert api.request("GET", path).status_int == 404
