"""Names, strings and JSON values that stores are known to confuse."""

from __future__ import annotations

from typing import Final

from craton.jsontext import JsonValue

#: Names in the order of their code points, which is no locale's order.
TRICKY: Final = (
    *("Z", "a", "a b", "a-b", "a.b", "aB", "a_b", "ab", "e\u0301", "z", "ß", "é", "中"),
    "\uffee",
    "\U0001f600",
)

#: JSON values by the name of the host that has them.
VALUES: Final[dict[str, JsonValue]] = {
    "one": 1,
    "one-float": 1.0,
    "one-text": "1",
    "true": True,
    "false": False,
    "zero": 0,
    "negative-zero": -0.0,
    "null": None,
    "empty-text": "",
    "text": "Straße %_\\ x",
    "upper": "STRASSE",
    "big": 2**70,
    "object": {"a": {"b.c": [10, "x", None]}, "d": 1},
    "swapped": {"d": 1, "a": {"b.c": [10, "x", None]}},
    "array": [1, 2],
    "reversed": [2, 1],
    "empty-object": {},
    "empty-array": [],
}

#: Strings that somebody trims, normalizes, escapes or cuts off.
NASTY: Final = (
    "",
    " leading and trailing ",
    "new\nline\r\n\ttab",
    "NEL\u0085 LS\u2028 PS\u2029 BOM\ufeff DEL\x7f",
    "\u0001\u001f",
    "é e\u0301 ﬁ İı ẞß",
    "\U0001f600\U0010ffff\uffff",
    "'; DROP TABLE hosts; --",
    '% _ \\ " ` {} :name ?',
    "null",
    "x" * 100_000,
)

#: Numbers that somebody rounds, or takes for another type.
NUMBERS: Final = (
    *(0, -1, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**4299),
    *(1.0, -0.0, 1e16, 1e-7, 0.1, 1.7976931348623157e308, 5e-324, 123456789.123456789),
)
