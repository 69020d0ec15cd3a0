"""The filters that choose hosts: the same words for lists, bundles and runs.

Several values of one name are alternatives, except that every ``vars`` must hold; the names
together must all hold. A filter that is not understood is refused, since ignoring it would widen a
run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from craton import jsontext
from craton.bundles.groups import GroupGraph, Subtree, in_region
from craton.bundles.precedence import Precedence
from craton.bundles.references import NO_FILES, ReferencedFiles
from craton.driver import InventoryReader
from craton.errors import InvalidQuery, InvalidValue
from craton.fields import Flag, Spec
from craton.jsontext import JsonValue
from craton.models import Entity, Host, Region, Secret, specs
from craton.names import check_variable_name
from craton.query import (
    AllOf,
    Compare,
    In,
    Missing,
    Operator,
    Overlaps,
    Path,
    Predicate,
    Query,
    value_inside,
)

_FIELDS: Final[dict[str, Spec]] = {
    name: spec for name, spec in specs(Host).items() if spec.filterable
}
_GROUP: Final = "group"
_VARIABLES: Final = "vars"
_RESOLVED: Final = "resolved"
_FLAGS: Final = {"true": True, "false": False}

#: The name of every filter.
NAMES: Final = (*_FIELDS, _GROUP, _VARIABLES, _RESOLVED)


@dataclass(frozen=True)
class EffectiveEquals(Predicate):
    """An effective variable of a host, or what stands inside of it, equals a value.

    The rules are not part of the meaning that ``repr`` tells: a page token stays good when a group
    changes between two pages.
    """

    steps: Path
    value: JsonValue
    precedence: Precedence = field(repr=False, compare=False)
    secrets: Mapping[str, Sequence[Secret]] = field(repr=False, compare=False)

    def matches(self, entity: Entity) -> bool:
        assert isinstance(entity, Host)
        secrets = self.secrets.get(entity.id, ())
        found = self.precedence.lookup(entity, self.steps[0], secrets)
        if found is not Missing.MISSING:
            found = value_inside(found, self.steps[1:])
        return found is not Missing.MISSING and jsontext.equal(found, self.value)


@dataclass(frozen=True, kw_only=True)
class HostFilters:
    """Which hosts of a region are meant.

    Attributes:
        given: The filters as they were given, checked, by name in the order of ``NAMES``.
    """

    given: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, parameters: Mapping[str, Sequence[str]]) -> Self:
        """Read filters, such as the parameters of a request.

        Raises:
            InvalidQuery: A name is unknown or a value malformed; ``fields["parameter"]`` names it.
        """
        for name in parameters:
            if name not in NAMES:
                raise _refused(name, f"there is no filter of this name; there are {_listed()}")
        filters = cls(
            given={name: tuple(parameters[name]) for name in NAMES if parameters.get(name)}
        )
        for name, values in filters.given.items():
            for value in values:
                _check(name, value)
        if len(filters.given.get(_RESOLVED, ())) > 1:
            raise _refused(_RESOLVED, "can be given once")
        return filters

    def __bool__(self) -> bool:
        """Tell whether there is any filter."""
        return bool(self.given)

    def document(self) -> dict[str, list[str]]:
        """Return what was given as a JSON object; :meth:`parse` reads it back."""
        return {name: list(values) for name, values in self.given.items()}

    def only_active(self) -> HostFilters:
        """Return these filters with ``active=true``, unless they say something about that."""
        return HostFilters(given={"active": ("true",), **self.given})

    @property
    def is_resolved(self) -> bool:
        """Whether there is a filter on effective variables."""
        return bool(self.given.get(_VARIABLES)) and self.given.get(_RESOLVED) == ("true",)

    def predicate(
        self, reader: InventoryReader, region: Region, files: ReferencedFiles = NO_FILES
    ) -> Predicate:
        """Return the predicate that holds for the hosts of a region that are meant.

        Groups are read when a filter asks for them, so this belongs into the snapshot of the query.

        Args:
            reader: Reads the region.
            region: The region.
            files: The files that it refers to, which matter if the filters are resolved.

        Raises:
            InvalidQuery: There is no group of a name or id that was given.
        """
        parts: list[Predicate] = [in_region(region.id)]
        for name, values in self.given.items():
            if name in _FIELDS:
                parts.append(In((name,), tuple(_typed(name, value) for value in values)))
        if _GROUP in self.given:
            graph = GroupGraph.load(reader, region.id)
            parts.append(Overlaps(("groups",), _members(graph, self.given[_GROUP])))
        parts.extend(self._on_variables(reader, region, files))
        return AllOf(*parts)

    def _on_variables(
        self, reader: InventoryReader, region: Region, files: ReferencedFiles
    ) -> list[Predicate]:
        wanted = [_parsed_variable(text) for text in self.given.get(_VARIABLES, ())]
        if not self.is_resolved:
            return [_own_equals(steps, value) for steps, value in wanted]
        precedence = Precedence.load(reader, region, files)
        found: list[Predicate] = []
        for steps, value in wanted:
            paths = _paths(reader, region, steps[0])
            if precedence.is_only_own(steps[0]) and not paths:
                # What only a host's own variables can set, the store can find by itself.
                found.append(_own_equals(steps, value))
            else:
                found.append(EffectiveEquals(steps, value, precedence, paths))
        return found


def _paths(reader: InventoryReader, region: Region, variable: str) -> Mapping[str, list[Secret]]:
    """Return, by host, the secrets whose path is in a variable."""
    found: dict[str, list[Secret]] = {}
    named = Compare(("variable",), Operator.EQ, variable)
    for secret in reader.scan(Secret, Query(where=AllOf(in_region(region.id), named))):
        found.setdefault(secret.host_id, []).append(secret)
    return found


def _own_equals(steps: Path, value: JsonValue) -> Predicate:
    return Compare(("variables", *steps), Operator.EQ, value)


def _members(graph: GroupGraph, names_or_ids: Sequence[str]) -> Subtree:
    chosen: set[str] = set()
    for name_or_id in names_or_ids:
        found = graph.named(name_or_id)
        if not found:
            raise _refused(_GROUP, f"{name_or_id!r} is neither a name nor an id of a group here")
        chosen |= found
    return graph.subtree(chosen)


def _typed(name: str, value: str) -> str | bool:
    return _FLAGS[value] if isinstance(_FIELDS[name], Flag) else value


def _check(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _refused(name, "must be Unicode text") from error
    if name == _VARIABLES:
        _parsed_variable(value)
    elif (name == _RESOLVED or isinstance(_FIELDS.get(name), Flag)) and value not in _FLAGS:
        raise _refused(name, "must be true or false")


def _parsed_variable(text: str) -> tuple[Path, JsonValue]:
    """Read ``name.key.0:value``; in front of the value a backslash quotes ``.``, ``:`` and itself.

    The value is JSON if it can be, else a string.
    """
    steps = [""]
    characters = iter(text)
    for character in characters:
        if character == ":":
            break
        if character == ".":
            steps.append("")
            continue
        if character == "\\":
            character = next(characters, "")
            if character not in (".", ":", "\\"):
                raise _refused(_VARIABLES, r"a backslash can only quote '.', ':' and '\\'")
        steps[-1] += character
    else:
        raise _refused(_VARIABLES, f"must be name:value, which {text!r} is not")
    try:
        check_variable_name(steps[0], _VARIABLES)
    except InvalidValue as error:
        raise _refused(_VARIABLES, f"{steps[0]!r} {error.rule}") from error
    return tuple(steps), _json_or_string("".join(characters))


def _json_or_string(text: str) -> JsonValue:
    try:
        return jsontext.decode(text.encode())
    except InvalidValue:
        return text


def _listed() -> str:
    return ", ".join(NAMES)


def _refused(name: str, rule: str) -> InvalidQuery:
    return InvalidQuery(f"{name}: {rule}", parameter=name)
