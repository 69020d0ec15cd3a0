"""How far a long command is: a bar on a terminal, lines elsewhere, and Ctrl-C between two steps."""

from __future__ import annotations

import signal
import sys
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from tqdm import tqdm

from craton.models import Entity
from craton.transfer import Observer, Place

#: Seconds between two lines, where there is no terminal.
_PAUSE: Final = 5.0


class Interruptible(Observer):
    """Ends the work with ``KeyboardInterrupt`` between two steps, once Ctrl-C was pressed.

    In the middle of a step, the exception would run into a vendor's library that may make anything
    of it. A second Ctrl-C does not wait.
    """

    _pressed = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to Ctrl-C in the block."""
        before = signal.signal(signal.SIGINT, self._press)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def at(self, kind: type[Entity], place: Place) -> None:
        self._check()
        self._show(0, f"{kind.collection}{place}")

    def advance(self, count: int) -> None:
        self._show(count)
        self._check()

    @abstractmethod
    def close(self) -> None:
        """Leave the terminal as it was, wherever the work ended."""

    @abstractmethod
    def _show(self, count: int, where: str = "") -> None:
        """Show that so many more are done, and where the work is."""

    def _press(self, number: int, frame: FrameType | None) -> None:
        if self._pressed:
            raise KeyboardInterrupt
        self._pressed = True

    def _check(self) -> None:
        if self._pressed:
            raise KeyboardInterrupt


class Bar(Interruptible):
    """A bar for each stage, on standard error."""

    _bar: tqdm[Any] | None = None

    def begin(self, stage: str, total: int | None) -> None:
        self._bar = tqdm(
            desc=stage, total=total, unit=" entities", file=sys.stderr, dynamic_ncols=True
        )

    def end(self) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str("", refresh=False)
        self.close()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _show(self, count: int, where: str = "") -> None:
        assert self._bar is not None
        if where:
            self._bar.set_postfix_str(where, refresh=False)
        self._bar.update(count)


class Lines(Interruptible):
    """A line now and then, on standard error: for logs."""

    def begin(self, stage: str, total: int | None) -> None:
        self._stage, self._total, self._done, self._where = stage, total, 0, ""
        self._began = self._told = time.monotonic()

    def end(self) -> None:
        self._tell()

    def close(self) -> None:
        sys.stderr.flush()

    def _show(self, count: int, where: str = "") -> None:
        self._done += count
        self._where = where or self._where
        if time.monotonic() - self._told >= _PAUSE:
            self._tell(f", now {self._where}")

    def _tell(self, where: str = "") -> None:
        self._told = time.monotonic()
        rate = self._done / max(self._told - self._began, 0.001)
        whole = "" if self._total is None else f" of {self._total}"
        print(
            f"{self._stage}: {self._done}{whole} entities, {rate:.0f}/s{where}",
            file=sys.stderr,
            flush=True,
        )


def progress() -> Interruptible:
    """Return what fits standard error."""
    return Bar() if sys.stderr.isatty() else Lines()
