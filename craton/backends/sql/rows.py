"""Between entities and rows."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeAlias

from craton import jsontext
from craton.backends.sql.schema import KindTables
from craton.fields import Flag, Links, Moment, Spec, VariableMap, VariableNames
from craton.models import E, specs
from craton.variables import EMPTY, Variables

#: Between two ids in one string; an id has none.
ID_SEPARATOR: Final = "/"

#: Between two members of the JSON object that a database puts together.
MEMBER_SEPARATOR: Final = ","

Row: TypeAlias = Sequence[Any]

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def to_milliseconds(moment: datetime) -> int:
    """Return an aware time as whole milliseconds since 1970, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


@lru_cache(maxsize=1024)
def from_milliseconds(milliseconds: int) -> datetime:
    """Return the time so many milliseconds after the beginning of 1970.

    What is written together has one time, so the cache answers nearly always.
    """
    return _EPOCH + milliseconds * _MILLISECOND


def checksum(text: str) -> int:
    """Return the number by which a variable's value is found; ``text`` is its comparable form.

    Equal values have equal numbers; different ones rarely do.
    """
    return zlib.crc32(text.encode())


def value_checksum(member: str) -> int:
    """Return the checksum of the value that has this JSON text."""
    # Only the order of the keys in an object makes the comparable form another one.
    comparable = jsontext.comparable(jsontext.loads(member)) if "{" in member else member
    return checksum(comparable)


def scalars(tables: KindTables, entity: E) -> dict[str, object]:
    """Return what the columns of an entity's row hold, by field."""
    described = specs(tables.kind)
    return {name: _stored(described[name], getattr(entity, name)) for name in tables.scalars}


def reader_of(kind: type[E]) -> Callable[[Row], E]:
    """Make the function that turns a row, a value for each field, into an entity.

    A scan spends most of its time in it, so it is compiled from the descriptions of the fields into
    one call without a loop, as ``dataclasses`` does with ``__init__``.
    """
    arguments = ", ".join(
        f"{name}={_loaded(spec, f'row[{position}]')}"
        for position, (name, spec) in enumerate(specs(kind).items())
    )
    names = {
        "kind": kind,
        "moment": from_milliseconds,
        "from_text": Variables.from_text,
        "EMPTY": EMPTY,
    }
    made: Callable[[Row], E] = eval(f"lambda row: kind({arguments})", names)
    return made


def _stored(spec: Spec, value: Any) -> object:
    if isinstance(spec, Moment):
        return to_milliseconds(value)
    if isinstance(spec, VariableNames):
        return " ".join(value)
    return value


def _loaded(spec: Spec, item: str) -> str:
    """Return the expression for a field's value, given the one for the item of the row."""
    if isinstance(spec, Moment):
        return f"moment({item})"
    if isinstance(spec, Flag):
        return f"{item} == 1"
    if isinstance(spec, VariableNames):
        return f"tuple({item}.split())"
    if isinstance(spec, Links):
        return f"tuple({item}.split({ID_SEPARATOR!r})) if {item} else ()"
    if isinstance(spec, VariableMap):
        return f"from_text('{{' + {item} + '}}') if {item} else EMPTY"
    return item


def changed_members(
    before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Compare JSON texts by name.

    Returns:
        The names that go or change, and the members that come or change.
    """
    gone = [name for name, text in before.items() if after.get(name) != text]
    come = {name: text for name, text in after.items() if before.get(name) != text}
    return gone, come
