"""The parameters of the change log: whose changes, from when to when, in which order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from craton.api.errors import invalid_parameter
from craton.api.limits import Limits
from craton.api.listing import column_filters, column_parameters, paging_parameters, sorting
from craton.api.parameters import Parameter
from craton.changes import place_at
from craton.models import ChangeRecord
from craton.query import Compare, Operator, Order, Predicate

#: The log is in the order of its places, which is that of time.
_ORDERS: Final = {"-created_at": Order(descending=True), "created_at": Order()}

#: RFC 3339, of which ``datetime`` alone would take more.
_MOMENT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII
)

_SINCE: Final = "since"
_UNTIL: Final = "until"


def change_parameters(limits: Limits) -> tuple[Parameter, ...]:
    """Return the parameters of the change log."""
    return (
        *paging_parameters(limits),
        sorting(_ORDERS, default="-created_at"),
        _moment(_SINCE, "Only changes at this time or later."),
        _moment(_UNTIL, "Only changes before this time."),
        *(p for p in column_parameters(ChangeRecord) if p.name not in {"region_id", "tenant_id"}),
    )


def change_filters(values: Mapping[str, Any]) -> list[Predicate]:
    """Return what the parameters of a request ask for."""
    where = column_filters(ChangeRecord, values)
    for name, operator in ((_SINCE, Operator.GE), (_UNTIL, Operator.LT)):
        if values[name] is not None:
            # By the place, because the index that is in the order of the list ends in it.
            where.append(Compare(("name",), operator, place_at(values[name])))
    return where


def _moment(name: str, help: str) -> Parameter:
    return Parameter(
        name=name, help=help, schema={"type": "string", "format": "date-time"}, read=read_moment
    )


def read_moment(text: str, name: str) -> datetime:
    """Read a time.

    Raises:
        InvalidQuery: It is none, or has no offset from UTC.
    """
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise invalid_parameter(name, "must be a time that there is") from error
    raise invalid_parameter(name, "must be a time such as 2026-11-22T10:00:00Z")
