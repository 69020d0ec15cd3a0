"""What stands in an index for a variable: one short string for its name and value together.

``name=value``, where the value is in its comparable form (:func:`craton.jsontext.comparable`), so
that two tokens are equal exactly when name and value are. A long value is cut, with a digest of the
whole behind it. Tokens of one variable stand beside each other in the index, and those of strings
with one beginning, too.
"""

from __future__ import annotations

import hashlib
from typing import Final

from craton import jsontext
from craton.variables import Variables

#: The longest value, in characters, that stands in a token as a whole.
_LONGEST: Final = 64

#: How much of a longer one does. With the digest it is longer than any whole one.
HEAD: Final = 40

_DIGEST_BYTES: Final = 16

_BETWEEN: Final = "="
#: The character behind it, which ends the range of a variable's tokens.
_BEHIND: Final = chr(ord(_BETWEEN) + 1)


def tokens(variables: Variables) -> list[str]:
    """Return the tokens of variables."""
    return [token(name, _comparable(text)) for name, text in variables.members().items()]


def token(name: str, comparable: str) -> str:
    """Return the token of one variable with a value in its comparable form."""
    if len(comparable) <= _LONGEST:
        return f"{name}{_BETWEEN}{comparable}"
    digest = hashlib.blake2b(comparable.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{name}{_BETWEEN}{comparable[:HEAD]}{digest}"


def bounds(name: str) -> tuple[str, str]:
    """Return the range of a variable's tokens: the lowest that is in it, the lowest behind it."""
    return f"{name}{_BETWEEN}", f"{name}{_BEHIND}"


def _comparable(member: str) -> str:
    """Return the comparable form of a value, given its JSON text."""
    # Only the order of the keys in an object makes it another one.
    return jsontext.comparable(jsontext.loads(member)) if "{" in member else member
