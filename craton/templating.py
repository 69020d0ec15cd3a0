"""Which strings Ansible would take for templates, if it may template them.

A template is code that runs on the controller, so this errs on the safe side: it asks what could
begin a template, never what the template would do.
"""

from __future__ import annotations

from typing import Final

from craton.names import TEMPLATE_MARKS

#: The key around a string that Ansible must never template.
UNSAFE_KEY: Final = "__ansible_unsafe"

#: A string that begins so sets its own delimiters, and needs none of the usual ones.
HEADER: Final = "#jinja2:"


def is_template(text: str) -> bool:
    """Tell whether a string holds an opening delimiter, or begins with the header."""
    if "{" in text and any(mark in text for mark in TEMPLATE_MARKS):
        return True
    return text.startswith(HEADER)


def holds_template(value: object) -> bool:
    """Tell whether a JSON value has such a string, at any depth. Keys are never templated."""
    if isinstance(value, str):
        return is_template(value)
    if isinstance(value, dict):
        return any(holds_template(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(holds_template(item) for item in value)
    return False
