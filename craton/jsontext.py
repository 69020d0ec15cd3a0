"""JSON as Craton keeps it: read strictly, written in one form, compared without mixing types.

The standard library reads (it keeps integers of any size and tells 1 from 1.0), orjson writes
(it is several times faster; integers beyond 64 bits fall back to the standard library).
"""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Iterable
from typing import TypeAlias

import orjson

from craton.errors import InvalidValue

JsonValue: TypeAlias = "None | bool | int | float | str | list[JsonValue] | dict[str, JsonValue]"

#: How deep arrays and objects may nest. MongoDB stops at 100 levels, Ansible at about 900.
MAX_DEPTH = 64

#: Decimal digits of an integer; Python's own limit for reading one, and so Ansible's.
MAX_DIGITS = 4300

#: The key of a value that is encrypted for Ansible Vault; Craton keeps such values closed.
VAULT_KEY = "__ansible_vault"

_RESERVED = "__ansible"


def decode(document: bytes, field: str = "body") -> JsonValue:
    """Read a JSON document that somebody else wrote.

    Args:
        document: The bytes, which must be UTF-8 without a byte-order mark.
        field: What to call the document in an error.

    Raises:
        InvalidValue: The bytes are not UTF-8, not JSON (RFC 8259), repeat a key, nest too deep, or
            hold a number that has no JSON form.
    """
    if document.startswith(codecs.BOM_UTF8):
        raise InvalidValue(field, "must not begin with a byte-order mark")
    try:
        text = document.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidValue(field, f"must be UTF-8 (byte {error.start} is not)") from error
    try:
        value: JsonValue = json.loads(
            text,
            object_pairs_hook=_object_without_repeats,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
        )
    except InvalidValue as error:
        raise InvalidValue(field, error.rule) from error
    except json.JSONDecodeError as error:
        raise InvalidValue(
            field, f"must be JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except RecursionError as error:
        raise InvalidValue(field, f"must not nest deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise InvalidValue(field, f"holds an integer of more than {MAX_DIGITS} digits") from error
    return value


def loads(text: str) -> JsonValue:
    """Read JSON that Craton itself wrote."""
    value: JsonValue = json.loads(text)
    return value


def dumps(value: object) -> str:
    """Write a value that is known to be JSON, in the form of :func:`encode`."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def encode(value: object, field: str = "value") -> str:
    """Write a value in the one form in which Craton stores and compares it.

    No white space; keys in the order given, which Ansible can see; UTF-8 without escapes.

    Raises:
        InvalidValue: The value is not JSON, or not JSON that Ansible reads back unchanged: NUL or a
            lone surrogate in a string, a number that is not finite or too long, a key that begins
            with ``__ansible`` (unless the object is a whole vault value), nesting beyond
            ``MAX_DEPTH``.
    """
    _check(value, field, 1)
    return dumps(value)


def comparable(value: object) -> str:
    """Return the text that is the same for equal values only.

    ``1``, ``1.0``, ``"1"`` and ``true`` differ; the order of keys in an object does not matter.
    """
    if isinstance(value, dict | list | tuple):
        return dumps(_sorted(value))
    return dumps(value)


def equal(left: object, right: object) -> bool:
    """Tell whether two values are the same JSON value."""
    return comparable(left) == comparable(right)


def is_vault(value: object) -> bool:
    """Tell whether a value is a whole vault value, as ``ansible-inventory --export`` shows it."""
    return isinstance(value, dict) and value.keys() == {VAULT_KEY}


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(item) for item in value]
    return value


def _check(value: object, field: str, depth: int) -> None:
    kind = type(value)
    if kind is str:
        _check_text(value, field)  # type: ignore[arg-type]
    elif value is None or kind is bool:
        return
    elif kind is int:
        _check_integer(value, field)  # type: ignore[arg-type]
    elif kind is float:
        if not math.isfinite(value):  # type: ignore[arg-type]
            raise InvalidValue(field, "must be a finite number")
    elif depth > MAX_DEPTH:
        raise InvalidValue(field, f"must not nest deeper than {MAX_DEPTH} levels")
    elif kind is dict:
        _check_object(value, field, depth)  # type: ignore[arg-type]
    elif kind is list or kind is tuple:
        for position, item in enumerate(value):  # type: ignore[arg-type,var-annotated]
            _check(item, f"{field}.{position}", depth + 1)
    else:
        raise InvalidValue(field, f"must be a JSON value, not {kind.__name__}")


def _check_object(value: dict[object, object], field: str, depth: int) -> None:
    for key, item in value.items():
        if type(key) is not str:
            raise InvalidValue(field, "must have strings as keys")
        _check_text(key, f"{field}: a key")
        if key.startswith(_RESERVED):
            _check_vault(value, field)
        _check(item, f"{field}.{key}", depth + 1)


def _check_vault(value: dict[object, object], field: str) -> None:
    sealed = value.get(VAULT_KEY)
    if len(value) != 1 or not isinstance(sealed, str) or not sealed.startswith("$ANSIBLE_VAULT;"):
        raise InvalidValue(
            field,
            f"must not have a key that begins with {_RESERVED}, unless it is a whole vault value "
            f'({{"{VAULT_KEY}": "$ANSIBLE_VAULT;…"}})',
        )


def _check_text(value: str, field: str) -> None:
    if "\0" in value:
        raise InvalidValue(field, "must not contain the character NUL")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidValue(field, "must not contain half of a surrogate pair") from error


def _check_integer(value: int, field: str) -> None:
    try:
        str(value)
    except ValueError as error:
        raise InvalidValue(field, f"must not have more than {MAX_DIGITS} digits") from error


def _object_without_repeats(pairs: Iterable[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    items = list(pairs)
    found = dict(items)
    if len(found) != len(items):
        seen: set[str] = set()
        for key, _ in items:
            if key in seen:
                raise InvalidValue("body", f"must not repeat the key {key!r} in one object")
            seen.add(key)
    return found


def _refuse_constant(word: str) -> None:
    raise InvalidValue("body", f"must be JSON: {word} is not a JSON number")


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise InvalidValue("body", f"holds a number that is too large: {digits[:40]}")
    return number
