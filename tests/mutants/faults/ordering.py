"""Faults in how strings compare, in what is above and below, and in prefixes."""

from __future__ import annotations

import re
import unicodedata

from craton.models import Entity
from craton.query import (
    EVERYTHING,
    AnyOf,
    Compare,
    Missing,
    Operator,
    Predicate,
    Prefix,
    value_at,
)
from tests.mutants.faults.asking import Asking, Folding, Means, compared
from tests.mutants.registry import fault


@fault("Strings are compared without case.", "FILTER-4")
class StringsWithoutCase(Folding):
    def folded(self, text: str) -> str:
        return text.casefold()


@fault("Strings are compared in their normalized form.", "FILTER-4")
class StringsNormalized(Folding):
    def folded(self, text: str) -> str:
        return unicodedata.normalize("NFC", text)


@fault("White space behind a string does not count.", "FILTER-4")
class TrailingSpaceIgnored(Folding):
    def folded(self, text: str) -> str:
        return text.rstrip(" ")


@fault("Strings are compared by UTF-16 code units.", "FILTER-4")
class StringsByUtf16(Folding):
    def folded(self, text: str) -> str:
        units = text.encode("utf-16-be", "surrogatepass")
        return "".join(
            map(chr, (int.from_bytes(units[i : i + 2]) for i in range(0, len(units), 2)))
        )


@fault("Below and above mix types, in the order of BSON.", "FILTER-5")
class OrderAcrossTypes(Asking):
    def leaf(self, where: Predicate) -> Predicate:
        below = isinstance(where, Compare) and where.operator in (Operator.LT, Operator.LE)
        if below and isinstance(where.value, str):  # type: ignore[attr-defined]
            numbers = Means(lambda e: type(value_at(e, where.path)) in (int, float))  # type: ignore[attr-defined]
            return AnyOf(where, numbers)
        return where


@fault("An integer is ordered among floats.", "FILTER-5")
class IntegersAmongFloats(Asking):
    def leaf(self, where: Predicate) -> Predicate:
        if (
            isinstance(where, Compare)
            and where.operator is not Operator.EQ
            and type(where.value) is float
        ):
            above = where.operator in (Operator.GT, Operator.GE)

            def among(entity: Entity) -> bool:
                found = value_at(entity, where.path)
                return type(found) is int and (found > where.value) == above  # type: ignore[operator]

            return AnyOf(where, Means(among))
        return where


@fault("Booleans have an order.", "FILTER-5")
class OrderAmongBooleans(Asking):
    def leaf(self, where: Predicate) -> Predicate:
        if (
            isinstance(where, Compare)
            and where.operator is not Operator.EQ
            and type(where.value) is bool
        ):
            operator, value = where.operator, int(where.value)

            def ordered(entity: Entity) -> bool:
                found = value_at(entity, where.path)
                return type(found) is bool and compared(int(found), operator, value)

            return Means(ordered)
        return where


class Patterns(Asking):
    """Base of the faults in how a prefix becomes a pattern."""

    def pattern(self, prefix: str) -> str:
        raise NotImplementedError

    def leaf(self, where: Predicate) -> Predicate:
        if isinstance(where, Prefix):
            pattern = re.compile(self.pattern(where.prefix), re.DOTALL)

            def like(entity: Entity) -> bool:
                found = value_at(entity, where.path)
                return isinstance(found, str) and pattern.match(found) is not None

            return Means(like)
        return where


@fault("A prefix is a pattern of LIKE.", "FILTER-6")
class PrefixIsLike(Patterns):
    def pattern(self, prefix: str) -> str:
        return re.escape(prefix).replace("%", ".*").replace("_", ".")


@fault("A prefix is a pattern of the shell.", "FILTER-6")
class PrefixIsGlob(Patterns):
    def pattern(self, prefix: str) -> str:
        return re.escape(prefix).replace(r"\*", ".*")


@fault("A prefix is compared without case, as LIKE does in SQLite.", "FILTER-6")
class PrefixWithoutCase(Patterns):
    def pattern(self, prefix: str) -> str:
        return f"(?i:{re.escape(prefix)})"


@fault("An empty prefix holds for null, too.", "FILTER-6")
class EmptyPrefixIsEverything(Asking):
    def leaf(self, where: Predicate) -> Predicate:
        return EVERYTHING if isinstance(where, Prefix) and not where.prefix else where


@fault("A prefix holds for numbers by their digits.", "FILTER-6")
class PrefixOfNumbers(Asking):
    def leaf(self, where: Predicate) -> Predicate:
        if isinstance(where, Prefix):
            return Means(
                lambda e: (
                    not isinstance(found := value_at(e, where.path), dict | list)
                    and found not in (None, Missing.MISSING)
                    and str(found).startswith(where.prefix)
                )
            )
        return where
