"""Debian's Chromium, started privately, and a witness of what its pages do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.services.process import binary

#: It runs as root in the places where tests run, without a screen, and asks nobody for anything.
_FLAGS = """
    --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync
""".split()

#: Tells of what the policy of a page stopped; scripts of the test itself are not subject to it.
_WITNESS = """
    document.addEventListener("securitypolicyviolation", (event) =>
        console.error("POLICY", event.violatedDirective, event.blockedURI));
"""


@contextmanager
def started() -> Iterator[Browser]:
    """Start a Chromium with an empty profile of its own; it ends with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary("chromium", "chromium"), args=_FLAGS
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Witness:
    """What a page did that none of its pages may do.

    Attributes:
        origin: Where everything must come from.
        faults: What was seen.
    """

    origin: str
    faults: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """See everything from now on."""
        page.add_init_script(_WITNESS)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", self._console)
        page.on("request", self._request)
        page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))

    def _console(self, message: ConsoleMessage) -> None:
        # That an answer was an error is what some tests are about.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.faults.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith(f"{self.origin}/"):
            self.faults.append(f"request: {request.url}")
