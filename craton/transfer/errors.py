"""Which side of a move failed, at what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from craton.errors import CratonError

T = TypeVar("T")


class TransferError(CratonError):
    """A move cannot begin, or cannot go on.

    Args:
        what: What cannot be done, such as ``cannot read hosts of acme/north from the source``.
        why: Why not.
    """

    code = "transfer"

    def __init__(self, what: str, why: object) -> None:
        super().__init__(f"{what}: {why}", what=what)


@contextmanager
def failing_as(what: str) -> Iterator[None]:
    """Say what the block was about, if it fails.

    Raises:
        TransferError: The block raised one of Craton's errors, which is the cause.
    """
    try:
        yield
    except TransferError:
        raise
    except CratonError as error:
        raise TransferError(what, error) from error


def reading(rows: Iterator[T], what: str) -> Iterator[T]:
    """Yield the rows of a stream.

    Raises:
        TransferError: The stream is torn; the message says that ``what`` cannot be read.
    """
    with failing_as(f"cannot read {what}"):
        yield from rows
