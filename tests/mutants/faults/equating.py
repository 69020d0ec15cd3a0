"""Faults in which values are equal, and in what null and missing mean."""

from __future__ import annotations

from typing import Any

from craton import jsontext
from craton.query import (
    AllOf,
    AnyOf,
    Compare,
    Exists,
    Missing,
    Not,
    Predicate,
    value_at,
)
from tests.mutants.faults.asking import Asking, Equating, Means, same
from tests.mutants.registry import fault


@fault("true is 1.", "FILTER-2", "FILTER-1")
class TrueIsOne(Equating):
    def equal(self, found: Any, value: Any) -> bool:
        if isinstance(found, bool | int) and isinstance(value, bool | int):
            return found == value
        return same(found, value)


@fault("1 is 1.0.", "FILTER-2")
class OneIsOnePointZero(Equating):
    def equal(self, found: Any, value: Any) -> bool:
        if type(found) in (int, float) and type(value) in (int, float):
            return bool(found == value)
        return same(found, value)


@fault("Numbers are compared as floats.", "FILTER-2")
class NumbersAreFloats(Equating):
    def equal(self, found: Any, value: Any) -> bool:
        if (
            type(found) is int
            and type(value) in (int, float)
            and max(abs(found), abs(value)) < 1e308
        ):
            return float(found) == float(value) and abs(found) > 2**53
        return same(found, value)


@fault('Values are compared by their text: 1 is "1".', "FILTER-2")
class ValuesAreTexts(Equating):
    def equal(self, found: Any, value: Any) -> bool:
        if isinstance(found, str) and type(value) in (int, float):
            return found == jsontext.dumps(value)
        return same(found, value)


@fault("Objects differ when the order of their keys does.", "FILTER-2")
class KeyOrderMatters(Equating):
    def equal(self, found: Any, value: Any) -> bool:
        if isinstance(found, dict) and isinstance(value, dict):
            return jsontext.dumps(found) == jsontext.dumps(value)
        return same(found, value)


@fault("Arrays are equal whatever the order of their items.", "FILTER-2")
class ArrayOrderDoesNotMatter(Equating):
    def equal(self, found: Any, value: Any) -> bool:
        if isinstance(found, list) and isinstance(value, list):
            return sorted(map(repr, found)) == sorted(map(repr, value))
        return same(found, value)


@fault("An array equals a value that it holds, as in MongoDB.", "FILTER-2")
class ArrayEqualsItsItems(Equating):
    def equal(self, found: Any, value: Any) -> bool:
        return any(
            same(item, value) for item in (found, *(found if isinstance(found, list) else ()))
        )


@fault("The empty string is null.", "FILTER-2", "FILTER-3")
class EmptyIsNull(Equating):
    def equal(self, found: Any, value: Any) -> bool:
        found, value = (None if each == "" else each for each in (found, value))
        return same(found, value)


@fault("Zero and negative zero are one.", "FILTER-2")
class NegativeZeroIsZero(Equating):
    def equal(self, found: Any, value: Any) -> bool:
        if type(found) is float and type(value) is float:
            return found == value
        return same(found, value)


@fault("null is missing.", "FILTER-3")
class NullIsMissing(Asking):
    def leaf(self, where: Predicate) -> Predicate:
        if isinstance(where, Exists):
            return Means(lambda e: value_at(e, where.path) not in (None, Missing.MISSING))
        return where


@fault("What is missing equals null.", "FILTER-3")
class MissingIsNull(Equating):
    def equal(self, found: Any, value: Any) -> bool:
        found = None if found is Missing.MISSING else found
        return same(found, value)


@fault("Not of a comparison with what is missing is no answer, as NULL in SQL.", "FILTER-2")
class NotOfMissingIsUnknown(Asking):
    def meaning(self, where: Predicate) -> Predicate:
        match where:
            case AllOf(predicates=parts):
                return AllOf(*map(self.meaning, parts))
            case AnyOf(predicates=parts):
                return AnyOf(*map(self.meaning, parts))
            case Not(predicate=Compare(path=path)):
                return AllOf(where, Exists(path))
        return where
