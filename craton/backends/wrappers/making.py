"""Steps on their way into a store, and what an error of the store is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from craton.backends.wrappers.drafts import Draft, Step
from craton.driver import Change
from craton.errors import CratonError, InUse, NotFound, RevisionConflict

#: What a condition ends in that is not met any more.
_MISSED = (RevisionConflict, NotFound, InUse)


class OvertakenError(Exception):
    """Somebody else changed what a write was drafted for; nothing is written.

    Attributes:
        error: What the store said of it.
    """

    def __init__(self, error: CratonError) -> None:
        super().__init__(str(error))
        self.error = error


class Making(Iterator[Change]):
    """The changes of steps, with a memory of which position each was made for.

    What the steps raise is raised again and again: a driver that begins anew must not take the end
    of an iterator that failed for the end of the changes.

    Args:
        draft: What the steps are from.
        steps: The steps.
    """

    def __init__(self, draft: Draft, steps: Iterator[Step]) -> None:
        self._draft = draft
        self._steps = steps
        self._failure: BaseException | None = None
        self._sent: list[tuple[int, bool]] = []

    def __next__(self) -> Change:
        if self._failure is not None:
            raise self._failure
        try:
            step = next(self._steps)
        except StopIteration:
            raise
        except BaseException as error:
            self._failure = error
            raise
        self._sent.append((step.index, step.ours))
        return step.change

    @contextmanager
    def placed(self) -> Iterator[None]:
        """Give errors of the block the position that the caller knows.

        Raises:
            OvertakenError: The error is about a condition that the caller did not set.
        """
        try:
            yield
        except CratonError as error:
            if error is self._failure:
                ours = not self._draft.is_fresh
            elif error.change is None:
                ours = False
            else:
                error.change, ours = self._sent[error.change]
            if ours and isinstance(error, _MISSED):
                raise OvertakenError(error) from error
            raise
