"""Bases of the faults in what predicates mean to the store."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any

from craton.backends.memory.driver import MemoryDriver
from craton.models import E, Entity
from craton.query import (
    AllOf,
    AnyOf,
    Compare,
    In,
    Not,
    Operator,
    Predicate,
    Selection,
    value_at,
)


class Means(Predicate):
    """A predicate that the store understands in its own way."""

    def __init__(self, meaning: Callable[[Entity], bool]) -> None:
        self.meaning = meaning

    def matches(self, entity: Entity) -> bool:
        return self.meaning(entity)


def translated(where: Predicate, leaf: Callable[[Predicate], Predicate]) -> Predicate:
    """Return a predicate with every part that is not made of others replaced."""
    match where:
        case AllOf(predicates=parts):
            return AllOf(*(translated(part, leaf) for part in parts))
        case AnyOf(predicates=parts):
            return AnyOf(*(translated(part, leaf) for part in parts))
        case Not(predicate=part):
            return Not(translated(part, leaf))
    return leaf(where)


class Asking(MemoryDriver):
    """Base of the faults in the meaning of a predicate."""

    def meaning(self, where: Predicate) -> Predicate:
        return translated(where, self.leaf)

    def leaf(self, where: Predicate) -> Predicate:
        """Return what the store makes of one comparison."""
        return where

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        where = self.meaning(selection.where)
        return super()._select(kind, dataclasses.replace(selection, where=where))


class Equating(Asking):
    """Base of the faults in which two values are equal."""

    def equal(self, found: Any, value: Any) -> bool:
        raise NotImplementedError

    def leaf(self, where: Predicate) -> Predicate:
        match where:
            case Compare(path, Operator.EQ, value):
                return Means(lambda entity: self.equal(value_at(entity, path), value))
            case In(path, values):
                return Means(
                    lambda entity: any(self.equal(value_at(entity, path), v) for v in values)
                )
        return where


class Folding(Asking):
    """Base of the faults in which strings are compared in another form."""

    def folded(self, text: str) -> str:
        raise NotImplementedError

    def leaf(self, where: Predicate) -> Predicate:
        if isinstance(where, Compare) and isinstance(where.value, str):
            value = self.folded(where.value)
            operator = where.operator

            def meaning(entity: Entity) -> bool:
                found = value_at(entity, where.path)
                return isinstance(found, str) and compared(self.folded(found), operator, value)

            return Means(meaning)
        return where


def compared(found: Any, operator: Operator, value: Any) -> bool:
    """Compare two values as the contract does."""
    entity: Any = SimpleNamespace(value=found)
    return Compare(("value",), operator, value).matches(entity)


def same(found: Any, value: Any) -> bool:
    """Tell whether two values are equal as the contract has it."""
    return compared(found, Operator.EQ, value)
