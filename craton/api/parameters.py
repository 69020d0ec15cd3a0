"""Query parameters, declared once and read strictly.

A parameter that is unknown, malformed, or given twice where once is meant is refused by its name: a
filter that is ignored would widen what is done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes

from craton.api.errors import invalid_parameter
from craton.api.schema import schema_of
from craton.errors import InvalidValue
from craton.fields import Flag, Integer, Spec

#: Reads the text of a parameter, or says by ``InvalidQuery`` why it cannot.
Reader: TypeAlias = Callable[[str, str], Any]

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_WORDS = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One query parameter.

    Attributes:
        name: Its name.
        help: One sentence for the documentation.
        schema: The JSON schema of one value.
        read: Reads a value by ``read(text, name)``.
        default: The value where the parameter is missing and not repeatable.
        repeatable: Whether it may be given more than once; its value then is a list.
    """

    name: str
    help: str
    schema: Mapping[str, object] = field(default_factory=lambda: {"type": "string"})
    read: Reader = field(default=lambda text, name: text)
    default: Any = None
    repeatable: bool = False


def flag(name: str, help: str) -> Parameter:
    """Declare a parameter that is true or false, and false where it is missing."""
    return Parameter(
        name=name,
        help=help,
        schema={"type": "boolean", "default": False},
        read=_read_flag,
        default=False,
    )


def number(
    name: str, help: str, *, minimum: int, maximum: int, default: int | None = None
) -> Parameter:
    """Declare a parameter that is a whole number within bounds, both included."""

    def read(text: str, name: str) -> int:
        if text.isascii() and text.isdecimal() and len(text) <= 18:
            value = int(text)
            if minimum <= value <= maximum:
                return value
        raise invalid_parameter(name, f"must be a whole number from {minimum} to {maximum}")

    schema: dict[str, object] = {"type": "integer", "minimum": minimum, "maximum": maximum}
    if default is not None:
        schema["default"] = default
    return Parameter(name=name, help=help, schema=schema, read=read, default=default)


def choice(name: str, help: str, values: Iterable[str], default: str) -> Parameter:
    """Declare a parameter that is one of some words."""
    words = list(values)

    def read(text: str, name: str) -> str:
        if text not in words:
            raise invalid_parameter(name, f"must be one of {', '.join(words)}")
        return text

    schema = {"type": "string", "enum": words, "default": default}
    return Parameter(name=name, help=help, schema=schema, read=read, default=default)


def column(name: str, spec: Spec) -> Parameter:
    """Declare a repeatable filter by a field; a value that the field cannot hold is refused."""

    def read(text: str, name: str) -> object:
        if isinstance(spec, Flag):
            return _read_flag(text, name)
        value = int(text) if isinstance(spec, Integer) and text.isdecimal() else text
        try:
            spec.check(value, name)
        except InvalidValue as error:
            raise invalid_parameter(name, error.rule) from error
        return value

    return Parameter(
        name=name,
        help=f"Only those with one of these values. {spec.help}",
        schema=schema_of(spec),
        read=read,
        repeatable=True,
    )


def split(query: str) -> list[tuple[str, str]]:
    """Take a query string apart.

    Args:
        query: As WSGI gives it, still percent-encoded.

    Raises:
        InvalidQuery: It is malformed; the error names the parameter as far as it can be read.
    """
    pairs = []
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        readable = _decode(name, "?")
        if not equals:
            raise invalid_parameter(readable, "has no value")
        pairs.append((readable, _decode(value, readable)))
    return pairs


def read(parameters: Mapping[str, Parameter], pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Read what a request gives by what its route declares.

    Returns:
        Every single parameter by name, with its default where it is missing; of the repeatable ones
        those that are given, each as a list.

    Raises:
        InvalidQuery: A parameter is unknown, repeated or malformed.
    """
    values: dict[str, Any] = {
        name: parameter.default
        for name, parameter in parameters.items()
        if not parameter.repeatable
    }
    seen: set[str] = set()
    for name, text in pairs:
        parameter = parameters.get(name)
        if parameter is None:
            known = ", ".join(parameters) or "none"
            raise invalid_parameter(name, f"is unknown here; known: {known}")
        value = parameter.read(text, name)
        if parameter.repeatable:
            values.setdefault(name, []).append(value)
        elif name in seen:
            raise invalid_parameter(name, "must not be given more than once")
        else:
            values[name] = value
        seen.add(name)
    return values


def _read_flag(text: str, name: str) -> bool:
    if text not in _WORDS:
        raise invalid_parameter(name, "must be true or false")
    return _WORDS[text]


def _decode(text: str, name: str) -> str:
    if _BAD_ESCAPE.search(text) or not text.isascii():
        raise invalid_parameter(name, "is not properly percent-encoded")
    if "%" not in text and "+" not in text:
        return text
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError as error:
        raise invalid_parameter(name, "is not UTF-8") from error
