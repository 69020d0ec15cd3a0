"""Ten thousand hosts: nothing is left out, and the page stays small and quick."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from craton.runs.models import HostState
from tests.browser.conftest import Place
from tests.browser.looking import cell, colour, expect_connection, expect_counts, visit
from tests.browser.stage import names

TOTAL = 10_000

#: Elements; a page that had one for each host would have several times as many.
MOST_ELEMENTS = 2_500

_LONG_TASKS = """
    window.longTasks = [];
    new PerformanceObserver((list) => {
        longTasks.push(...list.getEntries().map((one) => one.duration));
    }).observe({ type: "longtask" });
"""


def test_ten_thousand_hosts_are_shown_and_followed(
    page: Page, place: Place, record_property: Callable[[str, object], None]
) -> None:
    page.add_init_script(_LONG_TASKS)
    hosts = names(TOTAL)
    play = place.play(hosts)
    play.finish(hosts[:4000], HostState.OK)
    visit(page, place.at("runs", play.id))
    expect_counts(page, ok=4000, pending=6000)
    expect_connection(page, "live")
    assert elements(page) < MOST_ELEMENTS
    assert cell(page, 3999) == colour(page, "cell-ok")
    play.finish(hosts[4000:7000], HostState.CHANGED)
    play.finish(hosts[7000:7300], HostState.FAILED, "broken")
    expect_counts(page, ok=4000, changed=3000, failed=300, pending=2700)
    assert cell(page, 6999) == colour(page, "cell-changed")
    assert elements(page) < MOST_ELEMENTS
    # Every host can be reached by keyboard, though there is no element for it.
    page.locator(".cloud").focus()
    page.keyboard.press("End")
    expect(page.locator(".chosen h2")).to_have_text(hosts[-1])
    option = page.get_by_role("option")
    expect(option).to_have_count(1)
    expect(option).to_have_attribute("aria-posinset", str(TOTAL))
    expect(option).to_have_attribute("aria-setsize", str(TOTAL))
    page.keyboard.press("n")
    expect(page.locator(".chosen h2")).to_have_text(hosts[7000])
    expect(page.locator(".hosts + .pager, section > .pager")).to_contain_text(f"100 of {TOTAL}")
    expect(page.locator(".troubles li").last).to_contain_text("and 270 more")
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".hosts tbody tr")).to_have_count(100)
    tasks = page.evaluate("longTasks")
    record_property("long_tasks", f"{len(tasks)}, the longest {max(tasks, default=0):.0f} ms")
    print(f"long tasks: {len(tasks)}, the longest {max(tasks, default=0):.0f} ms")


@pytest.mark.parametrize("width", [320, 1920])
def test_every_host_has_a_cell_in_sight_of_the_canvas(page: Page, place: Place, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 1080})
    hosts = names(TOTAL)
    play = place.play(hosts)
    play.finish([hosts[-1]], HostState.FAILED)
    visit(page, place.at("runs", play.id))
    expect_counts(page, failed=1)
    assert cell(page, TOTAL - 1) == colour(page, "cell-failed")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if width > 1000:
        # All of them at once, without scrolling.
        box = page.locator(".cells").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 1080


def elements(page: Page) -> int:
    return int(page.evaluate("document.querySelectorAll('*').length"))
