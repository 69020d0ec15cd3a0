"""Whatever hosts and users wrote is text, and nothing in it hides."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from craton.models import Group, Host, Region, Tenant
from craton.runs.models import HostState
from craton.variables import Variables
from tests.browser.conftest import Place
from tests.browser.looking import expect_counts, visit
from tests.browser.stage import names

MARKUP = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<a href='javascript:alert(1)'>press</a>",
    "javascript:alert(1)",
    "</pre></bdi><iframe srcdoc='<script>alert(1)</script>'>",
    "{{constructor.constructor('alert(1)')()}}",
    '"><svg onload=alert(1)>',
]
#: What a host said, and what is to be seen of it.
HIDDEN = {
    "\x1b[31mred\x1b[0m": "red",
    "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07": "link",
    "a\u202efdp.exe": "a\u27e8U+202E\u27e9fdp.exe",
    "zero\u200bwidth": "zero\u27e8U+200B\u27e9width",
    "bell\x07": "bell\u27e8U+0007\u27e9",
    "iso\u2066lated\u2069": "iso\u27e8U+2066\u27e9lated\u27e8U+2069\u27e9",
    "tag\U000e0041": "tag\u27e8U+E0041\u27e9",
}


def elements_that_nobody_made(page: Page) -> int:
    return int(
        page.evaluate(
            """document.querySelectorAll("main img, main script, main iframe, main svg, [onerror],"
                + "[onload], a[href]:not([href^='#'])").length"""
        )
    )


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_a_message_is_shown_as_it_is(page: Page, place: Place, text: str) -> None:
    hosts = [text[:200], *names(3)]
    play = place.play(hosts)
    play.finish([hosts[0]], HostState.FAILED, text)
    visit(page, place.at("runs", play.id))
    expect_counts(page, failed=1)
    page.locator(".troubles button").first.click()
    expect(page.locator(".chosen pre")).to_have_text(text)
    expect(page.locator(".chosen h2")).to_have_text(text)
    expect(page.locator(".hosts tbody tr").first).to_contain_text(text)
    assert elements_that_nobody_made(page) == 0


@pytest.mark.parametrize("text", HIDDEN)
def test_what_hides_is_made_visible(page: Page, place: Place, text: str) -> None:
    hosts = [f"{text}-host", *names(3)]
    play = place.play(hosts)
    play.finish([hosts[0]], HostState.FAILED, text)
    visit(page, place.at("runs", play.id))
    page.locator(".troubles button").first.click()
    expect(page.locator(".chosen pre")).to_have_text(HIDDEN[text])
    expect(page.locator(".chosen h2")).to_have_text(f"{HIDDEN[text]}-host")
    assert text not in page.locator("body").inner_text()


def test_names_and_values_of_the_fleet_are_text_too(page: Page, place: Place) -> None:
    evil = MARKUP[0]
    driver = place.site.driver
    tenant = driver.create(Tenant(name=evil, description=MARKUP[2]))
    region = driver.create(
        Region(tenant_id=tenant.id, name=MARKUP[1], variables=Variables({"v": MARKUP[4]}))
    )
    group = driver.create(Group(region_id=region.id, name="g", variables=Variables({"v": evil})))
    host = driver.create(
        Host(region_id=region.id, name="h", groups=(group.id,), variables=Variables({"v": evil}))
    )
    origin = f"{place.site.origin}/ui/#/tenants"
    visit(page, origin)
    expect(page.get_by_role("link", name=evil)).to_be_visible()
    visit(page, f"{origin}/{tenant.id}")
    expect(page.locator("h1")).to_have_text(evil)
    for parts in ("variables", "groups", f"groups/{group.id}", f"hosts/{host.id}", "hosts"):
        visit(page, f"{origin}/{tenant.id}/regions/{region.id}/{parts}")
        expect(page.locator("#crumbs")).to_contain_text(evil)
        assert elements_that_nobody_made(page) == 0
    visit(page, f"{origin}/{tenant.id}/regions/{region.id}/hosts/{host.id}")
    assert evil in page.locator("pre.value").inner_text()


def test_a_problem_that_quotes_markup_shows_it_as_text(page: Page, place: Place) -> None:
    visit(page, place.at("hosts", query="?name=a&%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E=1"))
    expect(page.get_by_role("alert")).to_contain_text("<img src=x onerror=alert(1)>")
    assert elements_that_nobody_made(page) == 0


def test_names_of_ten_kilobytes_break_nothing(page: Page, place: Place) -> None:
    hosts = ["x" * 10_000, "\u0627" * 10_000, *names(3)]
    play = place.play(hosts)
    play.finish(hosts[:2], HostState.FAILED, "y" * 10_000)
    visit(page, place.at("runs", play.id))
    expect_counts(page, failed=2)
    page.locator(".troubles button").first.click()
    expect(page.locator(".chosen pre")).to_contain_text("yyyy")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # What is long is cut where it would push everything else away.
    assert page.locator(".troubles").bounding_box()["height"] < 600  # type: ignore[index]


def test_a_link_to_anywhere_else_cannot_be_made(page: Page, place: Place) -> None:
    visit(page, place.at("hosts"))
    tried = page.evaluate(
        """async () => {
            const { element } = await import("./dom.js");
            const made = [];
            const others = ["javascript:alert(1)", "https://a.example", "//a.example", "/v1"];
            for (const href of others) {
                try { made.push(element("a", { href }).href); } catch { /* refused */ }
            }
            return made;
        }"""
    )
    assert tried == []
