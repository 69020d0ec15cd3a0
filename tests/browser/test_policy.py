"""The page does nothing that its policy forbids, and the witness of that would see it."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import Witness
from tests.browser.conftest import PATIENCE, Place
from tests.browser.looking import visit


def test_scripts_that_are_not_ours_do_not_run(browser: Browser, place: Place) -> None:
    witness = Witness(place.site.origin)
    page = browser.new_page()
    try:
        page.set_default_timeout(PATIENCE)
        witness.watch(page)
        visit(page, place.at("hosts"))
        assert witness.faults == []
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "document.title = 'run'";
                document.head.append(script);
                document.body.setAttribute("style", "color: red");
                const image = document.createElement("img");
                image.src = "http://127.0.0.2/x.png";
                document.body.append(image);
                fetch("http://127.0.0.2/").catch(() => {});
            }"""
        )
        page.wait_for_timeout(300)
        assert page.title() != "run"
        seen = "\n".join(witness.faults)
        for directive in ("script-src", "style-src", "img-src", "connect-src"):
            assert re.search(f"POLICY {directive}", seen), seen
    finally:
        page.context.close()


def test_the_policy_is_as_strict_as_it_can_be(page: Page, place: Place) -> None:
    policy = page.request.get(f"{place.site.origin}/ui/").headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    for name in ("script-src", "style-src", "connect-src"):
        assert directives[name] == "'self'"
    for name in ("base-uri", "form-action", "frame-ancestors"):
        assert directives[name] == "'none'"
    assert "unsafe" not in policy


def test_nothing_is_asked_of_the_service_but_by_its_api(
    open_page: Callable[..., Page], place: Place
) -> None:
    page = open_page()
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url.removeprefix(place.site.origin)))
    visit(page, place.at("hosts"))
    expect(page.locator("main")).to_contain_text("This region has no host yet.")
    others = {url for url in asked if not re.match(r"/(ui/[a-z]*(\.(js|css|svg))?(#.*)?|v1/)", url)}
    assert others - {"about:blank"} == set()
