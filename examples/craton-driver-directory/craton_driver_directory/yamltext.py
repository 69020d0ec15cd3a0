"""JSON values as YAML that a person likes to read, and that every reader of YAML reads alike.

YAML has more than one reading of ``on``, ``0123``, ``12:30:00`` or ``2024-01-01``, depending on its
version. What is written here has one: strings that could be anything else are quoted. What is
ambiguous in a file that somebody wrote by hand is refused, with the line, instead of guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from yaml.resolver import Resolver

from craton.jsontext import MAX_DEPTH

# The parser in C, where PyYAML was built with it, is ten times as fast.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_CONSTANTS: dict[str, Any] = {"null": None, "true": True, "false": False}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<float>(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)\Z")
_PLAIN = re.compile(
    r"(?:[A-Za-z_/][A-Za-z0-9_./@+-]*(?:[ :][A-Za-z0-9_./@+-]+)*|[0-9]+(?:\.[0-9]+){3})\Z"
)
_BLOCK = re.compile(r"(?:[!-~][ -~\u00a1-\u1fff]*)(?:\n[ -~\u00a1-\u1fff]*)*\n?\Z")
_STRING = "tag:yaml.org,2002:str"

#: What PyYAML takes for a string, and other readers do not: y and n (1.1), octals and 010 (1.2).
_DISPUTED = re.compile(r"(?:[yYnN]|0o[0-7]+|[-+]?0[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)\Z")


class InvalidYaml(ValueError):
    """A text that is not YAML, or says what JSON cannot say; the message has the line."""


def dumps(value: dict[str, Any]) -> str:
    """Write an object; keys keep their order."""
    events = [StreamStartEvent(), DocumentStartEvent(explicit=False), *_events(value)]
    events += [DocumentEndEvent(explicit=False), StreamEndEvent()]
    text: str = yaml.emit(events, Dumper=_DUMPER, allow_unicode=True, width=2**30)
    return text


def loads(text: str) -> Any:
    """Read one document.

    Raises:
        InvalidYaml: It is none, repeats a key, nests too deep, or uses what has no place in JSON:
            tags, anchors, keys that are no strings, words that versions of YAML read differently.
    """
    try:
        events = yaml.parse(text, Loader=_LOADER)
        next(events)
        if not isinstance(next(events), DocumentStartEvent):
            raise InvalidYaml("the file is empty")
        value = _value(next(events), events, 1)
        next(events)
        if not isinstance(next(events), StreamEndEvent):
            raise InvalidYaml("the file has a second document")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise InvalidYaml(f"{where}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise InvalidYaml("a character that YAML does not allow") from error
    return value


def _events(value: object) -> Iterator[Event]:
    if isinstance(value, dict):
        yield MappingStartEvent(None, None, implicit=True, flow_style=False)
        for key, item in value.items():
            yield _scalar(key, is_key=True)
            yield from _events(item)
        yield MappingEndEvent()
    elif isinstance(value, list):
        yield SequenceStartEvent(None, None, implicit=True, flow_style=False)
        for item in value:
            yield from _events(item)
        yield SequenceEndEvent()
    elif isinstance(value, str):
        yield _scalar(value)
    else:
        yield ScalarEvent(None, None, (True, False), _literal(value))


def _scalar(text: str, is_key: bool = False) -> Event:
    style: str | None = '"'
    if _PLAIN.match(text) and _tag(text) == _STRING:
        style = None
    elif "\n" in text and not is_key and _BLOCK.match(text) and " \n" not in text:
        style = "|"
    return ScalarEvent(None, None, (style is None, True), text, style=style)


def _literal(value: object) -> str:
    text = json.dumps(value)
    # Without a point, 1e+16 is a string to YAML 1.1.
    if isinstance(value, float) and "." not in text:
        text = text.replace("e", ".0e")
    return text


def _tag(text: str) -> str:
    """Return what some version of YAML takes a word for that is not quoted."""
    if _DISPUTED.match(text):
        return "disputed"
    for first in (text[:1], None):
        for tag, pattern in Resolver.yaml_implicit_resolvers.get(first, ()):
            if pattern.match(text):
                return str(tag)
    return _STRING


def _value(event: Any, events: Iterator[Event], depth: int) -> Any:
    if isinstance(event, AliasEvent) or event.anchor is not None:
        raise InvalidYaml(f"{_line(event)}anchors and aliases are not understood here")
    if event.tag is not None:
        raise InvalidYaml(f"{_line(event)}tags such as {event.tag!r} are not understood here")
    if isinstance(event, ScalarEvent):
        return _plain(event) if event.implicit[0] else event.value
    assert isinstance(event, CollectionStartEvent)
    # The document itself and its variables are around the values.
    if depth > MAX_DEPTH + 2:
        raise InvalidYaml(f"{_line(event)}values nest deeper than {MAX_DEPTH} levels")
    if isinstance(event, MappingStartEvent):
        return _mapping(events, depth)
    found = []
    while not isinstance(item := next(events), SequenceEndEvent):
        found.append(_value(item, events, depth + 1))
    return found


def _mapping(events: Iterator[Event], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not isinstance(event := next(events), MappingEndEvent):
        key = _value(event, events, depth + 1)
        if not isinstance(key, str):
            raise InvalidYaml(f"{_line(event)}keys must be strings; put {key!r} in quotes")
        if key in found:
            raise InvalidYaml(f"{_line(event)}the key {key!r} is there twice")
        found[key] = _value(next(events), events, depth + 1)
    return found


def _plain(event: ScalarEvent) -> Any:
    text = event.value
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    number = _NUMBER.match(text)
    try:
        if number is not None:
            return float(text) if number["float"] else int(text)
    except ValueError as error:
        raise InvalidYaml(f"{_line(event)}an integer of too many digits") from error
    if _tag(text) != _STRING:
        raise InvalidYaml(
            f"{_line(event)}{text!r} is read differently by versions of YAML: put it in quotes "
            "if it is a string, else write null, true, false or a number as in JSON"
        )
    return text


def _line(event: Event) -> str:
    return f"line {event.start_mark.line + 1}: " if event.start_mark else ""
