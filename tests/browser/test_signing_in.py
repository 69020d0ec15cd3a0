"""Where the service asks for a token, the page asks for one, and keeps it for the tab alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from craton.api.auth.identity import anybody
from craton.api.errors import Unauthenticated
from craton.caller import Caller
from craton.runs.models import HostState
from tests.browser.conftest import Place, placed
from tests.browser.looking import expect_connection, expect_counts, visit
from tests.browser.serving import Site
from tests.browser.stage import names

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class Tokens:
    """Lets in who has one of these tokens."""

    def __init__(self) -> None:
        self.valid = {"good"}

    def __call__(self, environ: WSGIEnvironment) -> Caller:
        if environ.get("HTTP_X_AUTH_TOKEN") not in self.valid:
            raise Unauthenticated('Keystone uri="http://keystone.example"')
        return anybody(environ)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def site(tmp_path: Path, tokens: Tokens) -> Iterator[Site]:
    site = Site(tmp_path, identify=tokens)
    site.start()
    yield site
    site.stop()


def sign_in(page: Page, token: str) -> None:
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Go on").click()


def test_who_has_a_token_goes_where_he_wanted(page: Page, site: Site) -> None:
    place = placed(site)
    visit(page, place.at("groups"))
    expect(page.locator("h1")).to_have_text("Sign in")
    sign_in(page, "bad")
    expect(page.locator("h1")).to_have_text("Sign in")
    expect(page.locator("main")).to_contain_text("send credentials")
    sign_in(page, "good")
    expect(page.locator("main")).to_contain_text("This region has no group yet.")
    page.reload()
    expect(page.locator("main")).to_contain_text("This region has no group yet.")
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_run_is_followed_with_the_token(page: Page, site: Site, tokens: Tokens) -> None:
    place: Place = placed(site)
    hosts = names(20)
    play = place.play(hosts)
    visit(page, place.at("runs", play.id))
    sign_in(page, "good")
    expect_connection(page, "live")
    play.finish(hosts[:5], HostState.OK)
    expect_counts(page, ok=5)
    # A token that has expired meanwhile: the page asks for another, and goes on.
    tokens.valid = {"new"}
    site.stop()
    site.start()
    expect(page.locator("h1")).to_have_text("Sign in")
    play.finish(hosts[5:9], HostState.OK)
    sign_in(page, "new")
    expect_counts(page, ok=9)


def test_another_tab_has_no_token(open_page: Callable[..., Page], page: Page, site: Site) -> None:
    place = placed(site)
    visit(page, place.at("hosts"))
    sign_in(page, "good")
    expect(page.locator("main")).to_contain_text("This region has no host yet.")
    other = page.context.new_page()
    other.goto(place.at("hosts"))
    expect(other.locator("h1")).to_have_text("Sign in")


class Passwords:
    """Lets in who sends this name and password."""

    def __call__(self, environ: WSGIEnvironment) -> Caller:
        if environ.get("HTTP_AUTHORIZATION") != "Basic bWU6c2VzYW1l":
            raise Unauthenticated('Basic realm="craton"')
        return anybody(environ)


def test_a_browser_that_knows_a_password_needs_nothing_else(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "basic").mkdir()
    site = Site(tmp_path / "basic", identify=Passwords())
    site.start()
    place = placed(site)
    hosts = names(20)
    play = place.play(hosts)
    context = browser.new_context(http_credentials={"username": "me", "password": "sesame"})
    try:
        page = context.new_page()
        visit(page, place.at("runs", play.id))
        expect_connection(page, "live")
        play.finish(hosts[:5], HostState.OK)
        expect_counts(page, ok=5)
    finally:
        context.close()
        site.stop()


def test_who_gave_the_browser_no_password_is_not_asked_for_a_token(page: Page, site: Site) -> None:
    visit(page, f"{site.origin}/ui/")
    texts = page.evaluate(
        """async () => {
            const { signInForm } = await import("./signin.js");
            const { Problem } = await import("./api.js");
            const problem = new Problem({ status: 401, title: "", challenge: 'Basic realm="a"' });
            return signInForm(problem, () => {}).map((node) => node.textContent);
        }"""
    )
    assert texts == ["Sign in", "This service asks for a name and a password.", "Enter them"]
