"""One browser for all tests, a service for each, and a page on which nothing may go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from craton.models import Region, Tenant
from tests.browser import chromium
from tests.browser.chromium import Witness
from tests.browser.serving import Site
from tests.browser.stage import Play

#: Milliseconds; longer than anything takes on a busy machine, so that only a hang meets it.
PATIENCE = 30_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all of them on one worker: they share one browser."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.service)


# Playwright has an event loop of its own in this thread, and other tests want theirs.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium.started() as browser:
        yield browser


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A service with playbooks and an empty inventory."""
    site = Site(tmp_path, playbooks=("site.yml", "upgrade.yml"))
    site.start()
    yield site
    site.stop()


@dataclass
class Place:
    """A region in which runs are played, and the addresses of its pages."""

    site: Site
    tenant: Tenant
    region: Region

    def at(self, *parts: str, query: str = "") -> str:
        """Return the address of a page of the region."""
        way = "/".join(("tenants", self.tenant.id, "regions", self.region.id, *parts))
        return f"{self.site.origin}/ui/#/{way}{query}"

    def play(self, hosts: list[str], id: str = "run-1") -> Play:
        """Begin a run."""
        return Play(self.site.store, self.region.id, hosts, id)


def placed(site: Site) -> Place:
    """Return a region of a site."""
    tenant = site.driver.create(Tenant(name="acme"))
    return Place(site, tenant, site.driver.create(Region(tenant_id=tenant.id, name="north")))


@pytest.fixture
def place(site: Site) -> Place:
    return placed(site)


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Open pages with options of the browser; at the end nothing went wrong on any of them."""
    witness = Witness(site.origin)
    contexts: list[BrowserContext] = []

    def open_page(**options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        witness.watch(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert witness.faults == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
