"""Waiting for what comes true by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

#: Seconds; longer than anything takes on a busy machine, so that only a hang meets it.
PATIENCE: Final = 60.0

_PAUSE: Final = 0.02


def until(holds: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: It did not in all that time, in seconds.
    """
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(_PAUSE)
