"""From predicates to MongoDB's query language, which answers exactly as ``matches`` does there.

Types do not mix there either, as long as no number is compared with one of another type; so what a
field cannot hold is never asked for. Every field is stored, null included. Strings compare by their
UTF-8, which is the order of code points.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from craton import jsontext, pushdown
from craton.backends.mongo.documents import TOKENS, is_storable, key_of
from craton.backends.mongo.tokens import HEAD, bounds, token
from craton.backends.mongo.values import as_stored, beginning, bound, storable
from craton.errors import InvalidValue
from craton.fields import Links, Names, Text
from craton.models import Entity, specs
from craton.names import check_variable_name
from craton.pushdown import UntranslatableError
from craton.query import Compare, Exists, In, Operator, Overlaps, Prefix

#: What one question may hold. A command has at most 16 MiB, and documents nest at most 100 deep.
MAX_VALUES: Final = 10_000
MAX_CONDITIONS: Final = 200
MAX_DEPTH: Final = 20

Filter: TypeAlias = dict[str, Any]

_EVERYTHING: Final[Filter] = {}
_NOTHING: Final[Filter] = {"_id": {"$in": []}}

_ORDER: Final = {
    Operator.LT: "$lt",
    Operator.LE: "$lte",
    Operator.GT: "$gt",
    Operator.GE: "$gte",
}


#: What MongoDB can say of a predicate.
Condition: TypeAlias = pushdown.Condition[Filter]


def both(*filters: Filter) -> Filter:
    """Return the filter that holds where all of these do."""
    wanted = [filter for filter in filters if filter]
    keys = [key for filter in wanted for key in filter]
    if len(keys) > len(set(keys)):
        return {"$and": wanted}
    return {key: value for filter in wanted for key, value in filter.items()}


class Translator(pushdown.Translator[Filter]):
    """Translates predicates for one question, whose size is limited.

    Args:
        kind: The kind that the predicates are about.
    """

    def __init__(self, kind: type[Entity]) -> None:
        super().__init__(_EVERYTHING, values=MAX_VALUES, conditions=MAX_CONDITIONS, depth=MAX_DEPTH)
        self._specs = specs(kind)

    # -- filters -------------------------------------------------------------------------------

    def _all_of(self, filters: Sequence[Filter]) -> Filter:
        return both(*filters)

    def _any_of(self, filters: Sequence[Filter]) -> Filter:
        if not filters:
            return _NOTHING
        if len(filters) == 1:
            return filters[0]
        return _EVERYTHING if _EVERYTHING in filters else {"$or": filters}

    def _negated(self, filter: Filter) -> Filter:
        return {"$nor": [filter]}

    def _leaves_out(self, filter: Filter) -> bool:
        return bool(filter)

    # -- one method for each class of predicates ------------------------------------------------

    def _compare(self, predicate: Compare) -> Condition:
        if predicate.operator is Operator.EQ:
            return self._equals_one(predicate.path, (predicate.value,))
        if len(predicate.path) > 1:
            return Condition(_has_variable(predicate.path[1]), exact=False)
        name, spec = predicate.path[0], self._specs[predicate.path[0]]
        limit = bound(spec, predicate.operator, predicate.value)
        if limit is None:
            return Condition(_NOTHING)
        return Condition({key_of(name): {_ORDER[predicate.operator]: limit}})

    def _in(self, predicate: In) -> Condition:
        self._spend(len(predicate.values))
        return self._equals_one(predicate.path, predicate.values)

    def _exists(self, predicate: Exists) -> Condition:
        if len(predicate.path) == 1:
            return Condition(_EVERYTHING)
        return Condition(_has_variable(predicate.path[1]), exact=len(predicate.path) == 2)

    def _prefix(self, predicate: Prefix) -> Condition:
        if len(predicate.path) > 2:
            return Condition(_has_variable(predicate.path[1]), exact=False)
        prefix = storable(predicate.prefix)
        if len(predicate.path) == 2:
            return _variable_begins(predicate.path[1], prefix)
        name, spec = predicate.path[0], self._specs[predicate.path[0]]
        if not isinstance(spec, Text):
            return Condition(_NOTHING)
        return Condition({key_of(name): beginning(prefix)})

    def _overlaps(self, predicate: Overlaps) -> Condition:
        name, spec = predicate.path[0], self._specs[predicate.path[0]]
        if len(predicate.path) > 1 or not isinstance(spec, Links | Names):
            return Condition(_NOTHING)
        self._spend(len(predicate.values))
        return Condition({name: {"$in": [storable(value) for value in predicate.values]}})

    def _equals_one(self, path: tuple[str, ...], values: Sequence[Any]) -> Condition:
        if len(path) > 2:
            return Condition(_has_variable(path[1]), exact=False)
        if len(path) == 2:
            return _variable_equals_one(path[1], values)
        name, spec = path[0], self._specs[path[0]]
        equal = [stored for value in values for stored in as_stored(spec, value)]
        if len(equal) == 1:
            return Condition({key_of(name): equal[0]})
        return Condition({key_of(name): {"$in": equal}})


# -- variables, by their tokens --------------------------------------------------------------


def _has_variable(name: str) -> Filter:
    if not _is_variable(name):
        return _NOTHING
    lowest, behind = bounds(name)
    return {TOKENS: {"$elemMatch": {"$gte": lowest, "$lt": behind}}}


def _variable_equals_one(name: str, values: Sequence[Any]) -> Condition:
    if not _is_variable(name):
        return Condition(_NOTHING)
    equal = [token(name, _comparable(v)) for v in values if not isinstance(v, datetime)]
    return Condition({TOKENS: equal[0] if len(equal) == 1 else {"$in": equal}})


def _variable_begins(name: str, prefix: str) -> Condition:
    if not _is_variable(name):
        return Condition(_NOTHING)
    # Each character has one form in JSON text, and none begins another one's.
    text = jsontext.comparable(prefix)[:-1]
    lowest, _ = bounds(name)
    return Condition(
        {TOKENS: {"$elemMatch": beginning(lowest + text[:HEAD])}}, exact=len(text) <= HEAD
    )


def _is_variable(name: str) -> bool:
    try:
        check_variable_name(name, "name")
    except InvalidValue:
        return False
    return True


def _comparable(value: object) -> str:
    try:
        text = jsontext.comparable(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise UntranslatableError from error
    if not is_storable(text):
        raise UntranslatableError
    return text
