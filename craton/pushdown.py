"""From predicates to what a store is asked, for drivers whose store finds entities by itself.

What one predicate means in the store's language is the driver's affair. Here is what may be said of
several, so that the store and the base class together answer exactly as ``Predicate.matches`` does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from craton.models import Entity, parent_field
from craton.query import (
    AllOf,
    AnyOf,
    Compare,
    Exists,
    In,
    Not,
    Operator,
    Overlaps,
    Predicate,
    Prefix,
    conjuncts,
)

_HIGHEST: Final = 0x10FFFF
_SURROGATES: Final = (0xD800, 0xDFFF)

#: A filter in the language of a store.
F = TypeVar("F")


class UntranslatableError(Exception):
    """A predicate, or a part of it, that the base class must apply."""


@dataclass(frozen=True)
class Condition(Generic[F]):
    """What a store can say of a predicate.

    Attributes:
        filter: Holds wherever the predicate does.
        exact: Whether it holds nowhere else.
    """

    filter: F
    exact: bool = True


class Translator(ABC, Generic[F]):
    """Translates predicates for one question, whose size is limited.

    Args:
        everything: The filter that holds everywhere.
        values: How many values it may hold.
        conditions: How many conditions it may hold.
        depth: How deep they may nest.
    """

    def __init__(self, everything: F, *, values: int, conditions: int, depth: int) -> None:
        self._anything = Condition(everything, exact=False)
        self._values = values
        self._conditions = conditions
        self._depth = depth

    def translate(self, predicate: Predicate, depth: int = 0) -> Condition[F]:
        """Return what the store can say of a predicate; of one that it does not know, nothing."""
        # A subclass may mean something else, so the class itself counts.
        kind = type(predicate)
        if depth > self._depth:
            return self._anything
        if isinstance(predicate, AllOf) and kind is AllOf:
            return self._several(self._all_of, predicate.predicates, depth)
        if isinstance(predicate, AnyOf) and kind is AnyOf:
            return self._several(self._any_of, predicate.predicates, depth)
        if isinstance(predicate, Not) and kind is Not:
            part = self.translate(predicate.predicate, depth + 1)
            return Condition(self._negated(part.filter)) if part.exact else self._anything
        return self._simple(predicate)

    def divide(self, where: Predicate, depth: int = 0) -> tuple[Predicate, Predicate]:
        """Divide a predicate as ``InventoryReader._pushdown`` does.

        Args:
            where: What must hold.
            depth: How deep the parts will stand in the question.
        """
        pushed, residue = [], []
        for part in conjuncts(where):
            condition = self.translate(part, depth)
            if self._leaves_out(condition.filter):
                pushed.append(part)
            if not condition.exact:
                residue.append(part)
        return _all_of(pushed), _all_of(residue)

    def _several(
        self, join: Callable[[Sequence[F]], F], predicates: Sequence[Predicate], depth: int
    ) -> Condition[F]:
        parts = [self.translate(predicate, depth + 1) for predicate in predicates]
        return Condition(join([p.filter for p in parts]), all(p.exact for p in parts))

    def _simple(self, predicate: Predicate) -> Condition[F]:
        handlers: dict[type[Predicate], Callable[[Any], Condition[F]]] = {
            Compare: self._compare,
            In: self._in,
            Exists: self._exists,
            Prefix: self._prefix,
            Overlaps: self._overlaps,
        }
        handler = handlers.get(type(predicate))
        if handler is None or self._conditions == 0:
            return self._anything
        try:
            condition = handler(predicate)
        except UntranslatableError:
            return self._anything
        self._conditions -= 1
        return condition

    def _spend(self, values: int) -> None:
        if values > self._values:
            raise UntranslatableError
        self._values -= values

    # -- filters of the store ------------------------------------------------------------------

    @abstractmethod
    def _all_of(self, filters: Sequence[F]) -> F:
        """Return the filter that holds where all of these do."""

    @abstractmethod
    def _any_of(self, filters: Sequence[F]) -> F:
        """Return the filter that holds where one of these does."""

    @abstractmethod
    def _negated(self, filter: F) -> F:
        """Return the filter that holds where this one does not."""

    @abstractmethod
    def _leaves_out(self, filter: F) -> bool:
        """Tell whether it is of any use: whether it does not simply hold everywhere."""

    # -- one method for each class of predicates, which may raise UntranslatableError ----------

    @abstractmethod
    def _compare(self, predicate: Compare) -> Condition[F]: ...

    @abstractmethod
    def _in(self, predicate: In) -> Condition[F]: ...

    @abstractmethod
    def _exists(self, predicate: Exists) -> Condition[F]: ...

    @abstractmethod
    def _prefix(self, predicate: Prefix) -> Condition[F]: ...

    @abstractmethod
    def _overlaps(self, predicate: Overlaps) -> Condition[F]: ...


def has_one_parent(kind: type[Entity], where: Predicate) -> bool:
    """Tell whether all that match have one parent, in which no two have one name."""
    parent = parent_field(kind)
    return parent is None or any(
        type(part) is Compare and part.path == (parent,) and part.operator is Operator.EQ
        for part in conjuncts(where)
    )


def successor(prefix: str) -> str | None:
    """Return the first string behind all those that begin with the prefix, if there is one."""
    for position in range(len(prefix) - 1, -1, -1):
        following = ord(prefix[position]) + 1
        if following == _SURROGATES[0]:
            following = _SURROGATES[1] + 1
        if following <= _HIGHEST:
            return prefix[:position] + chr(following)
    return None


def _all_of(parts: list[Predicate]) -> Predicate:
    return parts[0] if len(parts) == 1 else AllOf(*parts)
