"""From predicates to SQL that answers exactly as ``Predicate.matches`` does, or not at all.

SQL has a third truth value, and ``NOT`` keeps it. So each condition here is true or false for each
row: a column that may be NULL is asked for that first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, false, not_, or_, select, true
from sqlalchemy.sql.elements import True_

from craton import jsontext
from craton.backends.sql.rows import checksum, is_bindable, to_milliseconds
from craton.backends.sql.schema import KindTables
from craton.fields import Integer, Links, Moment, Names, Spec, Text
from craton.models import specs
from craton.query import (
    AllOf,
    AnyOf,
    Compare,
    Exists,
    In,
    Not,
    Operator,
    Overlaps,
    Path,
    Predicate,
    Prefix,
)

#: What one statement may hold. SQLite takes 32,766 values and nests 1,000 operators.
MAX_VALUES: Final = 10_000
MAX_CONDITIONS: Final = 200
MAX_DEPTH: Final = 50

_HIGHEST: Final = 0x10FFFF
_SURROGATES: Final = (0xD800, 0xDFFF)


class NotInSqlError(Exception):
    """A predicate, or a part of it, that the base class must apply."""


@dataclass(frozen=True)
class Condition:
    """What SQL can say of a predicate.

    Attributes:
        sql: Holds wherever the predicate does.
        exact: Whether it holds nowhere else.
    """

    sql: ColumnElement[bool]
    exact: bool

    @property
    def useful(self) -> bool:
        """Whether it leaves anything out."""
        return not isinstance(self.sql, True_)


_ANYTHING: Final = Condition(true(), exact=False)


class Translator:
    """Translates predicates for one statement, whose size is limited.

    Args:
        tables: The tables of the kind that the predicates are about.
    """

    def __init__(self, tables: KindTables) -> None:
        self._tables = tables
        self._columns = tables.entities.c
        self._specs = specs(tables.kind)
        self._values = MAX_VALUES
        self._conditions = MAX_CONDITIONS

    def translate(self, predicate: Predicate, depth: int = 0) -> Condition:
        """Return what SQL can say of a predicate; of one that it does not know, nothing."""
        # A subclass may mean something else, so the class itself counts.
        kind = type(predicate)
        if depth > MAX_DEPTH:
            return _ANYTHING
        if isinstance(predicate, AllOf) and kind is AllOf:
            parts = [self.translate(part, depth + 1) for part in predicate.predicates]
            return Condition(and_(true(), *(p.sql for p in parts)), all(p.exact for p in parts))
        if isinstance(predicate, AnyOf) and kind is AnyOf:
            parts = [self.translate(part, depth + 1) for part in predicate.predicates]
            return Condition(or_(false(), *(p.sql for p in parts)), all(p.exact for p in parts))
        if isinstance(predicate, Not) and kind is Not:
            part = self.translate(predicate.predicate, depth + 1)
            return Condition(not_(part.sql), exact=True) if part.exact else _ANYTHING
        return self._simple(predicate)

    def _simple(self, predicate: Predicate) -> Condition:
        handler = _HANDLERS.get(type(predicate))
        if handler is None or self._conditions == 0:
            return _ANYTHING
        try:
            condition = handler(self, predicate)
        except NotInSqlError:
            return _ANYTHING
        self._conditions -= 1
        return condition

    def _spend(self, values: int) -> None:
        if values > self._values:
            raise NotInSqlError
        self._values -= values

    # -- one method for each class of predicates ------------------------------------------------

    def _compare(self, predicate: Compare) -> Condition:
        if len(predicate.path) > 1:
            return self._variable_compare(predicate)
        name = predicate.path[0]
        if predicate.operator is Operator.EQ:
            return Condition(self._equals_one(name, (predicate.value,)), exact=True)
        return Condition(self._ordered(name, predicate.operator, predicate.value), exact=True)

    def _in(self, predicate: In) -> Condition:
        values = tuple(predicate.values)
        self._spend(len(values))
        if len(predicate.path) == 1:
            return Condition(self._equals_one(predicate.path[0], values), exact=True)
        return self._variable_equals_one(predicate.path, values)

    def _exists(self, predicate: Exists) -> Condition:
        if len(predicate.path) == 1:
            return Condition(true(), exact=True)
        return Condition(self._has_variable(predicate.path), exact=len(predicate.path) == 2)

    def _prefix(self, predicate: Prefix) -> Condition:
        prefix = _bindable(predicate.prefix)
        if len(predicate.path) == 2:
            # Each character has one form in JSON text, and none begins another one's.
            text = jsontext.comparable(prefix)[:-1]
            value = self._variable_column(predicate.path, "value")
            return Condition(self._has_variable(predicate.path, _begins(value, text)), exact=True)
        if len(predicate.path) > 2:
            return Condition(self._has_variable(predicate.path), exact=False)
        name = predicate.path[0]
        if not isinstance(self._specs[name], Text):
            return Condition(false(), exact=True)
        return Condition(self._present(name, _begins(self._columns[name], prefix)), exact=True)

    def _overlaps(self, predicate: Overlaps) -> Condition:
        name, spec = predicate.path[0], self._specs[predicate.path[0]]
        if len(predicate.path) > 1 or not isinstance(spec, Links | Names):
            return Condition(false(), exact=True)
        if isinstance(spec, Names):
            raise NotInSqlError
        values = [_bindable(value) for value in predicate.values]
        self._spend(len(values))
        links = self._tables.links[name].c
        owners = select(links.owner).where(links.target.in_(values))
        return Condition(self._columns.key.in_(owners), exact=True)

    # -- columns -------------------------------------------------------------------------------

    def _present(self, name: str, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        if not self._specs[name].optional:
            return condition
        return and_(self._columns[name].is_not(None), condition)

    def _equals_one(self, name: str, values: tuple[Any, ...]) -> ColumnElement[bool]:
        spec = self._specs[name]
        wanted = [_normalized(value) for value in values]
        if name not in self._columns or isinstance(spec, Names):
            return false()  # a set, or variables, which equal no value
        equal = [stored for value in wanted for stored in _as_stored(spec, value)]
        column = self._columns[name]
        condition: ColumnElement[bool] = false()
        if equal:
            single = column == equal[0] if len(equal) == 1 else column.in_(equal)
            condition = self._present(name, single)
        if spec.optional and None in wanted:
            condition = or_(column.is_(None), condition)
        return condition

    def _ordered(self, name: str, operator: Operator, value: Any) -> ColumnElement[bool]:
        spec = self._specs[name]
        bound: Any
        if isinstance(spec, Text) and type(value) is str:
            bound = _bindable(value)
        elif isinstance(spec, Integer) and type(value) is int:
            bound = max(spec.minimum - 1, min(spec.maximum + 1, value))
        elif isinstance(spec, Moment) and type(value) is datetime:
            bound = _moment_bound(operator, value)
        else:
            return false()
        return self._present(name, _SQL_ORDER[operator](self._columns[name], bound))

    # -- variables -----------------------------------------------------------------------------

    def _variable_column(self, path: Path, column: str) -> ColumnElement[Any]:
        return self._tables.variables[path[0]].c[column]

    def _has_variable(self, path: Path, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        variables = self._tables.variables[path[0]].c
        named = variables.name == _bindable(path[1])
        return self._columns.key.in_(select(variables.owner).where(named, *conditions))

    def _variable_compare(self, predicate: Compare) -> Condition:
        if predicate.operator is Operator.EQ:
            return self._variable_equals_one(predicate.path, (predicate.value,))
        return Condition(self._has_variable(predicate.path), exact=False)

    def _variable_equals_one(self, path: Path, values: tuple[Any, ...]) -> Condition:
        if len(path) > 2:
            return Condition(self._has_variable(path), exact=False)
        texts = [_comparable(value) for value in values if not isinstance(value, datetime)]
        checksums = self._variable_column(path, "checksum").in_([checksum(t) for t in texts])
        # The text of an object keeps the order of its keys, which does not matter here.
        if any("{" in text for text in texts):
            return Condition(self._has_variable(path, checksums), exact=False)
        equal = self._variable_column(path, "value").in_(texts)
        return Condition(self._has_variable(path, checksums, equal), exact=True)


_HANDLERS: Final[dict[type[Predicate], Callable[[Translator, Any], Condition]]] = {
    Compare: Translator._compare,
    In: Translator._in,
    Exists: Translator._exists,
    Prefix: Translator._prefix,
    Overlaps: Translator._overlaps,
}

_SQL_ORDER: Final[dict[Operator, Callable[[Any, Any], ColumnElement[bool]]]] = {
    Operator.LT: lambda column, value: column < value,
    Operator.LE: lambda column, value: column <= value,
    Operator.GT: lambda column, value: column > value,
    Operator.GE: lambda column, value: column >= value,
}


def _bindable(value: object) -> str:
    if type(value) is not str or not is_bindable(value):
        raise NotInSqlError
    return value


def _comparable(value: object) -> str:
    try:
        return _bindable(jsontext.comparable(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise NotInSqlError from error


def _normalized(value: Any) -> Any:
    """Refuse what is no plain value; a number that is not finite compares as null."""
    if type(value) is float and not math.isfinite(value):
        return None
    if value is not None and type(value) not in (str, int, float, bool, datetime):
        raise NotInSqlError
    return value


def _as_stored(spec: Spec, value: Any) -> list[object]:
    """Return what a column holds where its field equals a value: one thing, or nothing can."""
    if isinstance(spec, Moment):
        aware = type(value) is datetime and value.utcoffset() is not None
        return [to_milliseconds(value)] if aware and value.microsecond % 1000 == 0 else []
    if isinstance(spec, Text):
        return [_bindable(value)] if type(value) is str else []
    if isinstance(spec, Integer):
        return [value] if type(value) is int and spec.minimum <= value <= spec.maximum else []
    return [value] if type(value) is bool else []


def _moment_bound(operator: Operator, value: datetime) -> int:
    """Return the milliseconds that compare as the time itself does, which may lie between two."""
    if value.utcoffset() is None:
        raise NotInSqlError
    between = bool(value.microsecond % 1000) and operator in (Operator.LT, Operator.GE)
    return to_milliseconds(value) + between


def _begins(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Return a range, which an index can answer; LIKE would ignore case on some engines."""
    end = _successor(prefix)
    return column >= prefix if end is None else and_(column >= prefix, column < end)


def _successor(prefix: str) -> str | None:
    """Return the first string behind all those that begin with the prefix, if there is one."""
    for position in range(len(prefix) - 1, -1, -1):
        following = ord(prefix[position]) + 1
        if following == _SURROGATES[0]:
            following = _SURROGATES[1] + 1
        if following <= _HIGHEST:
            return prefix[:position] + chr(following)
    return None
