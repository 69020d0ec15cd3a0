"""The parameters of lists: which part of a collection, in which order, and how to go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from craton import filters
from craton.api.errors import invalid_parameter
from craton.api.limits import Limits
from craton.api.naming import READ_KINDS
from craton.api.parameters import Parameter, column, flag, number
from craton.models import Entity, Host, specs
from craton.query import DEFAULT_LIMIT, AllOf, In, Order, Predicate, Query

_MARKER: Final = "marker"

#: The filters by field that a kind has.
_COLUMNS: Final = {
    kind: {name: column(name, spec) for name, spec in specs(kind).items() if spec.filterable}
    for kind in READ_KINDS
}

_HOST_FILTERS: Final = {
    "group": "Only members of a group of this name or id, or of its subgroups.",
    "vars": r"Only where a variable has this value: `name:value` or `name.key.0:value`; the value "
    r"is JSON, else a string; `\.` and `\:` quote.",
    "resolved": "Whether `vars` means effective variables, not the own ones.",
}


def page_parameters(kind: type[Entity], limits: Limits) -> tuple[Parameter, ...]:
    """Return the parameters of every list of a kind."""
    return (
        *paging_parameters(limits),
        _sort(kind),
        *(
            (flag("variables", "Whether variables are in the answer."),)
            if "variables" in specs(kind)
            else ()
        ),
    )


def paging_parameters(limits: Limits) -> tuple[Parameter, ...]:
    """Return the parameters that say which part of a list is wanted."""
    return (
        number(
            "limit",
            "How many at most.",
            minimum=1,
            maximum=limits.max_limit,
            default=min(DEFAULT_LIMIT, limits.max_limit),
        ),
        Parameter(name=_MARKER, help="Where to go on, from the link `next` of the page before."),
    )


def column_parameters(kind: type[Entity]) -> tuple[Parameter, ...]:
    """Return the filters by field that a kind has."""
    return tuple(_COLUMNS[kind].values())


def list_parameters(kind: type[Entity], limits: Limits) -> tuple[Parameter, ...]:
    """Return the parameters of the collection of a kind: those of every list, and its filters."""
    chosen = host_filters() if kind is Host else column_parameters(kind)
    return (*page_parameters(kind, limits), *chosen)


def host_filters() -> tuple[Parameter, ...]:
    """Return the filters that choose hosts; :mod:`craton.filters` reads their values."""
    fields = specs(Host)
    return tuple(
        Parameter(
            name=name,
            help=_HOST_FILTERS[name]
            if name in _HOST_FILTERS
            else f"Only those with one of these values. {fields[name].help}",
            repeatable=True,
        )
        for name in filters.NAMES
    )


def given_host_filters(values: Mapping[str, Any]) -> filters.HostFilters:
    """Read the filters that choose hosts from the parameters of a request.

    Raises:
        InvalidQuery: One is malformed.
    """
    return filters.HostFilters.parse(
        {name: values[name] for name in filters.NAMES if name in values}
    )


def column_filters(kind: type[Entity], values: Mapping[str, Any]) -> list[Predicate]:
    """Return what the filters by field ask for."""
    return [In((name,), tuple(values[name])) for name in _COLUMNS[kind] if name in values]


def query_of(values: Mapping[str, Any], where: list[Predicate]) -> Query:
    """Return the query that a list's parameters and predicates make."""
    return Query(
        where=AllOf(*where), order=values["sort"], limit=values["limit"], page=values[_MARKER]
    )


def links(path: str, pairs: list[tuple[str, str]], token: str | None) -> list[dict[str, str]]:
    """Return the links of a page: to the next one, if there is one, by the same parameters."""
    if token is None:
        return []
    query = [pair for pair in pairs if pair[0] != _MARKER]
    return [{"rel": "next", "href": f"{path}?{urlencode([*query, (_MARKER, token)])}"}]


def _sort(kind: type[Entity]) -> Parameter:
    return sorting(
        {
            f"{sign}{name}": Order(field=name, descending=bool(sign))
            for name, spec in specs(kind).items()
            if spec.sortable
            for sign in ("", "-")
        },
        default=Order().field,
    )


def sorting(orders: Mapping[str, Order], default: str) -> Parameter:
    """Return the parameter that chooses one of some orders by its name."""

    def read(text: str, name: str) -> Order:
        if text not in orders:
            raise invalid_parameter(name, f"must be one of {', '.join(orders)}")
        return orders[text]

    schema = {"type": "string", "enum": list(orders), "default": default}
    return Parameter(
        name="sort",
        help="By which field; `-` reverses.",
        schema=schema,
        read=read,
        default=orders[default],
    )
