"""Variables as Ansible must read them: data marked, so that it never runs as code.

Most variables hold nothing that looks like a template, and their text passes as the store keeps
it. A search of the text finds the others: the encoder of :mod:`craton.jsontext` never escapes an
opening brace, and outside of strings JSON has none of the marks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from craton import jsontext
from craton.jsontext import JsonValue
from craton.models import CONNECTION_VARIABLES, Host
from craton.names import TEMPLATE_MARKS
from craton.templating import HEADER, UNSAFE_KEY, is_template
from craton.variables import Variables

_VARIABLE, _STATEMENT, _REMARK = TEMPLATE_MARKS
_HEADER_IN_TEXT: Final = f'"{HEADER}'
_NO_PATHS: Final[Mapping[str, str]] = {}
_FIELDS: Final = [(field, name, f'"{name}":') for field, name in CONNECTION_VARIABLES.items()]


def rendered(variables: Variables, templated: Collection[str]) -> str:
    """Return the text of variables with strings that look like templates marked unsafe.

    Args:
        variables: Variables of one entity.
        templated: The names of those whose strings Ansible may template.
    """
    text = variables.text
    if _may_hold_template(text):
        return as_object(rendered_members(variables, templated))
    return text


def rendered_members(variables: Variables, templated: Collection[str]) -> dict[str, str]:
    """Return the text of each variable by name, marked as by :func:`rendered`."""
    return {
        name: text
        if name in templated or not _may_hold_template(text)
        else jsontext.dumps(marked(jsontext.loads(text)))
        for name, text in variables.members().items()
    }


def rendered_host(host: Host, paths: Mapping[str, str] = _NO_PATHS) -> str:
    """Return the text of everything that a host itself sets, its fields included.

    Args:
        host: The host.
        paths: The variables with the paths of its secrets; they win, and are templates.
    """
    if paths:
        members = rendered_members(host.variables.without(*paths), host.templated)
        members |= {name: jsontext.dumps(path) for name, path in paths.items()}
        text = as_object(dict(sorted(members.items())))
    else:
        text = rendered(host.variables, host.templated)
    fields = ""
    for field, name, key in _FIELDS:
        value = getattr(host, field)
        # The search is cheap; what it finds may be a key inside of another variable.
        if value is not None and not (key in text and (name in host.variables or name in paths)):
            fields += f"{key}{jsontext.dumps(marked(value))},"
    if not fields:
        return text
    return f"{{{fields}{text[1:]}" if text != "{}" else f"{{{fields[:-1]}}}"


def marked(value: JsonValue) -> JsonValue:
    """Return a value with every string that looks like a template marked, at any depth.

    Keys cannot be marked; Ansible does not template them. A vault value stays as it is: Ansible
    never templates what it has not opened.
    """
    if isinstance(value, str):
        return {UNSAFE_KEY: value} if is_template(value) else value
    if isinstance(value, list):
        return [marked(item) for item in value]
    if isinstance(value, dict) and not jsontext.is_vault(value):
        return {key: marked(item) for key, item in value.items()}
    return value


def as_object(members: Mapping[str, str]) -> str:
    """Return the text of an object from the texts of its values by name."""
    body = ",".join(f'"{name}":{text}' for name, text in members.items())
    return f"{{{body}}}"


def _may_hold_template(text: str) -> bool:
    return _VARIABLE in text or _STATEMENT in text or _REMARK in text or _HEADER_IN_TEXT in text
