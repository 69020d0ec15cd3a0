"""From predicates to SQL that answers exactly as ``Predicate.matches`` does, or not at all.

SQL has a third truth value, and ``NOT`` keeps it. So each condition here is true or false for each
row: a column that may be NULL is asked for that first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, and_, false, not_, or_, select, true
from sqlalchemy.sql.elements import True_

from craton import jsontext, pushdown
from craton.backends.sql.rows import checksum, is_bindable, to_milliseconds
from craton.backends.sql.schema import KindTables
from craton.fields import Integer, Links, Moment, Names, Spec, Text
from craton.models import specs
from craton.pushdown import UntranslatableError, successor
from craton.query import Compare, Exists, In, Operator, Overlaps, Path, Prefix

#: What one statement may hold. SQLite takes 32,766 values and nests 1,000 operators.
MAX_VALUES: Final = 10_000
MAX_CONDITIONS: Final = 200
MAX_DEPTH: Final = 50

#: What the database can say of a predicate.
Condition: TypeAlias = pushdown.Condition[ColumnElement[bool]]


class Translator(pushdown.Translator[ColumnElement[bool]]):
    """Translates predicates for one statement, whose size is limited.

    Args:
        tables: The tables of the kind that the predicates are about.
    """

    def __init__(self, tables: KindTables) -> None:
        super().__init__(true(), values=MAX_VALUES, conditions=MAX_CONDITIONS, depth=MAX_DEPTH)
        self._tables = tables
        self._columns = tables.entities.c
        self._specs = specs(tables.kind)

    # -- filters -------------------------------------------------------------------------------

    def _all_of(self, filters: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
        return and_(true(), *filters)

    def _any_of(self, filters: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
        return or_(false(), *filters)

    def _negated(self, filter: ColumnElement[bool]) -> ColumnElement[bool]:
        return not_(filter)

    def _leaves_out(self, filter: ColumnElement[bool]) -> bool:
        return not isinstance(filter, True_)

    # -- one method for each class of predicates ------------------------------------------------

    def _compare(self, predicate: Compare) -> Condition:
        if len(predicate.path) > 1:
            return self._variable_compare(predicate)
        name = predicate.path[0]
        if predicate.operator is Operator.EQ:
            return Condition(self._equals_one(name, (predicate.value,)))
        return Condition(self._ordered(name, predicate.operator, predicate.value))

    def _in(self, predicate: In) -> Condition:
        values = tuple(predicate.values)
        self._spend(len(values))
        if len(predicate.path) == 1:
            return Condition(self._equals_one(predicate.path[0], values))
        return self._variable_equals_one(predicate.path, values)

    def _exists(self, predicate: Exists) -> Condition:
        if len(predicate.path) == 1:
            return Condition(true())
        return Condition(self._has_variable(predicate.path), exact=len(predicate.path) == 2)

    def _prefix(self, predicate: Prefix) -> Condition:
        prefix = _bindable(predicate.prefix)
        if len(predicate.path) == 2:
            # Each character has one form in JSON text, and none begins another one's.
            text = jsontext.comparable(prefix)[:-1]
            value = self._variable_column(predicate.path, "value")
            return Condition(self._has_variable(predicate.path, _begins(value, text)))
        if len(predicate.path) > 2:
            return Condition(self._has_variable(predicate.path), exact=False)
        name = predicate.path[0]
        if not isinstance(self._specs[name], Text):
            return Condition(false())
        return Condition(self._present(name, _begins(self._columns[name], prefix)))

    def _overlaps(self, predicate: Overlaps) -> Condition:
        name, spec = predicate.path[0], self._specs[predicate.path[0]]
        if len(predicate.path) > 1 or not isinstance(spec, Links | Names):
            return Condition(false())
        if isinstance(spec, Names):
            raise UntranslatableError
        values = [_bindable(value) for value in predicate.values]
        self._spend(len(values))
        links = self._tables.links[name].c
        owners = select(links.owner).where(links.target.in_(values))
        return Condition(self._columns.key.in_(owners))

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
        return Condition(self._has_variable(path, checksums, equal))


_SQL_ORDER: Final[dict[Operator, Callable[[Any, Any], ColumnElement[bool]]]] = {
    Operator.LT: lambda column, value: column < value,
    Operator.LE: lambda column, value: column <= value,
    Operator.GT: lambda column, value: column > value,
    Operator.GE: lambda column, value: column >= value,
}


def _bindable(value: object) -> str:
    if type(value) is not str or not is_bindable(value):
        raise UntranslatableError
    return value


def _comparable(value: object) -> str:
    try:
        return _bindable(jsontext.comparable(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise UntranslatableError from error


def _normalized(value: Any) -> Any:
    """Refuse what is no plain value; a number that is not finite compares as null."""
    if type(value) is float and not math.isfinite(value):
        return None
    if value is not None and type(value) not in (str, int, float, bool, datetime):
        raise UntranslatableError
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
        raise UntranslatableError
    between = bool(value.microsecond % 1000) and operator in (Operator.LT, Operator.GE)
    return to_milliseconds(value) + between


def _begins(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Return a range, which an index can answer; LIKE would ignore case on some engines."""
    end = successor(prefix)
    return column >= prefix if end is None else and_(column >= prefix, column < end)
