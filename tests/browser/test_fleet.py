"""The way through a fleet, and what is told of each thing on it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from craton.models import Group, Host
from craton.runs.models import HostState
from craton.variables import Variables
from tests.browser.conftest import Place
from tests.browser.looking import settled, visit
from tests.browser.stage import names


def add(place: Place, name: str, **fields: object) -> Host:
    return place.site.driver.create(Host(region_id=place.region.id, name=name, **fields))  # type: ignore[arg-type]


def test_the_way_leads_from_the_tenants_to_a_host(page: Page, place: Place) -> None:
    add(place, "web1", ip_address="192.0.2.1", variables=Variables({"port": 80}))
    page.goto(f"{place.site.origin}/ui/")
    for step in ("acme", "north", "web1"):
        page.locator("main").get_by_role("link", name=step, exact=True).click()
        expect(page.locator("h1")).to_have_text(step)
    expect(page.locator(".facts")).to_contain_text("192.0.2.1")
    expect(page).to_have_title("web1 · Craton")
    page.reload()
    expect(page.locator("h1")).to_have_text("web1")
    page.get_by_role("navigation", name="Where you are").get_by_role("link", name="north").click()
    expect(page.locator("h1")).to_have_text("north")
    page.go_back()
    expect(page.locator("h1")).to_have_text("web1")


def test_a_variable_tells_where_its_value_is_from_and_what_it_overrides(
    page: Page, place: Place
) -> None:
    driver = place.site.driver
    group = driver.create(
        Group(region_id=place.region.id, name="web", variables=Variables({"port": 80}))
    )
    host = add(place, "web1", groups=(group.id,), variables=Variables({"port": 8080}))
    visit(page, place.at("hosts", host.id))
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="port"))
    expect(row.get_by_role("cell")).to_have_text(
        ["8080", re.compile("host web1"), re.compile("group web")]
    )
    visit(page, place.at("groups", group.id))
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="port"))
    expect(row.get_by_role("cell")).to_have_text(["80", re.compile("group web"), "nothing"])
    expect(page.get_by_role("rowheader", name="web1")).to_be_visible()


def test_numbers_are_shown_as_they_are_written(page: Page, place: Place) -> None:
    host = add(place, "a", variables=Variables({"big": 12345678901234567890, "one": 1.0}))
    visit(page, place.at("hosts", host.id))
    for name, text in {"big": "12345678901234567890", "one": "1.0"}.items():
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))
        expect(row.get_by_role("cell").first).to_have_text(text)


def test_the_filters_of_the_api_choose_hosts(page: Page, place: Place) -> None:
    group = place.site.driver.create(Group(region_id=place.region.id, name="web"))
    for number in range(3):
        add(place, f"web{number}", groups=(group.id,), variables=Variables({"rack": f"r {number}"}))
    add(place, "db0")
    visit(page, place.at("hosts"))
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(4)
    field = page.get_by_label("Filter hosts")
    for text, number in {
        "group=web": 3,
        '"vars=rack:r 1"': 1,
        "db0": 1,
        "web0 web1": 2,
        "group=web name=web1": 1,
    }.items():
        field.fill(text)
        field.press("Enter")
        expect(rows).to_have_count(number)
    # The address has the filters, so it can be handed on.
    page.reload()
    expect(rows).to_have_count(1)
    expect(page.get_by_label("Filter hosts")).to_have_value("group=web name=web1")
    page.get_by_role("link", name="Show all").click()
    expect(rows).to_have_count(4)


def test_a_filter_that_the_api_refuses_is_refused_here(page: Page, place: Place) -> None:
    add(place, "web1")
    visit(page, place.at("hosts", query="?colour=red"))
    expect(page.get_by_role("alert")).to_contain_text("Bad Request (400)")
    expect(page.get_by_role("alert")).to_contain_text("colour")
    expect(page.get_by_label("Filter hosts")).to_have_value("colour=red")
    expect(page.get_by_role("table")).to_have_count(0)


def test_a_long_list_is_shown_by_pages(page: Page, place: Place) -> None:
    for name in names(230):
        add(place, name)
    visit(page, place.at("hosts"))
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(100)
    page.get_by_role("link", name="Next page").click()
    expect(rows.first).to_contain_text("web00100")
    page.get_by_role("link", name="Next page").click()
    expect(rows).to_have_count(30)
    page.reload()
    expect(rows.first).to_contain_text("web00200")
    page.get_by_role("link", name="First page").click()
    expect(rows.first).to_contain_text("web00000")


def test_a_host_tells_whether_it_was_reached_and_which_runs_touched_it(
    page: Page, place: Place
) -> None:
    host = add(place, "web1")
    visit(page, place.at("hosts", host.id))
    expect(page.locator("main")).to_contain_text("No run has tried to reach it yet.")
    play = place.play(["web1"])
    # The inventory's host and the run's are the same by their id.
    run = place.site.store.hosts(play.id).items[0].host_id
    place.site.driver.create(Host(id=run, region_id=place.region.id, name="web1-again"))
    play.finish(["web1"], HostState.UNREACHABLE, "Connection timed out")
    visit(page, place.at("hosts", run))
    expect(page.locator(".reached")).to_contain_text("not reached")
    expect(page.locator(".reached")).to_contain_text("Connection timed out")
    page.get_by_role("table", name="Runs").get_by_role("link", name="site.yml").click()
    expect(page.locator(".words")).to_contain_text("1 of 1 hosts done")


def test_what_does_not_exist_is_said_with_the_problem_of_the_api(page: Page, place: Place) -> None:
    visit(page, place.at("hosts", "nobody"))
    expect(page.get_by_role("alert")).to_contain_text("Not Found (404)")
    visit(page, f"{place.site.origin}/ui/#/no/such/page")
    expect(page.get_by_role("alert")).to_contain_text("There is no such page")
    visit(page, f"{place.site.origin}/ui/#/%E0%A4%A")
    expect(page.get_by_role("alert")).to_contain_text("There is no such page")


def test_a_service_that_is_away_can_be_asked_again(page: Page, place: Place) -> None:
    visit(page, place.at("hosts"))
    place.site.stop()
    page.get_by_role("link", name="Groups").click()
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    place.site.start()
    page.get_by_role("button", name="Try again").click()
    settled(page)
    expect(page.locator("main")).to_contain_text("This region has no group yet.")
