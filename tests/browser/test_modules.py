"""The parts of the page that know nothing of a page, each for itself."""

from __future__ import annotations

import dataclasses
import json
import random
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page

from craton.api.event_stream import event_document
from craton.api.run_documents import host_document, run_document
from craton.runs.models import EventType, HostState, Report, RunState
from tests.browser.conftest import Place
from tests.browser.stage import Play, names

#: Bytes of a stream, in the pieces in which they arrive, and what they tell.
STREAMS = {
    "a whole message": (["id: 1\nevent: a\ndata: x\n\n"], [("1", "a", "x")]),
    "a byte at a time": (list("id: 1\r\nevent: a\r\ndata: x\r\n\r\n"), [("1", "a", "x")]),
    "carriage returns alone": (["id:1\revent:a\rdata:x\r\rdata:y\r\r\r"], None),
    "data on two lines": (["data: x\ndata:  y\n\n"], [("", "message", "x\n y")]),
    "comments and unknown fields": ([":\n\n", "retry: 5\nfoo: b\ndata: x\n\n"], None),
    "no data, no message": (["id: 7\nevent: a\n\n", "data: x\n\n"], [("7", "message", "x")]),
    "a message that is broken off": (["data: x\n\ndata: y\n"], [("", "message", "x")]),
    "an id with a NUL is none": (["id: 1\0\ndata: x\n\n"], [("", "message", "x")]),
    "a field without a colon": (["data\n\n"], [("", "message", "")]),
}
STREAMS["carriage returns alone"] = (
    STREAMS["carriage returns alone"][0],
    [("1", "a", "x"), ("1", "message", "y")],
)
STREAMS["comments and unknown fields"] = (
    STREAMS["comments and unknown fields"][0],
    [("", "message", "x")],
)


@pytest.fixture
def blank(page: Page, place: Place) -> Page:
    """A page of the site that does nothing."""
    page.goto(f"{place.site.origin}/ui/icon.svg")
    return page


def test_streams_are_read_as_the_standard_says(blank: Page) -> None:
    for title, (pieces, expected) in STREAMS.items():
        found = blank.evaluate(
            """async (pieces) => {
                const { messages } = await import("/ui/sse.js");
                const bytes = pieces.map((piece) => new TextEncoder().encode(piece));
                const stream = new ReadableStream({
                    start(to) { bytes.forEach((one) => to.enqueue(one)); to.close(); },
                });
                const found = [];
                for await (const one of messages(stream)) found.push([one.id, one.type, one.data]);
                return found;
            }""",
            pieces,
        )
        assert [tuple(one) for one in found] == expected, title


def test_letters_may_be_cut_in_two(blank: Page) -> None:
    found = blank.evaluate(
        """async () => {
            const { messages } = await import("/ui/sse.js");
            const bytes = new TextEncoder().encode("data: \u00fc\U0001f600\\n\\n");
            const stream = new ReadableStream({
                start(to) { bytes.forEach((one) => to.enqueue(Uint8Array.of(one))); to.close(); },
            });
            for await (const one of messages(stream)) return one.data;
        }"""
    )
    assert found == "\u00fc\U0001f600"


def played_at_random(play: Play, hosts: list[str], rng: random.Random) -> Report:
    """What could happen next to one of some hosts, likely or not."""
    host, kind = rng.choice(hosts), rng.random()
    if kind < 0.25:
        state = rng.choice([state for state in HostState if state.is_final])
        word = play.last_word(host, state)
        return dataclasses.replace(word, message=rng.choice(["", "the end"]))
    if kind < 0.3:
        return Report(
            type=rng.choice([EventType.TASK_STARTED, EventType.BATCH_RESTARTED]),
            time=datetime.now(UTC),
            task="a task",
            data={"batch": 0},
        )
    outcome = rng.choice([state for state in HostState if state.is_final])
    task = play.task(host, outcome, rng.choice(["", "one", "two"]), rng.choice(["", "said"]))
    return dataclasses.replace(task, host_state=rng.choice([None, HostState.RUNNING]))


@pytest.mark.parametrize("seed", range(10))
def test_whoever_follows_knows_what_the_store_knows(blank: Page, place: Place, seed: int) -> None:
    rng = random.Random(seed)
    hosts = names(12)
    play = place.play(hosts, f"run-{seed}")
    store = place.site.store

    def rows() -> list[dict[str, object]]:
        documents = [host_document(row) for row in store.hosts(play.id).items]
        found: list[dict[str, object]] = json.loads(json.dumps(documents))
        return found

    play.tell(played_at_random(play, hosts, rng) for _ in range(rng.randrange(30)))
    # The run is read, then its hosts; what happens between the two is told again by events.
    run = run_document(store.get(play.id))
    play.tell(played_at_random(play, hosts, rng) for _ in range(rng.randrange(10)))
    before = rows()
    play.tell(played_at_random(play, hosts, rng) for _ in range(rng.randrange(40)))
    if seed % 2:
        play.end(RunState.CANCELLED, "enough")
    after = int(str(run["last_event"]))
    events = [event_document(event) for event in store.events(play.id, after=after).items]
    seen = blank.evaluate(
        """async ([run, hosts, events]) => {
            const { Picture } = await import("/ui/picture.js");
            const picture = new Picture(run);
            picture.setHosts(hosts);
            const understood = events.every((event) => picture.apply(event));
            return { understood, hosts: picture.hosts, counts: picture.counts, run: picture.run };
        }""",
        json.loads(json.dumps([run, before, events])),
    )
    assert seen["understood"]
    truth = rows()
    if seed % 2:
        # What the end of the run does to hosts that were at work is read, not told.
        running = {row["host_id"] for row in seen["hosts"] if row["state"] == "running"}
        truth = [row for row in truth if row["host_id"] not in running]
        seen["hosts"] = [row for row in seen["hosts"] if row["host_id"] not in running]
        assert seen["run"]["state"] == "cancelled"
        assert seen["run"]["reason"] == "enough"
    else:
        progress = dict(run_document(store.get(play.id))["progress"])  # type: ignore[call-overload]
        assert seen["counts"] == {key: progress[key] for key in seen["counts"]}
    assert seen["hosts"] == truth
