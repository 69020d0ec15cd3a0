"""A process that carries out the batch of a stage, to be stopped or killed by its test.

::

    python -m tests.functional.runs.execution.carrying DIRECTORY SECONDS

Its lease lasts for so many seconds from the last moment at which the process was not stopped.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from craton.runs.deadlines import boottime
from tests.functional.runs.execution.playing import Held, Stage, Told


class Renewed(Held):
    """A lease that is renewed as long as the process runs; once it is over, it stays over."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self._until = boottime() + seconds
        threading.Thread(target=self._renew, daemon=True).start()

    def remaining(self) -> float:
        return self._until - boottime()

    def _renew(self) -> None:
        while self.remaining() > 0:
            self._until = boottime() + self.seconds
            time.sleep(0.1)


def main() -> None:
    directory, seconds = Path(sys.argv[1]), float(sys.argv[2])
    stage = Stage(directory)
    outcome = stage.runner().run(stage.batch("host"), Renewed(seconds), Told())
    (directory / "outcome").write_text(str(outcome.interrupted))


if __name__ == "__main__":
    main()
