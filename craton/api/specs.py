"""Descriptions of what stands in bodies and in no entity."""

from __future__ import annotations

from dataclasses import dataclass

from craton.errors import InvalidValue
from craton.fields import Spec


@dataclass(frozen=True, kw_only=True)
class OneOf(Spec):
    """One of some words."""

    words: tuple[str, ...]

    def _check(self, value: object, field: str) -> None:
        if value not in self.words:
            raise InvalidValue(field, f"must be one of {', '.join(self.words)}")


@dataclass(frozen=True, kw_only=True)
class Anything(Spec):
    """Any JSON value; what reads it next checks it."""

    def _check(self, value: object, field: str) -> None:
        return
