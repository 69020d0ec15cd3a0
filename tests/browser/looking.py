"""What a reader sees on a page of the web view."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PATIENCE

expect.set_options(timeout=PATIENCE)


def settled(page: Page) -> None:
    """Wait until a page shows what was asked for."""
    # By a selector: a function that waits is evaluated in the page, whose policy forbids that.
    page.wait_for_selector("main:not([aria-busy])")


def visit(page: Page, address: str) -> None:
    """Go to a page and wait until it is there."""
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("main > :not(noscript)")
    settled(page)


def count(page: Page, state: str) -> Locator:
    """The number of hosts in a state, as the page says it."""
    return page.locator(f".count.is-{state} .number")


def expect_counts(page: Page, **counts: int) -> None:
    """Wait until the page says so many hosts are in these states."""
    for state, number in counts.items():
        expect(count(page, state)).to_have_text(str(number))


def expect_connection(page: Page, state: str) -> None:
    """Wait until the page says that it is ``live``, ``lost``, ``gone`` or ``ended``."""
    expect(page.locator(".connection")).to_have_attribute("data-state", state)


def cell(page: Page, at: int) -> list[int]:
    """The colour that most of the cloud's cell at a position has."""
    found: list[int] = page.evaluate(
        """(at) => {
            const canvas = document.querySelector(".cells");
            const box = canvas.getBoundingClientRect();
            const cloud = document.querySelector(".cloud");
            const columns = Number(cloud.dataset.columns);
            const [width, height] = [Number(cloud.dataset.width), Number(cloud.dataset.height)];
            const scale = canvas.width / box.width;
            const x = (at % columns) * width * scale;
            const y = Math.floor(at / columns) * height * scale;
            // A copy is read, so that the canvas of the page stays where it draws fast.
            const copy = new OffscreenCanvas(width * scale, height * scale).getContext("2d");
            copy.drawImage(canvas, -x, -y);
            const data = copy.getImageData(0, 0, width * scale, height * scale).data;
            const seen = new Map();
            for (let one = 0; one < data.length; one += 4) {
                // Gaps, and edges that are half of one.
                if (data[one + 3] < 255) continue;
                const key = data.slice(one, one + 4).join();
                seen.set(key, (seen.get(key) ?? 0) + 1);
            }
            const [most] = [...seen].sort((one, other) => other[1] - one[1])[0];
            return most.split(",").map(Number);
        }""",
        at,
    )
    return found


def colour(page: Page, name: str) -> list[int]:
    """A colour of the stylesheet, as pixels have it."""
    found: list[int] = page.evaluate(
        """(name) => {
            const style = getComputedStyle(document.documentElement);
            const text = style.getPropertyValue(`--${name}`).trim();
            return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)).concat(255);
        }""",
        name,
    )
    return found
