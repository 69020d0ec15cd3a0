"""What is shown stays true when the connection, the server or its memory is lost, or says so."""

from __future__ import annotations

from playwright.sync_api import Page, Request, expect

from craton.runs.models import HostState, RunState
from tests.browser.conftest import Place
from tests.browser.looking import expect_connection, expect_counts, visit
from tests.browser.serving import memory_store
from tests.browser.stage import names


def test_a_lost_connection_is_said_and_made_good(page: Page, place: Place) -> None:
    hosts = names(100)
    play = place.play(hosts)
    visit(page, place.at("runs", play.id))
    play.finish(hosts[:10], HostState.OK)
    expect_counts(page, ok=10)
    expect_connection(page, "live")
    place.site.stop()
    expect_connection(page, "lost")
    expect(page.locator(".connection")).to_contain_text("Reconnecting…")
    # The run goes on while nobody can be told of it.
    play.finish(hosts[10:60], HostState.OK)
    play.finish(hosts[60:63], HostState.UNREACHABLE, "no route")
    expect_counts(page, ok=10)
    place.site.start()
    expect_counts(page, ok=60, unreachable=3, pending=37)
    expect_connection(page, "live")


def test_events_that_are_gone_are_made_good_by_the_truth(page: Page, place: Place) -> None:
    hosts = names(60)
    place.site.stop()
    place.site.start(memory_store(max_events=5))
    play = place.play(hosts)
    visit(page, place.at("runs", play.id))
    expect_connection(page, "live")
    place.site.stop()
    expect_connection(page, "lost")
    play.finish(hosts[:50], HostState.OK)
    place.site.start()
    expect_counts(page, ok=50, pending=10)
    play.finish(hosts[50:52], HostState.OK)
    expect_counts(page, ok=52)


def test_a_server_that_forgot_the_run_is_said_plainly(page: Page, place: Place) -> None:
    hosts = names(30)
    play = place.play(hosts)
    visit(page, place.at("runs", play.id))
    play.finish(hosts[:10], HostState.OK)
    expect_counts(page, ok=10)
    place.site.stop()
    place.site.start(memory_store())
    expect_connection(page, "gone")
    expect(page.locator(".connection")).to_contain_text("does not know this run any more")
    expect_counts(page, ok=10)
    expect(page.locator(".about").get_by_role("button")).to_be_hidden()


def test_a_run_that_never_was_is_said_plainly(page: Page, place: Place) -> None:
    visit(page, place.at("runs", "nothing"))
    expect_connection(page, "gone")


def test_a_stream_that_fell_silent_is_taken_up_anew(page: Page, place: Place) -> None:
    page.clock.install()
    hosts = names(30)
    play = place.play(hosts)
    streams: list[str | None] = []

    def note(request: Request) -> None:
        if request.url.endswith("/events"):
            streams.append(request.headers.get("last-event-id"))

    page.on("request", note)
    visit(page, place.at("runs", play.id))
    play.finish(hosts[:2], HostState.OK)
    expect_counts(page, ok=2)
    assert len(streams) == 1
    page.clock.fast_forward(41_000)
    expect_connection(page, "lost")
    page.clock.fast_forward(2_000)
    expect_connection(page, "live")
    play.finish(hosts[2:4], HostState.OK)
    expect_counts(page, ok=4)
    last = place.site.store.get(play.id).last_event
    assert streams[1:] == [str(last - 4)]


def test_nobody_asks_for_a_run_that_has_ended(page: Page, place: Place) -> None:
    hosts = names(30)
    play = place.play(hosts)
    play.finish(hosts, HostState.OK)
    play.end(RunState.SUCCEEDED)
    streams: list[str] = []

    def note(request: Request) -> None:
        if "/events" in request.url:
            streams.append(request.url)

    page.on("request", note)
    visit(page, place.at("runs", play.id))
    expect_connection(page, "ended")
    expect_counts(page, ok=30)
    assert streams == []
