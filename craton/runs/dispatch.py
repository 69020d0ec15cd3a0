"""How an accepted run gets to whoever carries it out."""

from __future__ import annotations

from abc import ABC, abstractmethod

from craton.runs.models import Run


class Dispatcher(ABC):
    """Hands runs over: to the threads of this process, or to the board that conductors share.

    A run is in the store before it is handed over, and its state is the store's affair alone; a
    run that was kept and not handed over, because a process died between the two, is found by
    :meth:`~craton.runs.store.RunStore.unfinished` and handed over again.
    """

    @abstractmethod
    def start(self) -> None:
        """Get ready to take runs. Raises ``ConfigurationError``."""

    @abstractmethod
    def submit(self, run: Run) -> None:
        """Hand over a queued run; handing it over again does nothing.

        Raises:
            Unavailable: The board is away; the run is handed over once it is back.
        """

    @abstractmethod
    def stop(self) -> None:
        """Take no more runs, end what this process carries out, and wait until it has ended."""
