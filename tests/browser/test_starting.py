"""Runs are started from the page as the API would have it, and found again in a list."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from craton.models import Group, Host
from craton.runs.models import HostState
from tests.browser.conftest import Place
from tests.browser.looking import expect_counts, visit
from tests.browser.stage import names


def test_a_run_is_started_with_what_was_chosen(page: Page, place: Place) -> None:
    driver = place.site.driver
    group = driver.create(Group(region_id=place.region.id, name="web"))
    for name in ("web1", "web2"):
        driver.create(Host(region_id=place.region.id, name=name, groups=(group.id,)))
    driver.create(Host(region_id=place.region.id, name="db1"))
    visit(page, place.at("groups", group.id))
    page.get_by_role("link", name="Run a playbook on it").click()
    page.get_by_label("Playbook").select_option("upgrade.yml")
    page.get_by_role("button", name="Which hosts are these?").click()
    expect(page.locator("form")).to_contain_text("2 hosts: web1, web2")
    page.get_by_label("Check only").check()
    page.get_by_label("Hosts to a batch").fill("7")
    page.get_by_label("Hosts at once in a batch").fill("3")
    page.get_by_label("Only tasks with one of these tags").fill("one, two")
    page.get_by_label("Extra variables").fill('{"version": "1.2"}')
    page.get_by_role("button", name="Start the run").click()
    expect_counts(page, pending=2)
    (run,) = place.site.taken.runs
    assert (run.playbook, run.check, run.tags) == ("upgrade.yml", True, ("one", "two"))
    assert (run.batch_size, run.forks) == (7, 3)
    assert dict(run.filters) == {"group": [group.id]}
    assert {row.host for row in place.site.store.hosts(run.id).items} == {"web1", "web2"}
    expect(page.locator(".words")).to_contain_text("waiting for a conductor")
    assert page.url.endswith(f"/runs/{run.id}")


def test_what_the_api_refuses_is_said_and_can_be_mended(page: Page, place: Place) -> None:
    place.site.driver.create(Host(region_id=place.region.id, name="web1"))
    visit(page, place.at("runs", "new"))
    start = page.get_by_role("button", name="Start the run")
    page.get_by_label("Extra variables").fill("[1]")
    start.click()
    expect(page.get_by_role("alert")).to_contain_text("no JSON object")
    page.get_by_label("Extra variables").fill("")
    page.get_by_label("Filter hosts").fill("colour=red")
    start.click()
    expect(page.get_by_role("alert")).to_contain_text("colour")
    assert place.site.taken.runs == []
    page.get_by_label("Filter hosts").fill("web1")
    start.click()
    expect_counts(page, pending=1)
    assert len(place.site.taken.runs) == 1


def test_the_list_of_runs_keeps_itself_up_to_date(page: Page, place: Place) -> None:
    page.clock.install()
    first = place.play(names(4), "run-1")
    visit(page, place.at("runs"))
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("0 of 4")
    first.finish(names(2), HostState.FAILED, "broken")
    place.play(names(9), "run-2")
    page.clock.fast_forward(5_500)
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("0 of 9")
    expect(rows.nth(1)).to_contain_text("2 failed")
