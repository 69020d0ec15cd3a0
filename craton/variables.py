"""Variables: JSON values by name, immutable, in a form that a store and a bundle can pass on.

A fleet has millions of variables, and most of them travel from the store into a bundle without
anybody looking at them. So the mapping keeps JSON text, and decodes a value when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Self

from craton import jsontext
from craton.errors import InvalidValue
from craton.jsontext import JsonValue
from craton.names import check_variable_name


class Variables(Mapping[str, JsonValue]):
    """An immutable mapping of variable names to JSON values, sorted by name.

    Two are equal when their texts are: ``1`` is not ``1.0``, and the order of the keys inside a
    value counts, because Ansible shows it.

    Args:
        values: Any mapping of names to JSON values.

    Raises:
        InvalidValue: A name that Ansible keeps for itself, or a value that is not JSON.
    """

    __slots__ = ("_members", "_text")

    _members: dict[str, str] | None
    _text: str | None

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        if isinstance(values, Variables):
            self._members, self._text = values._members, values._text
            return
        members = {}
        for name, value in (values or {}).items():
            _check_name(name)
            members[name] = jsontext.encode(value, f"variables.{name}")
        self._members, self._text = dict(sorted(members.items())), None

    @classmethod
    def from_members(cls, members: Mapping[str, str]) -> Self:
        """Take names and JSON texts that :meth:`members` gave, in any order."""
        self = cls.__new__(cls)
        self._members, self._text = dict(sorted(members.items())), None
        return self

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Take a text that :attr:`text` gave. It is trusted, and read only when needed."""
        self = cls.__new__(cls)
        self._members, self._text = None, text
        return self

    @property
    def text(self) -> str:
        """The whole mapping as one JSON object, names sorted, without white space."""
        if self._text is None:
            body = ",".join(f'"{name}":{text}' for name, text in self.members().items())
            self._text = f"{{{body}}}"
        return self._text

    def members(self) -> Mapping[str, str]:
        """Return the JSON text of each value by name, sorted by name; not to be changed."""
        if self._members is None:
            self._members = {name: jsontext.encode(value) for name, value in self.decode().items()}
        return self._members

    def decode(self) -> dict[str, JsonValue]:
        """Return all values as a new dict, which the caller may change."""
        return jsontext.loads(self.text)  # type: ignore[return-value]

    def merged(self, changes: Mapping[str, object]) -> Variables:
        """Return these variables with the given ones set or replaced."""
        return Variables.from_members({**self.members(), **Variables(changes).members()})

    def without(self, *names: str) -> Variables:
        """Return these variables less the named ones."""
        return Variables.from_members(
            {name: text for name, text in self.members().items() if name not in names}
        )

    def __getitem__(self, name: str) -> JsonValue:
        return jsontext.loads(self.members()[name])

    def __contains__(self, name: object) -> bool:
        return name in self.members()

    def __iter__(self) -> Iterator[str]:
        return iter(self.members())

    def __len__(self) -> int:
        return len(self.members())

    def __bool__(self) -> bool:
        return self.text != "{}" if self._members is None else bool(self._members)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Variables):
            return self.text == other.text
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Variables({self.text})"


@lru_cache(maxsize=4096)
def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise InvalidValue("variables", "must have strings as names")
    check_variable_name(name, f"variables.{name}")


EMPTY = Variables()
