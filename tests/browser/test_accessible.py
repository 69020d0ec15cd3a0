"""axe-core finds nothing on any view, in both colour schemes, and no window is too narrow."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

import pytest
from playwright.sync_api import Page, expect

from craton.models import Group, Host
from craton.runs.models import HostState
from craton.variables import Variables
from tests.browser.conftest import Place
from tests.browser.looking import expect_connection, expect_counts, visit
from tests.browser.stage import names
from tests.waiting import until

_AXE = (files("axe_playwright_python") / "axe.min.js").read_text()

VIEWS = {
    "tenants": None,
    "regions": None,
    "hosts": ("hosts",),
    "host": ("hosts", "host"),
    "groups": ("groups",),
    "group": ("groups", "group"),
    "variables": ("variables",),
    "runs": ("runs",),
    "new run": ("runs", "new"),
    "run": ("runs", "run-1"),
    "small run": ("runs", "run-2"),
    "lost run": ("runs", "run-3"),
    "problem": ("hosts", "nobody"),
}


@pytest.fixture
def filled(place: Place) -> Place:
    """A region with something on every view."""
    driver, region = place.site.driver, place.region.id
    group = Group(id="group", region_id=region, name="web", variables=Variables({"port": 80}))
    driver.create(group)
    big = {"port": 8080, "list": [{"key": "value" * 20}] * 20}
    for id, name in (("host", "web1"), ("other", "w" * 200)):
        driver.create(
            Host(
                id=id,
                region_id=region,
                name=name,
                groups=("group",),
                ip_address="192.0.2.1",
                variables=Variables(big),
                active=id == "host",
            )
        )
    for id, number in (("run-1", 400), ("run-2", 12), ("run-3", 3)):
        hosts = names(number)
        play = place.play(hosts, id)
        play.finish(hosts[::4], HostState.OK)
        play.finish(hosts[1::8], HostState.CHANGED)
        play.finish(hosts[2::9][:3], HostState.FAILED, "no such package\n" * 40)
        play.finish(hosts[5:7], HostState.UNREACHABLE, "no route to host " * 20)
        play.tell([play.task(host, HostState.FAILED, message="trying") for host in hosts[7:8]])
        play.tell([play.task(host, HostState.OK) for host in hosts[10:11]])
    return place


def go(page: Page, place: Place, view: str) -> None:
    """Open a view and wait until everything is on it."""
    parts = VIEWS[view]
    if parts is None:
        visit(page, f"{place.site.origin}/ui/#/" + ("tenants" if view == "tenants" else ""))
        if view == "regions":
            page.get_by_role("link", name="acme").click()
            expect(page.locator("h1")).to_have_text("acme")
        return
    visit(page, place.at(*parts))
    if parts[-1].startswith("run-"):
        expect_connection(page, "live")
        page.locator(".cloud").focus()
        page.keyboard.press("n")
        expect(page.locator(".chosen pre, .chosen .badge").first).to_be_visible()
    if view == "lost run":
        place.site.stop()
        expect_connection(page, "lost")


def violations(page: Page, *rules: str) -> list[str]:
    """What axe-core says by these rules, or by all of them, a line each."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(_AXE)
    found = page.evaluate(
        """(rules) => axe.run(document, {
            resultTypes: ["violations"],
            ...(rules.length && { runOnly: { type: "rule", values: rules } }),
        })""",
        rules,
    )
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing(open_page: Callable[..., Page], filled: Place, scheme: str) -> None:
    page = open_page(
        color_scheme=scheme, viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    # But for colours, what is true of one scheme is true of the other.
    rules = ("color-contrast",) if scheme == "light" else ()
    found = {}
    for view in VIEWS:
        go(page, filled, view)
        found[view] = violations(page, *rules)
        if view == "run":
            page.locator(".about").get_by_role("button").click()
            found["dialog"] = violations(page, *rules)
        if view == "lost run":
            filled.site.start()
            expect_connection(page, "live")
    assert {view: lines for view, lines in found.items() if lines} == {}


def test_axe_would_find_something(page: Page, filled: Place) -> None:
    go(page, filled, "hosts")
    page.evaluate("document.querySelector('label').remove()")
    assert [line for line in violations(page) if line.startswith("label")]


@pytest.mark.parametrize("width", [320, 768])
def test_no_view_is_wider_than_a_narrow_window(
    open_page: Callable[..., Page], filled: Place, width: int
) -> None:
    page = open_page(viewport={"width": width, "height": 640}, reduced_motion="reduce")
    wide = {}
    for view in VIEWS:
        if view == "lost run":
            continue
        go(page, filled, view)
        wide[view] = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        # Nothing that can be pressed is cut off at the edge, but in what scrolls by itself.
        wide[f"{view}: controls"] = page.evaluate(
            """[...document.querySelectorAll("a, button, input, select, textarea")].filter((one) =>
                !one.closest(".scroll, .unseen, .skip") && one.getClientRects().length
                && one.getBoundingClientRect().right > innerWidth).length"""
        )
    assert {view: more for view, more in wide.items() if more > 0} == {}


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_cells_pulse_but_not_for_who_wants_no_motion(
    open_page: Callable[..., Page], filled: Place, motion: str
) -> None:
    page = open_page(reduced_motion=motion)
    page.clock.install()
    go(page, filled, "run")
    before = page.evaluate("document.querySelector('.cells').toDataURL()")
    page.clock.fast_forward(750)
    after = page.evaluate("document.querySelector('.cells').toDataURL()")
    assert (after == before) == (motion == "reduce")
    how_long = page.evaluate(
        "getComputedStyle(document.querySelector('.count')).transitionDuration"
    )
    assert (how_long == "0s") == (motion == "reduce")


def test_who_turns_the_lights_on_sees_other_colours(page: Page, filled: Place) -> None:
    page.emulate_media(color_scheme="dark")
    go(page, filled, "run")
    drawn = "document.querySelector('.cells').toDataURL()"
    before = page.evaluate(drawn)
    page.emulate_media(color_scheme="light")
    until(lambda: page.evaluate(drawn) != before)
    expect_counts(page, failed=2)
