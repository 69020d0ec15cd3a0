"""Everything can be done without a mouse."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from craton.models import Host
from craton.runs.models import HostState
from tests.browser.conftest import Place
from tests.browser.looking import expect_counts
from tests.browser.stage import names

#: How often Tab is pressed at most before a test says that something cannot be reached.
MOST_TABS = 60


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has this name has the focus."""
    seen = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        text = page.evaluate(
            """(() => {
                const one = document.activeElement;
                const label = one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent;
                return label ?? one.textContent;
            })()"""
        )
        if name in text:
            return
        seen.append(text)
    raise AssertionError(f"{name} cannot be reached by Tab; these can: {seen}")


def test_a_run_is_started_watched_and_cancelled_by_keyboard(page: Page, place: Place) -> None:
    for name in names(30):
        place.site.driver.create(Host(region_id=place.region.id, name=name))
    page.goto(f"{place.site.origin}/ui/")
    expect(page.locator("h1")).to_be_focused()
    for step in ("acme", "north", "Runs", "Start a run"):
        tab_to(page, step)
        page.keyboard.press("Enter")
        expect(page.locator("main:not([aria-busy]) h1")).to_be_focused()
    tab_to(page, "Filter hosts")
    page.keyboard.type(" ".join(names(3)))
    tab_to(page, "Start the run")
    page.keyboard.press("Enter")
    expect_counts(page, pending=3)
    tab_to(page, "Cancel the run")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Let it go on")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    cancel = page.get_by_role("button", name="Cancel the run")
    expect(cancel).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".first .badge")).to_contain_text("cancelled")


def test_the_cells_are_walked_by_arrow_keys(page: Page, place: Place) -> None:
    hosts = names(400)
    play = place.play(hosts)
    play.finish([hosts[7], hosts[300]], HostState.FAILED, "broken")
    page.goto(place.at("runs", play.id))
    expect_counts(page, failed=2)
    tab_to(page, "one cell each")
    chosen = page.locator(".chosen h2")
    expect(chosen).to_have_text(hosts[0])
    columns = int(page.locator(".cloud").get_attribute("data-columns") or 0)
    assert 10 < columns < 100
    at = 0
    for key, move in {
        "ArrowRight": 1,
        "ArrowDown": columns,
        "ArrowLeft": -1,
        "ArrowUp": -columns,
        "End": 399,
    }.items():
        page.keyboard.press(key)
        at += move
        expect(chosen).to_have_text(hosts[at])
    # There is nothing behind the last one, and nothing happens.
    for key in ("ArrowRight", "ArrowDown", "PageDown"):
        page.keyboard.press(key)
        expect(chosen).to_have_text(hosts[-1])
    for key, name in {"Home": hosts[0], "n": hosts[7], "N": hosts[0]}.items():
        page.keyboard.press(key)
        if key != "N":
            expect(chosen).to_have_text(name)
    page.keyboard.press("Shift+N")
    option = page.get_by_role("option")
    expect(option).to_contain_text("failed, Install, broken")
    active = page.locator(".cloud").get_attribute("aria-activedescendant")
    expect(option).to_have_attribute("id", str(active))


def test_the_focus_stays_while_rows_move(page: Page, place: Place) -> None:
    hosts = names(50)
    play = place.play(hosts)
    page.goto(place.at("runs", play.id))
    expect_counts(page, pending=50)
    page.get_by_role("button", name=hosts[25], exact=True).focus()
    play.finish(hosts[20:40], HostState.FAILED, "broken")
    play.finish(hosts[:20], HostState.CHANGED)
    expect(page.locator(".hosts tbody tr").first).to_contain_text(hosts[20])
    expect(page.locator(".hosts tbody tr").nth(20)).to_contain_text("changed")
    expect(page.get_by_role("button", name=hosts[25], exact=True)).to_be_focused()


def test_the_content_can_be_gone_to_at_once(page: Page, place: Place) -> None:
    page.goto(place.at("hosts"))
    expect(page.locator("h1")).to_be_focused()
    page.locator("#skip").focus()
    expect(page.locator("#skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    expect(page.locator("h1")).to_have_text("north")
