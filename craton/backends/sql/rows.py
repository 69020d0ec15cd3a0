"""Between entities and rows."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeAlias

from craton import jsontext
from craton.backends.sql.schema import KindTables
from craton.fields import Flag, Links, Moment, Names, Spec, VariableMap
from craton.models import E, Entity, specs
from craton.variables import EMPTY, Variables

#: Between two ids in one string; an id has none.
ID_SEPARATOR: Final = "/"

#: Between two members of the JSON object that a database puts together.
MEMBER_SEPARATOR: Final = ","

Row: TypeAlias = Sequence[Any]

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@lru_cache(maxsize=1024)
def to_milliseconds(moment: datetime) -> int:
    """Return an aware time as whole milliseconds since 1970, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


@lru_cache(maxsize=1024)
def from_milliseconds(milliseconds: int) -> datetime:
    """Return the time so many milliseconds after the beginning of 1970.

    What is written together has one time, so the cache answers nearly always.
    """
    return _EPOCH + milliseconds * _MILLISECOND


def is_bindable(value: str) -> bool:
    """Tell whether a string can be sent to a database: it holds no half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


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


def reader_of(kind: type[E]) -> Callable[[Row], E]:
    """Make the function that turns a row, a value for each field, into an entity.

    A scan spends most of its own time here. So the function is compiled from the descriptions of
    the fields, as ``dataclasses`` compiles ``__init__``, and like that it sets the slots of a
    frozen object; by their descriptors, which takes half the time.
    """
    assert not hasattr(kind, "__post_init__")
    names: dict[str, object] = {
        "kind": kind,
        "new": object.__new__,
        "moment": from_milliseconds,
        "from_text": Variables.from_text,
        "EMPTY": EMPTY,
    }
    lines = ["entity = new(kind)"]
    for position, (name, spec) in enumerate(specs(kind).items()):
        names[f"set_{name}"] = getattr(kind, name).__set__
        lines.append(f"set_{name}(entity, {_loaded(spec, f'row[{position}]')})")
    made: Callable[[Row], E] = _function("row", [*lines, "return entity"], names)
    return made


def writer_of(tables: KindTables) -> Callable[[Entity], Row]:
    """Make the function that turns an entity into the values of its row's columns."""
    described = specs(tables.kind)
    values = ", ".join(_stored(described[name], f"entity.{name}") for name in tables.scalars)
    names: dict[str, object] = {"milliseconds": to_milliseconds}
    made: Callable[[Entity], Row] = _function("entity", [f"return ({values},)"], names)
    return made


def _function(argument: str, lines: list[str], names: dict[str, object]) -> Any:
    body = "".join(f"    {line}\n" for line in lines)
    exec(f"def function({argument}):\n{body}", names)
    return names["function"]


def _stored(spec: Spec, value: str) -> str:
    """Return the expression for what a column holds, given the one for the field's value."""
    if isinstance(spec, Moment):
        return f"milliseconds({value})"
    if isinstance(spec, Names):
        return f"' '.join({value})"
    return value


def _loaded(spec: Spec, item: str) -> str:
    """Return the expression for a field's value, given the one for the item of the row."""
    if isinstance(spec, Moment):
        return f"moment({item})"
    if isinstance(spec, Flag):
        return f"{item} == 1"
    if isinstance(spec, Names):
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
