"""The cloud progress bar is true while a run goes on, and after."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from craton.runs.models import HostState, RunState
from tests.browser.conftest import Place
from tests.browser.looking import cell, colour, expect_connection, expect_counts, visit
from tests.browser.stage import names


def test_counts_cells_and_words_follow_the_run(page: Page, place: Place) -> None:
    hosts = names(200)
    play = place.play(hosts)
    visit(page, place.at("runs", play.id))
    expect_counts(page, pending=200)
    assert cell(page, 0) == colour(page, "cell-empty")
    play.finish(hosts[:50], HostState.OK)
    play.finish(hosts[50:60], HostState.CHANGED)
    play.tell([play.task(host, HostState.OK) for host in hosts[60:70]])
    expect_counts(page, ok=50, changed=10, running=10, pending=130)
    expect(page.locator(".words")).to_have_text("60 of 200 hosts done · all well")
    expect(page.locator(".percent")).to_have_text("30\u202f%")
    assert cell(page, 0) == colour(page, "cell-ok")
    assert cell(page, 50) == colour(page, "cell-changed")
    expect_connection(page, "live")
    play.finish(hosts[60:], HostState.OK)
    play.end(RunState.SUCCEEDED)
    expect_connection(page, "ended")
    expect_counts(page, ok=190, changed=10, running=0, pending=0)
    expect(page.locator(".summary")).to_have_attribute("data-tone", "good")
    expect(page).to_have_title(re.compile("^100\u202f% · site.yml"))


def test_a_failing_host_is_shown_as_such_before_it_is_done(page: Page, place: Place) -> None:
    hosts = names(150)
    play = place.play(hosts)
    visit(page, place.at("runs", play.id))
    play.tell([play.task(hosts[3], HostState.FAILED, message="no space left")])
    expect(page.locator(".words")).to_contain_text("1 in trouble")
    expect_counts(page, failed=0, running=1)
    expect(page.locator(".troubles li")).to_have_text(
        re.compile("failing, still running.*web00003.*no space left")
    )
    assert cell(page, 3) == colour(page, "cell-failed")
    # A task of the playbook rescues it, while it is still at work.
    play.tell([play.task(hosts[3], HostState.OK)])
    expect(page.locator(".words")).to_have_text("0 of 150 hosts done · all well")
    expect_counts(page, running=1)
    play.finish([hosts[3]], HostState.CHANGED)
    expect(page.locator(".words")).to_have_text("1 of 150 hosts done · all well")
    expect(page.locator(".troubles li")).to_have_text("No host.")


def test_failed_hosts_come_first_then_unreachable_ones(page: Page, place: Place) -> None:
    hosts = names(130)
    play = place.play(hosts)
    play.finish(hosts[:100], HostState.OK)
    play.finish([hosts[100]], HostState.UNREACHABLE, "no route to host")
    play.finish([hosts[129]], HostState.FAILED, "no such package")
    visit(page, place.at("runs", play.id))
    rows = page.locator(".hosts tbody tr")
    expect(rows.nth(0)).to_contain_text(re.compile("web00129.*failed.*no such package"))
    expect(rows.nth(1)).to_contain_text(re.compile("web00100.*unreachable.*no route to host"))
    expect(page.locator(".troubles li")).to_contain_text(["web00129", "web00100"])
    expect(page.locator(".summary")).to_have_attribute("data-tone", "alarm")
    page.get_by_role("button", name="28 pending").click()
    expect(rows).to_have_count(28)
    page.get_by_role("button", name="28 pending").click()
    page.get_by_label("Name contains").fill("WEB0012")
    expect(rows).to_have_count(10)


def click_on_cell(page: Page, *, column: int, row: int) -> int:
    """Click on a cell where it lies, once nothing moves it any more; return how many columns."""
    cloud = page.locator(".cloud")
    while True:
        lies = [cloud.get_attribute(f"data-{name}") for name in ("width", "height", "columns")]
        width, height, columns = (int(number or 0) for number in lies)
        page.locator(".cells").click(
            position={"x": width * (column + 0.5), "y": height * (row + 0.5)}
        )
        if lies == [cloud.get_attribute(f"data-{n}") for n in ("width", "height", "columns")]:
            return columns


def test_a_click_on_a_cell_tells_of_its_host(page: Page, place: Place) -> None:
    hosts = names(300)
    play = place.play(hosts)
    play.finish([hosts[1]], HostState.FAILED, "the last message\non two lines")
    visit(page, place.at("runs", play.id))
    click_on_cell(page, column=1, row=0)
    chosen = page.locator(".chosen")
    expect(chosen.get_by_role("link")).to_have_text("web00001")
    expect(chosen).to_contain_text("Install")
    expect(chosen.locator("pre")).to_have_text("the last message\non two lines")
    columns = click_on_cell(page, column=0, row=1)
    expect(chosen.get_by_role("link")).to_have_text(hosts[columns])
    play.tell([play.task(hosts[columns], HostState.OK, task="Restart nginx")])
    expect(chosen).to_contain_text("Restart nginx")


def test_a_reload_in_the_middle_shows_the_same(page: Page, place: Place) -> None:
    hosts = names(120)
    play = place.play(hosts)
    visit(page, place.at("runs", play.id))
    play.finish(hosts[:40], HostState.OK)
    play.finish(hosts[40:44], HostState.FAILED, "broken")
    expect_counts(page, ok=40, failed=4, pending=76)
    page.reload()
    expect_counts(page, ok=40, failed=4, pending=76)
    play.finish(hosts[44:], HostState.OK)
    expect_counts(page, ok=116, failed=4, pending=0)
    expect(page.locator(".troubles li")).to_have_count(4)


def test_the_end_of_a_run_ends_what_its_hosts_were_at(page: Page, place: Place) -> None:
    hosts = names(20)
    play = place.play(hosts)
    visit(page, place.at("runs", play.id))
    play.tell([play.task(host, HostState.OK) for host in hosts[:5]])
    expect_counts(page, running=5)
    play.end(RunState.FAILED, "the conductor was told to stop")
    expect_connection(page, "ended")
    expect_counts(page, running=0, failed=5, pending=15)
    expect(page.locator(".about pre")).to_have_text("the conductor was told to stop")


def test_a_run_is_cancelled_by_who_means_it(page: Page, place: Place) -> None:
    play = place.play(names(10))
    visit(page, place.at("runs", play.id))
    cancel = page.locator(".about").get_by_role("button")
    cancel.click()
    page.get_by_role("dialog").get_by_role("button", name="Let it go on").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert not place.site.store.get(play.id).cancelling
    cancel.click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the run").click()
    expect(cancel).to_have_text("Being cancelled…")
    expect(page.locator(".first .badge")).to_contain_text("cancelling")
    assert place.site.store.get(play.id).cancelling
    play.end(RunState.CANCELLED)
    expect(page.locator(".first .badge")).to_contain_text("cancelled")
    expect(cancel).to_be_hidden()


def test_a_takeover_is_told(page: Page, place: Place) -> None:
    play = place.play(names(10))
    visit(page, place.at("runs", play.id))
    expect_connection(page, "live")
    place.site.store.claim(play.id)
    expect(page.locator(".notes")).to_contain_text("Another conductor took it over (attempt 2).")
