"""Clients that follow the events of runs: many of them, by one thread.

One thread asks the store for news of all runs that anybody follows, and makes bytes of them, once
for all. An event loop in another writes them to the clients. A client that does not take what it is
sent is cut off: it comes back, and says by ``Last-Event-ID`` what it had last.
"""

from __future__ import annotations

import asyncio
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from craton.api import event_stream
from craton.api.event_stream import HEARTBEAT, SILENCE
from craton.api.feed import Feed
from craton.api.follower import Follower
from craton.api.run_errors import TooManyWatchers
from craton.errors import Unavailable
from craton.runs.models import Run
from craton.runs.store import RunStore

#: After how many seconds a client that was cut off comes back, at the earliest and at the latest,
#: so that not all of them come at once.
_RETRY: Final = (1.0, 3.0)

#: How long one stream lasts, in seconds, at least and at most. Then the client comes back and
#: proves again who it is, and that it may see the run.
LIFETIME: Final = (3000.0, 3600.0)

#: How often it is looked whether somebody was not told anything for long, in seconds.
_TICK: Final = 1.0

#: How long the threads may take to end, in seconds.
_PATIENCE: Final = 5.0


class Subscription:
    """What one client follows: an iterable of bytes, unless its socket is handed over.

    Attributes:
        run: The run as it was when the client came.
        after: The number of the last event that it had.
    """

    def __init__(self, watchers: Watchers, run: Run, after: int) -> None:
        self._watchers = watchers
        self.run = run
        self.after = after
        self.handed_over = False
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        """Yield what is to be sent, as long as whoever asks waits for it."""
        return self._watchers.pieces(self)

    def close(self) -> None:
        """Leave the place to another client; WSGI calls this whatever happened."""
        if not self.handed_over:
            self.release()

    def release(self) -> None:
        """Leave the place, once."""
        if not self._closed:
            self._closed = True
            self._watchers.released()


class Watchers:
    """All clients of one process.

    Args:
        store: Keeps the runs.
        limit: How many clients there may be at once.

    Attributes:
        count: Is told by 1 and -1 that one came or went.
        is_stopping: Tells whether the server is about to end; then all clients are let go.
    """

    def __init__(self, store: RunStore, limit: int) -> None:
        self._store = store
        self._limit = limit
        self.count: Callable[[int], None] = lambda change: None
        self.is_stopping: Callable[[], bool] = lambda: False
        self._lock = threading.Lock()
        self._present = 0
        self._stopped = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._feed: Feed | None = None

    def subscribe(self, run: Run, after: int) -> Subscription:
        """Take a place for a client.

        Raises:
            TooManyWatchers: There is none.
        """
        with self._lock:
            if self._present >= self._limit or self._stopped.is_set() or self.is_stopping():
                raise TooManyWatchers(self._limit)
            self._present += 1
        self.count(1)
        return Subscription(self, run, after)

    def released(self) -> None:
        """Take note that a place is free."""
        with self._lock:
            self._present -= 1
        self.count(-1)

    def serve(self, connection: socket.socket, head: bytes, subscription: Subscription) -> None:
        """Send to a client from now on; its socket is the watchers' affair.

        Args:
            connection: A connected stream socket.
            head: What is sent first: the head of the answer.
            subscription: What it follows.
        """
        subscription.handed_over = True
        loop, feed = self._started()
        begin = head + event_stream.opening(_retry())
        follower = Follower(
            subscription.run.id,
            subscription.after,
            lifetime=random.uniform(*LIFETIME),
            gone=subscription.release,
        )

        async def follow() -> None:
            await loop.create_connection(lambda: follower, sock=connection)
            follower.send(begin)
            feed.follow(follower, subscription.run)

        def start() -> None:
            task = loop.create_task(follow())
            task.add_done_callback(lambda done: _finish(done, follower, connection))

        loop.call_soon_threadsafe(start)

    def pieces(self, subscription: Subscription) -> Iterator[bytes]:
        """Yield the same that is sent to a socket, for servers that hand none over.

        It holds the thread of whoever iterates.
        """
        run_id, position = subscription.run.id, subscription.after
        yield event_stream.opening(_retry())
        begin = event_stream.beginning(subscription.run, position)
        position = begin.position
        yield begin.content
        if begin.is_end:
            return
        deadline = time.monotonic() + random.uniform(*LIFETIME)
        while time.monotonic() < deadline and not self._stopped.is_set():
            try:
                page = self._store.wait({run_id: position}, SILENCE / 2).get(run_id)
            except Unavailable:
                self._stopped.wait(1.0)
                page = None
            if page is None:
                yield HEARTBEAT
                continue
            sent = event_stream.frames(page.items)
            yield b"".join(
                [event_stream.missing(page, position), *(frame.content for frame in sent)]
            )
            position = sent[-1].id
            if sent[-1].end:
                yield sent[-1].end
                return

    def stop(self) -> None:
        """Let all clients go, who come back to another process or later; take no more."""
        was_stopped = self._stopped.is_set()
        self._stopped.set()
        if was_stopped or self._loop is None or self._thread is None or self._feed is None:
            return
        self._feed.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)

    def _started(self) -> tuple[asyncio.AbstractEventLoop, Feed]:
        with self._lock:
            if self._loop is None or self._feed is None:
                self._loop = asyncio.new_event_loop()
                self._feed = Feed(self._store, self._loop)
                self._thread = threading.Thread(
                    target=self._run, args=(self._loop, self._feed), name="watchers", daemon=True
                )
                self._thread.start()
            return self._loop, self._feed

    def _run(self, loop: asyncio.AbstractEventLoop, feed: Feed) -> None:
        asyncio.set_event_loop(loop)
        feed.start()
        loop.call_soon(self._tick, loop, feed)
        try:
            loop.run_forever()
        finally:
            feed.drop_all()
            pending = asyncio.all_tasks(loop)
            for task in pending:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
            feed.close()
            loop.close()

    def _tick(self, loop: asyncio.AbstractEventLoop, feed: Feed) -> None:
        if self.is_stopping():
            feed.drop_all()
        feed.beat()
        loop.call_later(_TICK, self._tick, loop, feed)


def _retry() -> int:
    return round(random.uniform(*_RETRY) * 1000)


def _finish(done: asyncio.Task[None], follower: Follower, connection: socket.socket) -> None:
    """Leave the place of a client that was gone before anything was sent."""
    if done.cancelled() or done.exception() is not None:
        follower.cut()
        connection.close()
        follower.leave()
