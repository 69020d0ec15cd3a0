"""From the store to the clients: news to those who have all that was before, old events to others.

Whoever comes is sent what it lacks, page by page as fast as it takes them, and joins those who have
everything once nothing is left. Whoever cannot keep up leaves them again, and is sent pages. So no
more than a little waits for anybody, and nothing is left out or sent twice.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from craton.api import event_stream
from craton.api.event_stream import Frame
from craton.api.follower import Follower
from craton.errors import NotFound, Unavailable
from craton.runs.models import Run
from craton.runs.store import EventPage, RunStore

T = TypeVar("T")

LOG = logging.getLogger(__name__)

#: How long to wait for news, in seconds; whoever follows another run waits so long at most until
#: the store is asked about that.
_WAIT: Final = 0.2

#: How long at least between two times that everybody is written to, in seconds: what happens
#: meanwhile is written in one piece.
_INTERVAL: Final = 0.05

#: How long to wait before a store that is away is asked again, in seconds.
_AWAY: Final = 0.5

#: How many old events are read at once, and by how many threads.
_PAGE: Final = 200
_READERS: Final = 4

#: About how many bytes are written to one client at once.
_CHUNK: Final = 2**16


@dataclass
class Topic:
    """A run that somebody follows.

    Attributes:
        position: The number of the last event that was written to all.
        followers: Those who have everything up to there.
    """

    position: int
    followers: set[Follower] = field(default_factory=set)


class Feed:
    """Reads events once for all clients.

    Args:
        store: Keeps the runs.
        loop: Runs whatever writes to clients; all that is not said to be for another thread is
            called in it.
    """

    def __init__(self, store: RunStore, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop
        self._followers: set[Follower] = set()
        self._topics: dict[str, Topic] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="old-events")
        self._lock = threading.Lock()
        self._wanted: dict[str, int] = {}
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read_news, name="events", daemon=True)

    def start(self) -> None:
        """Begin to ask for news."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; any thread may call this."""
        self._stopped.set()
        self._wake.set()

    def close(self) -> None:
        """Let the threads go that read old events; nobody follows any more."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    def drop_all(self) -> None:
        """Close all connections."""
        for follower in list(self._followers):
            follower.finish()

    def beat(self) -> None:
        """Look after everybody; to be called about every second."""
        now = time.monotonic()
        for follower in list(self._followers):
            follower.beat(now)

    def follow(self, follower: Follower, run: Run) -> None:
        """Send a client what it lacks, and let it have what comes.

        Args:
            follower: The client, connected.
            run: The run as it was when the client came.
        """
        self._followers.add(follower)
        follower.left = self._forget
        begin = event_stream.beginning(run, follower.position)
        follower.position = begin.position
        follower.send(begin.content)
        if begin.is_end:
            follower.finish()
        else:
            self._start_over(follower)

    # -- what one client lacks -----------------------------------------------------------------

    async def _catch_up(self, follower: Follower) -> None:
        while follower.is_connected:
            try:
                page = await self._old(follower)
            except NotFound:
                follower.finish()
                return
            follower.send(event_stream.missing(page, follower.position))
            for chunk in _chunks(event_stream.frames(page.items)):
                _write(follower, chunk)
                await follower.drain()
            if len(page.items) == _PAGE or not follower.is_connected:
                continue
            if self._join(follower):
                return

    async def _old(self, follower: Follower) -> EventPage:
        """Return a page of what a client lacks, however long the store is away."""
        was_away = False
        while follower.is_connected:
            try:
                if was_away:
                    run = await self._read(partial(self._store.get, follower.run_id))
                    _step_back(follower, run.last_event)
                return await self._read(
                    partial(
                        self._store.events, follower.run_id, after=follower.position, limit=_PAGE
                    )
                )
            except Unavailable:
                was_away = True
                await asyncio.sleep(_AWAY)
        return EventPage(items=(), missing=False)

    def _read(self, call: Callable[[], T]) -> asyncio.Future[T]:
        return self._loop.run_in_executor(self._readers, call)

    def _join(self, follower: Follower) -> bool:
        """Let a client have what is new, unless it lacks something that others have."""
        topic = self._topics.setdefault(follower.run_id, Topic(follower.position))
        if topic.position > follower.position:
            return False
        topic.followers.add(follower)
        follower.joined = True
        with self._lock:
            self._wanted[follower.run_id] = topic.position
        self._wake.set()
        return True

    def _forget(self, follower: Follower) -> None:
        self._followers.discard(follower)
        self._part(follower)

    def _part(self, follower: Follower) -> None:
        """Let a client have nothing that is new."""
        follower.joined = False
        topic = self._topics.get(follower.run_id)
        if topic is None:
            return
        topic.followers.discard(follower)
        if not topic.followers:
            self._drop(follower.run_id)

    def _drop(self, run_id: str) -> None:
        del self._topics[run_id]
        with self._lock:
            self._wanted.pop(run_id, None)

    # -- what is new, for all ------------------------------------------------------------------

    def _read_news(self) -> None:
        """Ask for news until the end; this is a thread of its own."""
        was_away = False
        while not self._stopped.is_set():
            with self._lock:
                after = dict(self._wanted)
                if not after:
                    self._wake.clear()
            if not after:
                self._wake.wait()
                continue
            began = time.monotonic()
            try:
                if was_away:
                    self._look_back(after)
                    was_away = False
                    continue
                pages = self._store.wait(after, _WAIT)
            except Unavailable:
                was_away = True
                self._stopped.wait(_AWAY)
                continue
            except Exception:
                # Whatever it is, this thread goes on: nobody else does its work.
                LOG.exception("Events cannot be read; trying again")
                self._stopped.wait(_AWAY)
                continue
            self._hand_on(pages, after)
            if pages:
                self._stopped.wait(max(0.0, _INTERVAL - (time.monotonic() - began)))

    def _hand_on(self, pages: Mapping[str, EventPage], after: Mapping[str, int]) -> None:
        for run_id, page in pages.items():
            position = after[run_id]
            gap = event_stream.missing(page, position)
            for chunk in _chunks(event_stream.frames(page.items)):
                self._in_loop(partial(self._deliver, run_id, position, gap, chunk))
                position, gap = chunk[-1].id, b""

    def _deliver(self, run_id: str, position: int, gap: bytes, chunk: Sequence[Frame]) -> None:
        """Write what is new to those who have all up to a position."""
        topic = self._topics.get(run_id)
        if topic is None or topic.position != position:
            return  # Everybody went, and somebody else came: they are not asked for yet.
        whole, last = gap + b"".join(frame.content for frame in chunk), chunk[-1]
        topic.position = last.id
        with self._lock:
            self._wanted[run_id] = last.id
        for follower in list(topic.followers):
            if follower.is_behind and not last.end:
                self._part(follower)
                self._start_over(follower)
            elif follower.position == position:
                follower.send(whole + last.end)
                follower.position = last.id
            else:
                _write(follower, [frame for frame in chunk if frame.id > follower.position])
            if last.end:
                follower.finish()

    def _look_back(self, after: Mapping[str, int]) -> None:
        """Find out what a store lost that was away; it may not have kept all that was sent."""
        for run_id, position in after.items():
            try:
                last = self._store.get(run_id).last_event
            except NotFound:
                self._in_loop(partial(self._end, run_id))
                continue
            if last < position:
                self._in_loop(partial(self._rewind, run_id, last))

    def _rewind(self, run_id: str, last: int) -> None:
        topic = self._topics.get(run_id)
        if topic is None:
            return
        for follower in topic.followers:
            _step_back(follower, last)
        topic.position = last
        with self._lock:
            self._wanted[run_id] = last

    def _end(self, run_id: str) -> None:
        topic = self._topics.get(run_id)
        for follower in list(topic.followers) if topic else ():
            follower.finish()

    def _in_loop(self, call: Callable[[], None]) -> None:
        """Let the loop do something, and wait until it is done or everything ends."""
        done = threading.Event()

        def run() -> None:
            try:
                call()
            finally:
                done.set()

        self._loop.call_soon_threadsafe(run)
        while not done.wait(_AWAY) and not self._stopped.is_set():
            pass

    def _start_over(self, follower: Follower) -> None:
        # The loop itself keeps no reference to a task.
        task = self._loop.create_task(self._catch_up(follower))
        self._tasks.add(task)
        task.add_done_callback(partial(self._see_off, follower))

    def _see_off(self, follower: Follower, done: asyncio.Task[None]) -> None:
        self._tasks.discard(done)
        error = None if done.cancelled() else done.exception()
        if error is not None:
            LOG.error("A stream of events failed", exc_info=error)
            follower.cut()


def _step_back(follower: Follower, last: int) -> None:
    """Tell a client that the store lost events which it was sent, if that is so."""
    if follower.position > last:
        follower.send(event_stream.rewound(follower.position, last))
        follower.position = last


def _write(follower: Follower, chunk: Sequence[Frame]) -> None:
    if not chunk:
        return
    last = chunk[-1]
    follower.send(b"".join(frame.content for frame in chunk) + last.end)
    follower.position = last.id
    if last.end:
        follower.finish()


def _chunks(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Return frames in pieces of about the size that is written at once."""
    found: list[list[Frame]] = []
    size = _CHUNK
    for frame in frames:
        if size + len(frame.content) > _CHUNK:
            found.append([])
            size = 0
        found[-1].append(frame)
        size += len(frame.content)
    return found
