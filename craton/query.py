"""Queries are values: what to find, in which order, from where.

``Predicate.matches`` *is* the meaning of a predicate. A driver may let its store do the work, in
whole or in part; it then answers exactly as ``matches`` would.

A path names what a predicate looks at: a field of the entity, and for ``variables`` the variable
and the way into its value, such as ``("variables", "ntp", "servers", "0")``. It is a tuple, so a
key may hold any character. Inside an array, a step is a position in decimal digits.

Values compare as JSON: ``1``, ``1.0``, ``"1"`` and ``true`` all differ, strings compare by code
point, the order of keys in an object does not matter. What is missing matches nothing, and null is
not missing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, Generic, TypeAlias

from craton import jsontext
from craton.errors import InvalidPageToken, InvalidQuery, InvalidValue
from craton.fields import Moment, Spec
from craton.jsontext import JsonValue
from craton.models import E, Entity, specs
from craton.variables import Variables

Path: TypeAlias = tuple[str, ...]
Value: TypeAlias = "JsonValue | datetime"

#: The position of an entity in an order: the value of the field ordered by, and the id.
Position: TypeAlias = "tuple[str | int | datetime, str]"

#: How many entities a page holds when the query does not say.
DEFAULT_LIMIT: Final = 100


class Missing(Enum):
    """What a path finds where there is nothing; null is something."""

    MISSING = "missing"


def value_at(entity: Entity, path: Path) -> Any:
    """Return what stands at a path of an entity, or ``Missing.MISSING``."""
    return value_inside(getattr(entity, path[0]), path[1:])


def value_inside(value: Any, steps: Path) -> Any:
    """Return what stands at these steps inside of a value, or ``Missing.MISSING``."""
    for step in steps:
        if isinstance(value, dict | Variables):
            if step not in value:
                return Missing.MISSING
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and step.isascii():
            if int(step) >= len(value) or step != str(int(step)):
                return Missing.MISSING
            value = value[int(step)]
        else:
            return Missing.MISSING
    return value


class Predicate(ABC):
    """What an entity may or may not satisfy.

    A caller may bring a predicate of a class of its own: a driver that does not know it hands it
    back, and the base class applies it. Its ``repr`` must tell what it means, because a page token
    is bound to it.
    """

    @abstractmethod
    def matches(self, entity: Entity) -> bool:
        """Tell whether the entity satisfies the predicate."""

    def paths(self) -> Iterator[Path]:
        """Yield the paths that it looks at, which :func:`check` verifies."""
        yield from ()


@dataclass(frozen=True)
class AllOf(Predicate):
    """Every one of the predicates holds; without any, everything matches."""

    predicates: tuple[Predicate, ...] = ()

    def __init__(self, *predicates: Predicate) -> None:
        object.__setattr__(self, "predicates", predicates)

    def matches(self, entity: Entity) -> bool:
        return all(predicate.matches(entity) for predicate in self.predicates)

    def paths(self) -> Iterator[Path]:
        for predicate in self.predicates:
            yield from predicate.paths()


@dataclass(frozen=True)
class AnyOf(Predicate):
    """At least one of the predicates holds; without any, nothing matches."""

    predicates: tuple[Predicate, ...] = ()

    def __init__(self, *predicates: Predicate) -> None:
        object.__setattr__(self, "predicates", predicates)

    def matches(self, entity: Entity) -> bool:
        return any(predicate.matches(entity) for predicate in self.predicates)

    def paths(self) -> Iterator[Path]:
        for predicate in self.predicates:
            yield from predicate.paths()


@dataclass(frozen=True)
class Not(Predicate):
    """The predicate does not hold."""

    predicate: Predicate

    def matches(self, entity: Entity) -> bool:
        return not self.predicate.matches(entity)

    def paths(self) -> Iterator[Path]:
        yield from self.predicate.paths()


class Operator(Enum):
    """How ``Compare`` compares. Order exists between two values of one type only."""

    EQ = "="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


_ORDER: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}
_ORDERED_TYPES = (str, int, float, datetime)


@dataclass(frozen=True)
class Compare(Predicate):
    """The value at the path stands in this relation to the given one.

    ``<`` and its kin hold only between two strings, two integers, two floats or two times.
    """

    path: Path
    operator: Operator
    value: Value

    def matches(self, entity: Entity) -> bool:
        found = value_at(entity, self.path)
        if self.operator is Operator.EQ:
            return _equal(found, self.value)
        if type(found) is not type(self.value) or type(found) not in _ORDERED_TYPES:
            return False
        return _ORDER[self.operator](found, self.value)

    def paths(self) -> Iterator[Path]:
        yield self.path


@dataclass(frozen=True)
class In(Predicate):
    """The value at the path equals one of these."""

    path: Path
    values: tuple[Value, ...]

    def matches(self, entity: Entity) -> bool:
        found = value_at(entity, self.path)
        if type(found) is str:
            return found in self.values  # a string equals strings only, and there may be many
        return any(_equal(found, value) for value in self.values)

    def paths(self) -> Iterator[Path]:
        yield self.path


@dataclass(frozen=True)
class Overlaps(Predicate):
    """The field is a set (such as a host's ``groups``) that holds at least one of these."""

    path: Path
    values: tuple[str, ...]

    def matches(self, entity: Entity) -> bool:
        found = value_at(entity, self.path)
        return isinstance(found, tuple) and not frozenset(found).isdisjoint(self.values)

    def paths(self) -> Iterator[Path]:
        yield self.path


@dataclass(frozen=True)
class Exists(Predicate):
    """There is something at the path, null included."""

    path: Path

    def matches(self, entity: Entity) -> bool:
        return value_at(entity, self.path) is not Missing.MISSING

    def paths(self) -> Iterator[Path]:
        yield self.path


@dataclass(frozen=True)
class Prefix(Predicate):
    """The value at the path is a string that begins with this one."""

    path: Path
    prefix: str

    def matches(self, entity: Entity) -> bool:
        found = value_at(entity, self.path)
        return isinstance(found, str) and found.startswith(self.prefix)

    def paths(self) -> Iterator[Path]:
        yield self.path


#: Matches every entity.
EVERYTHING: Final = AllOf()


@dataclass(frozen=True)
class Order:
    """By one field, then by id, both in the same direction."""

    field: str = "name"
    descending: bool = False


@dataclass(frozen=True, kw_only=True)
class Query:
    """What ``find`` and ``scan`` look for.

    Attributes:
        where: What must hold.
        order: In which order; the default is by name.
        limit: How many at most on a page (``find``), or in all (``scan``; ``None`` is no limit).
        page: The token of the page to begin with, from ``Page.next`` of the same query.
    """

    where: Predicate = EVERYTHING
    order: Order = field(default=Order())
    limit: int | None = None
    page: str | None = None


@dataclass(frozen=True, kw_only=True)
class Page(Generic[E]):
    """One page of entities.

    Attributes:
        items: The entities, in the query's order.
        next: The token of the next page; ``None`` only when there is none.
    """

    items: tuple[E, ...]
    next: str | None = None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a driver's hook is asked for: the part of a query that it said it can do.

    Attributes:
        where: What the driver's ``_pushdown`` kept.
        order: The order of the answer.
        after: Begin behind this position; ``None`` is the beginning.
        limit: No more than this many will be read; ``None`` when that is not known.
    """

    where: Predicate = EVERYTHING
    order: Order = field(default=Order())
    after: Position | None = None
    limit: int | None = None


def position(entity: Entity, order: Order) -> Position:
    """Return where an entity stands in an order."""
    return getattr(entity, order.field), entity.id


def conjuncts(where: Predicate) -> tuple[Predicate, ...]:
    """Take a predicate apart into predicates that must all hold, for ``_pushdown``."""
    if isinstance(where, AllOf):
        return tuple(part for predicate in where.predicates for part in conjuncts(predicate))
    return (where,)


def check(kind: type[Entity], query: Query) -> None:
    """Check that a query has a meaning for a kind of entity.

    Raises:
        InvalidQuery: A path or the order names no such field, or the limit is not positive.
    """
    check_where(kind, query.where)
    spec = specs(kind).get(query.order.field)
    if spec is None or not spec.sortable:
        raise InvalidQuery(
            f"{kind.collection} cannot be ordered by {query.order.field!r}",
            field=query.order.field,
        )
    if query.limit is not None and query.limit < 1:
        raise InvalidQuery("the limit must be at least 1", limit=query.limit)


def check_where(kind: type[Entity], where: Predicate) -> None:
    """Check that a predicate has a meaning for a kind of entity.

    Raises:
        InvalidQuery: A path names no such field, or goes into a field that has no inside.
    """
    for path in where.paths():
        if not path or path[0] not in specs(kind):
            raise InvalidQuery(f"a {kind.kind} has no field {'.'.join(path)!r}", path=list(path))
        if len(path) > 1 and path[0] != "variables":
            raise InvalidQuery(f"there is nothing inside of {path[0]!r}", path=list(path))


def encode_page(kind: type[Entity], query: Query, where: Position) -> str:
    """Make the token of the page that begins behind a position."""
    value, id = where
    if isinstance(value, datetime):
        value = value.isoformat()
    document = json.dumps([_fingerprint(kind, query), value, id], ensure_ascii=False)
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def decode_page(kind: type[Entity], query: Query) -> Position | None:
    """Return the position behind which the query's page begins.

    Raises:
        InvalidPageToken: The token was made by another query, or is no token.
    """
    if query.page is None:
        return None
    try:
        raw = base64.b64decode(query.page + "=" * (-len(query.page) % 4), b"-_", validate=True)
        fingerprint, value, id = json.loads(raw)
        if fingerprint != _fingerprint(kind, query):
            raise InvalidPageToken
        specs(kind)["id"].check(id, "page")
        return _typed(specs(kind)[query.order.field], value), id
    except (ValueError, TypeError, OverflowError, RecursionError, InvalidValue) as error:
        raise InvalidPageToken from error


def _typed(spec: Spec, value: object) -> str | int | datetime:
    """Bring a value back from a token, checked by the description of its field."""
    if isinstance(spec, Moment):
        moment = datetime.fromisoformat(str(value))
        return moment.astimezone(UTC)
    spec.check(value, "page")
    assert isinstance(value, str | int)
    return value


def _fingerprint(kind: type[Entity], query: Query) -> str:
    meaning = f"{kind.kind} {query.where!r} {query.order!r}"
    return hashlib.blake2b(meaning.encode(), digest_size=12).hexdigest()


def _equal(found: object, value: object) -> bool:
    if found is Missing.MISSING:
        return False
    if isinstance(found, datetime) or isinstance(value, datetime):
        return found == value
    if isinstance(found, Variables | tuple):
        return False
    return jsontext.equal(found, value)
