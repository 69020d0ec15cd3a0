"""How long whoever asks is ready to wait, known to whatever reads for them, however deep down.

A thread that works cannot be stopped from outside without leaving things half done, so what may
take long looks here now and then, at places where nothing is written yet. What does not look is
bounded by the store's own time-outs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Final, TypeVar

from craton.errors import TooSlow

T = TypeVar("T")

#: When the work must be done, by ``monotonic``; ``None`` when there is time.
_END: Final[ContextVar[float | None]] = ContextVar("craton_deadline", default=None)


def current() -> float | None:
    """Return when the work must be done, by ``time.monotonic``; ``None`` when there is time."""
    return _END.get()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give whatever is done in the block so much time, counted from now.

    It is the thread's affair: a generator has the time of whoever reads it.
    """
    token = _END.set(monotonic() + seconds)
    try:
        yield
    finally:
        _END.reset(token)


def watched(items: Iterable[T]) -> Iterable[T]:
    """Pass items on until the time is over.

    Raises:
        TooSlow: It is over.
    """
    end = _END.get()
    return items if end is None else _watched(items, end)


def _watched(items: Iterable[T], end: float) -> Iterator[T]:
    for item in items:
        if monotonic() > end:
            raise TooSlow
        yield item
