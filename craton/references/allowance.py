"""What one fetch may cost, and the error that ends one."""

from __future__ import annotations

import time


class FetchFailed(Exception):
    """A fetch came to nothing.

    It is not an ``OSError``, so that no library on the way takes it for one of the network's and
    tries again.

    Args:
        reason: What happened, as a sentence without its subject and without credentials.
        temporary: Whether the same fetch may succeed later without anybody changing anything.
    """

    def __init__(self, reason: str, *, temporary: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.temporary = temporary


class Allowance:
    """Time and bytes that are left to a fetch.

    Args:
        seconds: How long it may take from now on.
        received: How many bytes it may receive, whatever they are.
        size: How long the file itself may be.
    """

    def __init__(self, *, seconds: float, received: int, size: int) -> None:
        self.size = size
        self._seconds = seconds
        self._received = self._left = received
        self._deadline = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds that are left, more than none.

        Raises:
            FetchFailed: There are none.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self.out_of_time()
        return left

    def spend(self, received: int) -> None:
        """Note bytes that were received.

        Raises:
            FetchFailed: They are more than were left.
        """
        self._left -= received
        if self._left < 0:
            raise FetchFailed(f"made its server send more than {self._received} bytes")

    def out_of_time(self) -> FetchFailed:
        """Make the error for a fetch that takes too long."""
        return FetchFailed(f"took longer than {self._seconds:g} seconds", temporary=True)

    def too_large(self) -> FetchFailed:
        """Make the error for a file that is too long."""
        return FetchFailed(f"is larger than {self.size} bytes")
