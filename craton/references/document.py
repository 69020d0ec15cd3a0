"""A referenced file, read as Ansible reads a file of ``group_vars``.

The rules were measured on ansible-core (``parsing/utils/yaml.py``, ``_internal/_yaml``): a file
that is JSON is read as JSON, everything else as YAML 1.1. What Ansible would refuse, warn about, or
read as something else than it looks like, is refused here, so that no bundle holds a file of which
half is lost: two documents, repeated keys, tags of anybody's own, keys that are not text. Values
for the vault stay closed; ``!unsafe`` marks a string for Ansible and changes nothing else.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from craton import jsontext
from craton.errors import InvalidValue, ReferenceMalformed
from craton.jsontext import MAX_DEPTH, MAX_DIGITS, VAULT_KEY, JsonValue
from craton.references.urls import shown
from craton.variables import Variables

#: Whichever of them there is; they read alike, the one in C faster. It is what Ansible uses.
_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_CORE: Final = "tag:yaml.org,2002:"
_UNSAFE: Final = "!unsafe"
_UNSAFE_KEY: Final = "__ansible_unsafe"
_VAULT: Final = frozenset({"!vault", "!vault-encrypted"})

#: How many times as large aliases may make a file.
_GROWTH: Final = 10


def variables_of(content: bytes, url: str, *, marked: bool = False) -> dict[str, JsonValue]:
    """Return the variables that Ansible would read in a file.

    Args:
        content: The file.
        url: From where it is, for errors.
        marked: Whether strings that the file calls unsafe are told from others, in the form that
            they have in JSON for Ansible. What else looks like a template is one.

    Raises:
        ReferenceMalformed: It is not UTF-8, neither JSON nor YAML, not one mapping, or holds what
            Ansible cannot take, or would take for something else.
    """
    try:
        return _read(content, marked)
    except InvalidValue as error:
        raise ReferenceMalformed(shown(url), f"cannot be used: {error}") from error
    except yaml.YAMLError as error:
        raise ReferenceMalformed(shown(url), f"is not YAML: {_problem(error)}") from error


def _read(content: bytes, marked: bool) -> dict[str, JsonValue]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidValue("file", f"must be UTF-8 (byte {error.start} is not)") from error
    if text.startswith("$ANSIBLE_VAULT;"):
        raise InvalidValue("file", "must not be encrypted as a whole; encrypt values by !vault")
    value = _json(text, content, marked) if text.lstrip().startswith("{") else None
    if value is None:
        value = _Reader(text, marked).read()
    if not isinstance(value, dict):
        raise InvalidValue("file", "must hold a mapping of variables")
    return value if marked else Variables(value).decode()


def _json(text: str, content: bytes, marked: bool) -> JsonValue:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    value = jsontext.decode(content, "file")
    return value if marked else _without_marks(value)


def _without_marks(value: JsonValue) -> JsonValue:
    """Replace whole unsafe values, as Ansible reads them in JSON, by the data that they are."""
    if isinstance(value, list):
        return [_without_marks(item) for item in value]
    if isinstance(value, dict):
        data = value.get(_UNSAFE_KEY)
        if len(value) == 1 and isinstance(data, str):
            return data
        return {key: _without_marks(item) for key, item in value.items()}
    return value


class _Reader:
    """Turns one YAML document into JSON values."""

    def __init__(self, text: str, marked: bool) -> None:
        self._text = text
        self._marked = marked
        self._left = _GROWTH * len(text) + 10_000
        self._pairs: dict[int, Mapping[str, Node]] = {}
        self._weights: dict[int, int] = {}

    def read(self) -> JsonValue:
        _check_events(self._text)
        self._loader = _Loader(self._text)
        try:
            node = self._loader.get_single_node()
            # An empty file is one without variables.
            return {} if node is None or _is_null(node) else self._value(node, 1)
        finally:
            self._loader.dispose()

    def _value(self, node: Node, depth: int) -> JsonValue:
        if depth > MAX_DEPTH:
            _refuse(node, f"nests deeper than {MAX_DEPTH} levels")
        self._spend(node)
        if node.tag in _VAULT:
            return self._vault(node)
        if node.tag == _UNSAFE:
            value = self._value(self._untagged(node), depth)
            return {_UNSAFE_KEY: value} if self._marked and isinstance(value, str) else value
        if isinstance(node, MappingNode):
            if node.tag != _CORE + "map":
                _refuse(node, f"is a mapping with the tag {node.tag!r}")
            pairs = self._pairs_of(node, depth)
            return {key: self._value(item, depth + 1) for key, item in pairs.items()}
        if isinstance(node, SequenceNode):
            if node.tag != _CORE + "seq":
                _refuse(node, f"is a sequence with the tag {node.tag!r}")
            return [self._value(item, depth + 1) for item in node.value]
        return self._scalar(node)

    def _pairs_of(self, node: MappingNode, depth: int) -> Mapping[str, Node]:
        """Return the values of a mapping by key, with those that it merges (``<<``)."""
        known = self._pairs.get(id(node))
        if known is not None:
            return known
        if depth > MAX_DEPTH:
            _refuse(node, f"nests deeper than {MAX_DEPTH} levels")
        weight = len(node.value)
        own: dict[str, Node] = {}
        merged: dict[str, Node] | None = None
        for key_node, item in node.value:
            if key_node.tag == _CORE + "merge":
                if merged is not None:
                    _refuse(key_node, "repeats the key '<<'; merge a list of mappings instead")
                merged = {}
                for other in _merged(item):
                    pairs = self._pairs_of(other, depth + 1)
                    # Ansible's reader copies them all, also those that do not count in the end.
                    weight += self._weights[id(other)]
                    self._spend(other, weight)
                    # The first of several wins, and a key of the mapping's own over all.
                    merged = dict(pairs) | merged
                continue
            key = self._key(key_node)
            if key in own:
                _refuse(key_node, f"repeats the key {key!r}")
            own[key] = item
        self._pairs[id(node)], self._weights[id(node)] = (merged or {}) | own, weight
        return self._pairs[id(node)]

    def _key(self, node: Node) -> str:
        self._spend(node)
        if node.tag == _UNSAFE:
            node = self._untagged(node)
        # "=" is a key like any other, though YAML 1.1 gives it a type of its own.
        if not isinstance(node, ScalarNode) or node.tag not in {_CORE + "str", _CORE + "value"}:
            _refuse(node, "has a key that is not text; quote it")
        key = str(node.value)
        if key.startswith("__ansible"):
            _refuse(node, f"has the key {key!r}, which means something to Ansible")
        return key

    def _scalar(self, node: Node) -> JsonValue:
        name = node.tag.removeprefix(_CORE)
        if name == "str":
            return str(node.value)
        if name in {"int", "float"} and len(node.value) > MAX_DIGITS:
            _refuse(node, f"has a number of more than {MAX_DIGITS} digits")
        if name not in {"null", "bool", "int", "float", "timestamp"}:
            _refuse(node, f"has the tag {node.tag!r} on a value that Ansible does not take with it")
        try:
            value = self._loader.construct_object(node)
        except (ValueError, KeyError, IndexError, AttributeError, OverflowError):
            _refuse(node, f"has a value that is no {name}: {node.value[:40]!r}")
        # Ansible has dates, and writes them in this form.
        return value.isoformat() if isinstance(value, datetime.date) else value

    def _vault(self, node: Node) -> JsonValue:
        node = self._untagged(node)
        if not isinstance(node, ScalarNode) or node.tag != _CORE + "str":
            _refuse(node, "has the tag !vault on something that is not text")
        return {VAULT_KEY: str(node.value)}

    def _untagged(self, node: Node) -> Node:
        """Return a node as it would be without its tag; so does Ansible, quotes or not."""
        tag = self._loader.resolve(type(node), node.value, (True, False))
        return type(node)(tag, node.value, node.start_mark, node.end_mark)

    def _spend(self, node: Node, weight: int = 1) -> None:
        self._left -= weight + (len(node.value) if isinstance(node, ScalarNode) else 0)
        if self._left < 0:
            _refuse(node, f"grows to more than {_GROWTH} times its size by its aliases")


def _check_events(text: str) -> None:
    """Refuse what nests so deep that the reader of nodes, which recurses in C, would crash."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidValue(_line(event), f"nests deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _merged(node: Node) -> Iterator[MappingNode]:
    items = node.value if isinstance(node, SequenceNode) else [node]
    for item in items:
        if not isinstance(item, MappingNode):
            _refuse(node, "merges (<<) something that is not a mapping")
        yield item


def _is_null(node: Node) -> bool:
    return bool(node.tag == _CORE + "null")


def _refuse(node: Node, rule: str) -> NoReturn:
    raise InvalidValue(_line(node), rule)


def _line(place: Any) -> str:
    return f"line {place.start_mark.line + 1}"


def _problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem}, line {error.problem_mark.line + 1}"
    return str(error).splitlines()[0]
