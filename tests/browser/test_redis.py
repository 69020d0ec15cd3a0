"""With a Redis a run outlives the server that shows it, and so does the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from craton.runs.models import HostState, RunState
from craton.runs.redis import RedisRunStore
from craton.runs.store import RunStore
from tests.browser.conftest import Place, placed
from tests.browser.looking import expect_connection, expect_counts, visit
from tests.browser.serving import Site
from tests.browser.stage import Play, names
from tests.services import redis
from tests.services.redis import Redis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that keeps everything on disk."""
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with redis.started(tmp_path / "redis", options) as server:
        yield server


def connected(server: Redis) -> RunStore:
    store = RedisRunStore(f"redis://127.0.0.1:{server.port}/0", max_events=10_000, keep_days=1)
    store.open()
    return store


@pytest.fixture
def conductor(server: Redis) -> Iterator[RunStore]:
    """The store as whoever carries out runs has it."""
    store = connected(server)
    yield store
    store.close()


@pytest.fixture
def place(site: Site, server: Redis) -> Iterator[Place]:
    site.stop()
    site.start(connected(server))
    yield placed(site)
    site.store.close()


def test_a_server_that_is_restarted_in_the_middle_of_a_run(
    page: Page, place: Place, server: Redis, conductor: RunStore
) -> None:
    hosts = names(80)
    play = Play(conductor, place.region.id, hosts)
    visit(page, place.at("runs", play.id))
    play.finish(hosts[:20], HostState.OK)
    expect_counts(page, ok=20)
    place.site.stop()
    place.site.store.close()
    expect_connection(page, "lost")
    play.finish(hosts[20:50], HostState.CHANGED)
    place.site.start(connected(server))
    expect_connection(page, "live")
    expect_counts(page, ok=20, changed=30, pending=30)
    play.finish(hosts[50:], HostState.OK)
    play.end(RunState.SUCCEEDED)
    expect_connection(page, "ended")
    expect_counts(page, ok=50, changed=30, pending=0)


def test_a_redis_that_is_restarted_in_the_middle_of_a_run(
    page: Page, place: Place, server: Redis, conductor: RunStore
) -> None:
    hosts = names(40)
    play = Play(conductor, place.region.id, hosts)
    visit(page, place.at("runs", play.id))
    play.finish(hosts[:20], HostState.OK)
    expect_counts(page, ok=20)
    server.process.kill()
    # A page that is opened now says what is the matter, and comes by itself to what it should show.
    page.reload()
    expect(page.locator(".connection")).to_contain_text("503")
    expect_connection(page, "lost")
    server.process.start()
    expect_counts(page, ok=20, pending=20)
    play.finish(hosts[20:], HostState.OK)
    play.end(RunState.SUCCEEDED)
    expect_connection(page, "ended")
    expect_counts(page, ok=40, pending=0)
