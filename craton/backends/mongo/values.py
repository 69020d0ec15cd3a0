"""The values of fields, as a question to MongoDB has them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bson.datetime_ms import DatetimeMS

from craton.backends.mongo.documents import is_storable
from craton.fields import Integer, Links, Moment, Names, Spec, Text, VariableMap
from craton.pushdown import UntranslatableError, successor
from craton.query import Operator

#: The longest string that a question has, in characters; a command has at most 16 MiB.
MAX_LENGTH: Final = 1_000

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def storable(value: object) -> str:
    """Return a string that can be part of a question.

    Raises:
        UntranslatableError: It is too long, or none that can be sent.
    """
    if type(value) is not str or len(value) > MAX_LENGTH or not is_storable(value):
        raise UntranslatableError
    return value


def as_stored(spec: Spec, value: Any) -> list[object]:
    """Return what a document holds where its field equals a value: one thing, or nothing can."""
    if type(value) is float and not math.isfinite(value):
        value = None  # as which it compares
    if isinstance(spec, Links | VariableMap | Names):
        return []
    if value is None:
        return [None] if spec.optional else []
    if isinstance(spec, Moment):
        aware = type(value) is datetime and value.utcoffset() is not None
        return [_milliseconds(value)] if aware and value.microsecond % 1000 == 0 else []
    if isinstance(spec, Text):
        return [storable(value)] if type(value) is str else []
    if isinstance(spec, Integer):
        return [value] if type(value) is int and spec.minimum <= value <= spec.maximum else []
    return [value] if type(value) is bool else []


def bound(spec: Spec, operator: Operator, value: Any) -> object:
    """Return what to compare a field with; ``None`` if it never stands in this relation."""
    if isinstance(spec, Text) and type(value) is str:
        return storable(value)
    if isinstance(spec, Integer) and type(value) is int:
        return max(spec.minimum - 1, min(spec.maximum + 1, value))
    if isinstance(spec, Moment) and type(value) is datetime:
        if value.utcoffset() is None:
            raise UntranslatableError
        return _milliseconds(value, up=operator in (Operator.LT, Operator.GE))
    return None


def _milliseconds(moment: datetime, *, up: bool = False) -> DatetimeMS:
    """Return a time as it is stored, which may lie between two such."""
    since = moment - _EPOCH
    return DatetimeMS(-(-since // _MILLISECOND) if up else since // _MILLISECOND)


def beginning(prefix: str) -> dict[str, Any]:
    """Return the range of the strings that begin so."""
    end = successor(prefix)
    return {"$gte": prefix} if end is None else {"$gte": prefix, "$lt": end}
