"""Who is told how a move gets on."""

from __future__ import annotations

from typing import Protocol

from craton.models import Entity
from craton.transfer.places import Place


class Observer(Protocol):
    """Is told how a move gets on. What it raises ends the move, between two steps."""

    def begin(self, stage: str, total: int | None) -> None:
        """Begin a stage, such as ``copying``, of so many entities; ``None``: nobody knows."""

    def at(self, kind: type[Entity], place: Place) -> None:
        """Turn to the entities of a kind in one place."""

    def advance(self, count: int) -> None:
        """Count entities that are done."""

    def end(self) -> None:
        """End the stage, which is complete."""
