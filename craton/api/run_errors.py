"""What can be wrong with a request about runs, and with nothing else."""

from __future__ import annotations

from craton.errors import Conflict, InvalidInput, Unavailable


class EmptySelection(InvalidInput):
    """The filters choose no host, so there is nothing to run on.

    To run on nothing would look like success to whoever misspelt a filter.
    """

    code = "empty_selection"

    def __init__(self) -> None:
        super().__init__("the filters choose no active host of the region")


class WrongOrigin(Conflict):
    """Somebody else carries out the run, so this cannot be done to it.

    Args:
        run_id: The run.
        origin: Who carries it out.
        rule: What cannot be done, and where it can.
    """

    code = "wrong_origin"

    def __init__(self, run_id: str, origin: str, rule: str) -> None:
        super().__init__(rule, id=run_id, origin=origin)


class TooManyWatchers(Unavailable):
    """As many clients follow events here as may.

    Args:
        limit: How many that is.
    """

    code = "too_many_watchers"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} clients follow events here already; ask for them as JSON, or try again later",
            retry_after=30,
        )
        self.fields = {**self.fields, "limit": limit}
