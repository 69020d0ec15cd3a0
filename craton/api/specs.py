"""Descriptions of what stands in bodies and in no entity."""

from __future__ import annotations

from dataclasses import dataclass

from craton import jsontext
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


@dataclass(frozen=True, kw_only=True)
class Printed(Spec):
    """A string that some program printed, whatever it holds."""

    def _check(self, value: object, field: str) -> None:
        if not isinstance(value, str):
            raise InvalidValue(field, "must be a string")


@dataclass(frozen=True, kw_only=True)
class ListOf(Spec):
    """A list.

    Attributes:
        items: What each item is.
        most: How many there may be.
    """

    items: Spec
    most: int

    def _check(self, value: object, field: str) -> None:
        if not isinstance(value, list) or len(value) > self.most:
            raise InvalidValue(field, f"must be a list of at most {self.most} items")
        for position, item in enumerate(value):
            self.items.check(item, f"{field}.{position}")


@dataclass(frozen=True, kw_only=True)
class ObjectOf(Spec):
    """Any JSON object.

    Attributes:
        max_characters: How long it may be as JSON.
    """

    max_characters: int | None = None

    def _check(self, value: object, field: str) -> None:
        if not isinstance(value, dict):
            raise InvalidValue(field, "must be an object")
        limit = self.max_characters
        if limit is not None and len(jsontext.dumps(value)) > limit:
            raise InvalidValue(field, f"must have at most {limit} characters as JSON")
