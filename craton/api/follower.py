"""One client that follows the events of one run, in the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from craton.api.event_stream import HEARTBEAT, SILENCE

#: When so many bytes wait for a client in this process, nothing more is written to it until few
#: are left. The system holds some more of its own.
_MOST_WAITING: Final = 2**16

#: How long a client may take nothing at all while something waits for it, in seconds; then it is
#: cut off, and may come back.
_STALLED: Final = 30.0


class Follower(asyncio.Protocol):
    """Writes to one client.

    Args:
        run_id: What it follows.
        position: The number of the last event that it has.
        lifetime: For how many seconds it may follow.
        gone: Called once, when it is gone.

    Attributes:
        joined: Whether it is sent what is new, and not what is old.
    """

    def __init__(
        self, run_id: str, position: int, lifetime: float, gone: Callable[[], None]
    ) -> None:
        self.run_id = run_id
        self.position = position
        self.joined = False
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._drained = asyncio.Event()
        self._drained.set()
        now = time.monotonic()
        self._expires = now + lifetime
        self._sent_at = now
        self._stalled_at: float | None = None
        self._waiting = 0
        self.left: Callable[[Follower], None] | None = None

    @property
    def is_connected(self) -> bool:
        """Whether there is anybody to write to."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=_MOST_WAITING)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave, for whatever reason."""
        self._drained.set()
        self.leave()

    def pause_writing(self) -> None:
        """Let nothing old be read for this client."""
        self._drained.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._drained.set()

    async def drain(self) -> None:
        """Wait until few bytes wait for the client, or it is gone."""
        await self._drained.wait()

    @property
    def is_behind(self) -> bool:
        """Whether as much waits for the client as may."""
        return not self._drained.is_set()

    def send(self, content: bytes) -> None:
        """Send bytes, if there is anybody to send them to."""
        if content and self._transport is not None and not self._transport.is_closing():
            self._transport.write(content)
            self._sent_at = time.monotonic()

    def finish(self) -> None:
        """Close the connection once all is sent."""
        if self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """Close the connection now."""
        if self._transport is not None:
            self._transport.abort()

    def leave(self) -> None:
        """Tell that this client is gone, once."""
        if self.left is not None:
            self.left(self)
            self.left = None
        gone, self._gone = self._gone, _nothing
        gone()

    def beat(self, now: float) -> None:
        """Say that all is well if nothing was said for long; end what lasts too long."""
        if self._transport is None:
            return
        waiting = self._transport.get_write_buffer_size()
        if waiting == 0 or waiting < self._waiting:
            self._stalled_at = None
        elif self._stalled_at is None:
            self._stalled_at = now
        self._waiting = waiting
        if self._stalled_at is not None and now - self._stalled_at > _STALLED:
            self.cut()
        elif now > self._expires:
            self.finish()
        elif now - self._sent_at > SILENCE / 2 and waiting == 0:
            self.send(HEARTBEAT)


def _nothing() -> None:
    return
