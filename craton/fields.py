"""What a field of an entity can hold, declared once.

The description stands in the metadata of the dataclass field. The driver base class checks values
by it, the SQL driver derives columns from it, the API its wire types and its OpenAPI document.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from craton import names
from craton.errors import InvalidValue
from craton.variables import Variables

_METADATA_KEY = "craton"


@dataclass(frozen=True, kw_only=True)
class Spec(ABC):
    """The description of one field.

    Attributes:
        help: One sentence for readers of the API's documentation.
        optional: Whether the field may be ``None``.
        read_only: Whether Craton sets it, and a caller's value is ignored.
        sortable: Whether a query may be ordered by it.
        filterable: Whether the REST API offers a filter of the field's name.
        selective: Whether few entities have one value of it, so that a filter is worth an index.
    """

    help: str
    optional: bool = False
    read_only: bool = False
    sortable: bool = False
    filterable: bool = False
    selective: bool = True

    def check(self, value: object, field: str) -> None:
        """Check a value.

        Raises:
            InvalidValue: The field cannot hold it; the error names the field and the rule.
        """
        if value is None:
            if not self.optional:
                raise InvalidValue(field, "must not be null")
        else:
            self._check(value, field)

    @abstractmethod
    def _check(self, value: object, field: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Text(Spec):
    """A string.

    Attributes:
        max_length: In characters.
        min_length: In characters.
        rule: A further check, by ``rule(value, field)``.
    """

    max_length: int
    min_length: int = 0
    rule: Callable[[str, str], None] | None = None

    def _check(self, value: object, field: str) -> None:
        if not isinstance(value, str):
            raise InvalidValue(field, "must be a string")
        if not self.min_length <= len(value) <= self.max_length:
            raise InvalidValue(
                field, f"must have {self.min_length} to {self.max_length} characters"
            )
        if "\0" in value:
            raise InvalidValue(field, "must not contain the character NUL")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidValue(field, "must not contain half of a surrogate pair") from error
        if self.rule is not None:
            self.rule(value, field)


@dataclass(frozen=True, kw_only=True)
class Integer(Spec):
    """A whole number within bounds, both included."""

    minimum: int
    maximum: int

    def _check(self, value: object, field: str) -> None:
        if type(value) is not int or not self.minimum <= value <= self.maximum:
            raise InvalidValue(field, f"must be an integer from {self.minimum} to {self.maximum}")


@dataclass(frozen=True, kw_only=True)
class Flag(Spec):
    """True or false."""

    def _check(self, value: object, field: str) -> None:
        if type(value) is not bool:
            raise InvalidValue(field, "must be true or false")


@dataclass(frozen=True, kw_only=True)
class Moment(Spec):
    """An aware time in UTC, in whole milliseconds."""

    def _check(self, value: object, field: str) -> None:
        if not isinstance(value, datetime) or value.tzinfo is not UTC:
            raise InvalidValue(field, "must be a time in UTC")
        if value.microsecond % 1000:
            raise InvalidValue(field, "must be in whole milliseconds")


@dataclass(frozen=True, kw_only=True)
class Links(Spec):
    """Ids of other entities of the same region: a set, kept sorted, as a tuple.

    Attributes:
        kind: The kind of entity that the ids name.
    """

    kind: str

    def _check(self, value: object, field: str) -> None:
        if not isinstance(value, tuple):
            raise InvalidValue(field, f"must be a list of ids of {self.kind}s")
        for position, item in enumerate(value):
            ID.check(item, f"{field}.{position}")


@dataclass(frozen=True, kw_only=True)
class VariableMap(Spec):
    """Variables by name."""

    def _check(self, value: object, field: str) -> None:
        if not isinstance(value, Variables):
            raise InvalidValue(field, "must be an object of variables by name")


@dataclass(frozen=True, kw_only=True)
class Names(Spec):
    """Names without white space in them: a set, kept sorted, as a tuple."""

    def _check(self, value: object, field: str) -> None:
        if not isinstance(value, tuple) or not all(isinstance(name, str) for name in value):
            raise InvalidValue(field, "must be a list of names")
        if any(name.split() != [name] for name in value):
            raise InvalidValue(field, "must hold names that are not empty, without white space")


@dataclass(frozen=True, kw_only=True)
class VariableNames(Names):
    """Names of variables of the same entity."""

    def _check(self, value: object, field: str) -> None:
        # Whoever reads them finds each among the variables, which have stricter names.
        if not isinstance(value, tuple) or not all(isinstance(name, str) for name in value):
            raise InvalidValue(field, "must be a list of names of variables")


def declare(spec: Spec, **keywords: Any) -> Any:
    """Declare a dataclass field that holds what ``spec`` describes."""
    return dataclasses.field(metadata={_METADATA_KEY: spec}, **keywords)


def spec_of(field: dataclasses.Field[Any]) -> Spec:
    """Return the description that :func:`declare` gave to a dataclass field."""
    spec = field.metadata[_METADATA_KEY]
    assert isinstance(spec, Spec)
    return spec


def check_ip_address(value: str, field: str) -> None:
    """Check an IPv4 or IPv6 address in its usual form.

    Raises:
        InvalidValue: It is no address, or one that is usually written otherwise (RFC 5952).
    """
    try:
        usual = str(ipaddress.ip_address(value))
    except ValueError as error:
        raise InvalidValue(field, "must be an IPv4 or IPv6 address") from error
    if usual != value:
        raise InvalidValue(field, f"must be written as {usual!r}")


def check_sha256(value: str, field: str) -> None:
    """Check a SHA-256 in hexadecimal digits.

    Raises:
        InvalidValue: It is none, or has capital letters.
    """
    if not re.fullmatch("[0-9a-f]{64}", value):
        raise InvalidValue(field, "must be 64 hexadecimal digits in small letters")


def _check_id(value: str, field: str) -> None:
    names.check_free_text(value, field)
    if "/" in value:
        raise InvalidValue(field, "must not contain a slash")


#: The id of an entity, wherever one stands.
ID = Text(
    help="Opaque and unique; made by Craton, or given by the CMDB.",
    min_length=1,
    max_length=64,
    read_only=True,
    filterable=True,
    sortable=True,
    rule=_check_id,
)
