"""Hands runs over to the board that conductors share."""

from __future__ import annotations

import logging

from craton.runs.board import Board
from craton.runs.conductor import Conductor
from craton.runs.dispatch import Dispatcher
from craton.runs.models import Run

LOG = logging.getLogger(__name__)


class BoardDispatcher(Dispatcher):
    """Posts runs to a board.

    Args:
        board: The board.
        conductor: One that takes runs from the same board in this process; it is started and
            stopped with this.
    """

    def __init__(self, board: Board, conductor: Conductor | None = None) -> None:
        self._board = board
        self._conductor = conductor

    def start(self) -> None:
        if self._conductor is not None:
            self._conductor.start()

    def submit(self, run: Run) -> None:
        if self._board.post(run.id):
            LOG.info("The run %s is on the board", run.id)

    def stop(self) -> None:
        if self._conductor is not None:
            self._conductor.stop()
            self._conductor.join()
        self._board.close()
