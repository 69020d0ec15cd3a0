"""Faults in which parts of a predicate are heeded, and in how a path is gone along."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Generator
from typing import Any

from craton.backends.memory.driver import MemoryDriver
from craton.errors import InvalidQuery
from craton.models import E, Entity, Group
from craton.query import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Compare,
    Exists,
    In,
    Not,
    Overlaps,
    Page,
    Predicate,
    Prefix,
    Query,
    Selection,
    value_at,
)
from tests.mutants.faults.asking import Asking, Equating, Means, same
from tests.mutants.registry import fault

_KNOWN = (AllOf, AnyOf, Not, Compare, In, Overlaps, Exists, Prefix)


@fault("A predicate of a class that the driver does not know is left out.", "FILTER-8")
class UnknownPredicateLeftOut(Asking):
    def leaf(self, where: Predicate) -> Predicate:
        return where if isinstance(where, _KNOWN) else EVERYTHING


@fault("Not of a predicate that the driver does not know is everything.", "FILTER-8")
class NotOfTheUnknownLeftOut(Asking):
    def meaning(self, where: Predicate) -> Predicate:
        match where:
            case AllOf(predicates=parts):
                return AllOf(*map(self.meaning, parts))
            case AnyOf(predicates=parts):
                return AnyOf(*map(self.meaning, parts))
            case Not(predicate=part) if not isinstance(part, _KNOWN):
                return EVERYTHING
        return where


@fault("Parts of AnyOf that the store cannot do are asked of what the others found.", "FILTER-8")
class AnyOfPushedInPart(Asking):
    def meaning(self, where: Predicate) -> Predicate:
        if isinstance(where, AnyOf) and not all(isinstance(p, _KNOWN) for p in where.predicates):
            known = [part for part in where.predicates if isinstance(part, _KNOWN)]
            return AllOf(AnyOf(*known), where)
        return where


@fault("AnyOf of nothing is everything.", "FILTER-1")
class AnyOfNothingIsEverything(Asking):
    def meaning(self, where: Predicate) -> Predicate:
        return EVERYTHING if where == AnyOf() else where


@fault("In with no values is left out.", "FILTER-1")
class EmptyInLeftOut(Asking):
    def leaf(self, where: Predicate) -> Predicate:
        return EVERYTHING if isinstance(where, In) and not where.values else where


@fault("In looks at its first thousand values.", "FILTER-1")
class InCutOff(Asking):
    def leaf(self, where: Predicate) -> Predicate:
        return In(where.path, where.values[:1000]) if isinstance(where, In) else where


@fault("A filter by group is left out.", "FILTER-1")
class GroupsNotFiltered(Asking):
    def leaf(self, where: Predicate) -> Predicate:
        return EVERYTHING if isinstance(where, Overlaps) else where


@fault("A filter by group wants all of the groups.", "FILTER-1")
class EveryGroupWanted(Asking):
    def leaf(self, where: Predicate) -> Predicate:
        if isinstance(where, Overlaps):
            wanted = set(where.values)
            return Means(lambda e: bool(wanted) and wanted <= set(value_at(e, where.path)))
        return where


@fault("A time is compared with a text that shows it.", "FILTER-1")
class TimesAreTexts(Equating):
    def equal(self, found: Any, value: Any) -> bool:
        if hasattr(found, "isoformat"):
            return str(value) in (found.isoformat(), str(found))
        return same(found, value)


@fault("Filters see fields of hosts alone; of other kinds everything matches.", "FILTER-1")
class OnlyHostsFiltered(Asking):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        if kind is Group:
            selection = dataclasses.replace(selection, where=EVERYTHING)
        return super()._select(kind, selection)


class Walking(Asking):
    """Base of the faults in how a path is gone along."""

    def path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        raise NotImplementedError

    def leaf(self, where: Predicate) -> Predicate:
        if isinstance(where, Compare | Exists | Prefix | In):
            return dataclasses.replace(where, path=self.path(where.path))
        return where


@fault("A path is written with dots, which keys may hold, too.", "FILTER-7")
class PathsWithDots(Walking):
    def path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(".".join(path).split("."))


@fault("An array is stepped through by any text that is a number.", "FILTER-7")
class PositionsWithLeadingZeros(Walking):
    def path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(int(step)) if re.fullmatch(r"\+?\d+", step) else step for step in path)


@fault("A path stops at an array.", "FILTER-7")
class ArraysNotEntered(Walking):
    def path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"no-{step}" if step.isdecimal() else step for step in path)


@fault("A quote in a key ends it.", "FILTER-7")
class QuotesInKeys(Walking):
    def path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(step.partition('"')[0] for step in path)


@fault("A path that names no field matches nothing.", "FILTER-9")
class UnknownPathMatchesNothing(MemoryDriver):
    def find(self, kind: type[E], query: Query) -> Page[E]:
        try:
            return super().find(kind, query)
        except InvalidQuery as error:
            if "path" not in error.fields:
                raise
            return Page(items=())


@fault("digest does not see whether a path names a field.", "FILTER-9")
class DigestOfAnUnknownPath(MemoryDriver):
    def digest(self, kind: type[Entity], where: Predicate = EVERYTHING) -> str:
        try:
            return super().digest(kind, where)
        except InvalidQuery:
            return ""
